"""The LSTM that forgets just as much as it writes, f = 1 - i (CIFG in Greff et al., 2017).

i = σ(W_xi x + W_hi h + b_i)        input gate
g = tanh(W_xg x + W_hg h + b_g)     candidate
o = σ(W_xo x + W_ho h + b_o)        output gate
c' = (1 - i) * c + i * g
h' = o * tanh(c')
"""

from lstmcore.cells.lstm1997 import Gates, Params, State

__all__ = ["Gates", "Params", "State"]
