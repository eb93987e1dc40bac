"""The LSTM with a forget gate (Gers, Schmidhuber & Cummins, 2000; without peepholes).

i = σ(W_xi x + W_hi h + b_i)        input gate
f = σ(W_xf x + W_hf h + b_f)        forget gate
g = tanh(W_xg x + W_hg h + b_g)     candidate
o = σ(W_xo x + W_ho h + b_o)        output gate
c' = f * c + i * g
h' = o * tanh(c')
"""

from typing import Any, NamedTuple


class Gates(NamedTuple):
    i: Any
    f: Any
    g: Any
    o: Any


class Params(NamedTuple):
    W_x: Any
    W_h: Any
    b: Any

    @staticmethod
    def shapes(D, H):
        return Params(W_x=(4 * H, D), W_h=(4 * H, H), b=(4 * H,))


class State(NamedTuple):
    h: Any
    c: Any
