"""How many weights? Of our cells, and of every net in Hochreiter & Schmidhuber (1997)."""

from math import prod


def parameters(cell, D, H):
    """Numbers in the Params of a cell (a module of `lstmcore.cells`) -> {name: how many, …, "total": their sum}."""
    each = {name: prod(shape) for name, shape in cell.Params.shapes(D, H)._asdict().items()}
    return {**each, "total": sum(each.values())}


def net_1997(inputs, outputs, blocks, size, biases=(), output_gate=True, recurrent=True, direct=False):
    """Weights of a net of memory blocks as in the paper of 1997.

    blocks, size    memory blocks, and cells in each; a block has one input gate and, with output_gate, one output gate
    biases          which units have one: "gates", "cells", "outputs"
    recurrent       every cell and gate reads every cell and gate of the step before: gates feed gates too
    direct          the inputs reach the outputs directly as well
    """
    if unknown := set(biases) - {"gates", "cells", "outputs"}:
        raise ValueError(f"biases has {', '.join(sorted(unknown))}; it may have gates, cells, outputs.")
    cells, gates = blocks * size, blocks * (1 + output_gate)
    hidden = cells + gates
    units = {"gates": gates, "cells": cells, "outputs": outputs}
    weights = hidden * inputs + cells * outputs
    weights += hidden * hidden if recurrent else 0
    weights += inputs * outputs if direct else 0
    return weights + sum(units[which] for which in biases)


ALL, HIDDEN, GATES = ("gates", "cells", "outputs"), ("gates", "cells"), ("gates",)
_2A = {"output_gate": False, "recurrent": False, "direct": True}
TABLE_10 = {
    # task: (weights printed in the paper's Table 10, (inputs, outputs, blocks, size), what else gives these weights)
    "1-1": (264, (7, 7, 4, 1), {"biases": GATES}),
    "1-2": (276, (7, 7, 3, 2), {"biases": GATES}),
    "1-3": (276, (7, 7, 3, 2), {"biases": GATES}),
    "1-4": (264, (7, 7, 4, 1), {"biases": GATES}),
    "1-5": (276, (7, 7, 3, 2), {"biases": GATES}),
    "2a": (10504, (101, 101, 1, 1), _2A),
    "2b": (10504, (101, 101, 1, 1), _2A),
    "2c-1": (364, (54, 2, 2, 1), {}),
    "2c-2": (664, (104, 2, 2, 1), {}),
    "2c-3": (1264, (204, 2, 2, 1), {}),
    "2c-4": (3064, (504, 2, 2, 1), {}),
    "2c-5": (6064, (1004, 2, 2, 1), {}),
    "2c-6": (3064, (504, 2, 2, 1), {}),
    "2c-7": (1264, (204, 2, 2, 1), {}),
    "2c-8": (664, (104, 2, 2, 1), {}),
    "2c-9": (364, (54, 2, 2, 1), {}),
    "3": (102, (1, 1, 3, 1), {"biases": HIDDEN}),
    "4": (93, (2, 1, 2, 2), {"biases": ALL}),
    "5": (93, (2, 1, 2, 2), {"biases": ALL}),
    "6a": (156, (8, 4, 2, 2), {"biases": ALL}),
    "6b": (308, (8, 8, 3, 2), {"biases": ALL}),
}
