"""The LSTM whose gates look at the memory (Gers, Schraudolph & Schmidhuber, 2002).

i = σ(W_xi x + W_hi h + w_ci * c + b_i)         input gate
f = σ(W_xf x + W_hf h + w_cf * c + b_f)         forget gate
g = tanh(W_xg x + W_hg h + b_g)                 candidate
c' = f * c + i * g
o = σ(W_xo x + W_ho h + w_co * c' + b_o)        output gate: it sees the new memory
h' = o * tanh(c')
"""

from typing import Any, NamedTuple

from lstmcore.cells.lstm import Gates, State

__all__ = ["Gates", "Params", "State"]


class Params(NamedTuple):
    W_x: Any
    W_h: Any
    b: Any
    w_ci: Any  # one weight a unit: a gate sees its own memory alone
    w_cf: Any
    w_co: Any

    @staticmethod
    def shapes(D, H):
        return Params(W_x=(4 * H, D), W_h=(4 * H, H), b=(4 * H,), w_ci=(H,), w_cf=(H,), w_co=(H,))
