"""The LSTM on images: every product with a weight is a convolution (Shi et al., 2015, eq. 3, without peepholes).

    i = σ(W_xi ∗ x + W_hi ∗ h + b_i)        input gate
    f = σ(W_xf ∗ x + W_hf ∗ h + b_f)        forget gate
    g = tanh(W_xg ∗ x + W_hg ∗ h + b_g)     candidate
    o = σ(W_xo ∗ x + W_ho ∗ h + b_o)        output gate
    c' = f * c + i * g
    h' = o * tanh(c')

x is (B, D, Y, X), h and c are (B, H, Y, X). ∗ keeps Y and X: the border is filled with zeros; k is odd.
"""

from typing import Any, NamedTuple

from lstmcore.cells.lstm import Gates, State

__all__ = ["Gates", "Params", "State"]


class Params(NamedTuple):
    W_x: Any
    W_h: Any
    b: Any

    @staticmethod
    def shapes(D, H, k=3):
        return Params(W_x=(4 * H, D, k, k), W_h=(4 * H, H, k, k), b=(4 * H,))
