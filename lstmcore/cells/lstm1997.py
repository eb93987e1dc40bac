"""The LSTM of 1997 (Hochreiter & Schmidhuber, 1997, eqs. 3-9), which cannot forget, in the plain layout.

    i = σ(W_xi x + W_hi h + b_i)            input gate
    g = 4 σ(W_xg x + W_hg h + b_g) - 2      candidate, in [-2, 2]
    o = σ(W_xo x + W_ho h + b_o)            output gate
    c' = c + i * g
    h' = o * (2 σ(c') - 1)                  the squashed memory lies in [-1, 1]

Memory blocks of several cells, and gates that feed gates, are the paper's too; `count` counts their weights.
"""

from typing import Any, NamedTuple

from lstmcore.cells.lstm import State

__all__ = ["Gates", "Params", "State"]


class Gates(NamedTuple):
    i: Any
    g: Any
    o: Any


class Params(NamedTuple):
    W_x: Any
    W_h: Any
    b: Any

    @staticmethod
    def shapes(D, H):
        return Params(W_x=(3 * H, D), W_h=(3 * H, H), b=(3 * H,))
