"""The plain recurrent cell (Elman, 1990).

h' = tanh(W_x x + W_h h + b)
"""

from typing import Any, NamedTuple


class Gates(NamedTuple):
    h: Any  # the new state: the cell has no gate, and one block of rows


class Params(NamedTuple):
    W_x: Any
    W_h: Any
    b: Any

    @staticmethod
    def shapes(D, H):
        return Params(W_x=(H, D), W_h=(H, H), b=(H,))


class State(NamedTuple):
    h: Any
