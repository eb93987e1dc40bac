"""The GRU without its recurrent weights (Feng et al., 2024): its gates see x alone, so a scan can run in parallel.

    z = σ(W_xz x + b_z)         update gate: the share of the old state that is kept
    n = W_xn x + b_n            candidate
    h' = (1 - z) * n + z * h

The paper's z is the share of the new, 1 - z here: negate its rows to convert.
"""

from typing import Any, NamedTuple

from lstmcore.cells.gru import State

__all__ = ["Gates", "Params", "State"]


class Gates(NamedTuple):
    z: Any
    n: Any


class Params(NamedTuple):
    W_x: Any
    b: Any

    @staticmethod
    def shapes(D, H):
        return Params(W_x=(2 * H, D), b=(2 * H,))
