"""What each cell is: its equations and their source, its Gates, Params and State. Nothing here computes a step.

Every module declares
    Gates   what the cell computes on the way, in the order in which the rows of W_x, W_h and b are stacked;
    Params  its weights, with `Params.shapes(D, H)`; the keys of a state_dict are `Params._fields`;
    State   what a step hands to the next, h first. Each is (B, H).
A gradient has the type of its thing: dLoss/dParams is a Params, dLoss/dState a State.
"""

import sys


def gate_names(p):
    """The names of p's blocks of rows, in order: ("i", "f", "g", "o") for an LSTM; () if p is no cell's."""
    cell = sys.modules[type(p).__module__]
    return cell.Gates._fields if hasattr(cell, "Gates") else ()


def sizes(p):
    """(D, H) of any cell's Params."""
    return p.W_x.shape[1], p.W_h.shape[1] if hasattr(p, "W_h") else len(p.W_x) // len(gate_names(p))
