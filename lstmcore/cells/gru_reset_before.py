"""The GRU that resets before the product (Cho et al., 2014, eqs. 5-8, with biases).

r = σ(W_xr x + W_hr h + b_r)                reset gate
z = σ(W_xz x + W_hz h + b_z)                update gate: the share of the old state that is kept
n = tanh(W_xn x + W_hn (r * h) + b_n)       candidate
h' = (1 - z) * n + z * h
"""

from typing import Any, NamedTuple

from lstmcore.cells.gru import Gates, State

__all__ = ["Gates", "Params", "State"]


class Params(NamedTuple):
    W_x: Any
    W_h: Any
    b: Any

    @staticmethod
    def shapes(D, H):
        return Params(W_x=(3 * H, D), W_h=(3 * H, H), b=(3 * H,))
