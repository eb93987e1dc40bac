"""The GRU that resets after the product (cuDNN's and PyTorch's form; Cho et al., 2014, reset before it).

r = σ(W_xr x + W_hr h + b_r)                    reset gate
z = σ(W_xz x + W_hz h + b_z)                    update gate: the share of the old state that is kept
n = tanh(W_xn x + b_n + r * (W_hn h + b_hn))    candidate
h' = (1 - z) * n + z * h
"""

from typing import Any, NamedTuple


class Gates(NamedTuple):
    r: Any
    z: Any
    n: Any


class Params(NamedTuple):
    W_x: Any
    W_h: Any
    b: Any
    b_hn: Any  # apart from b, since r multiplies it

    @staticmethod
    def shapes(D, H):
        return Params(W_x=(3 * H, D), W_h=(3 * H, H), b=(3 * H,), b_hn=(H,))


class State(NamedTuple):
    h: Any
