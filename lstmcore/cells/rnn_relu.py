"""The plain recurrent cell with a rectifier in the place of tanh (Le, Jaitly & Hinton, 2015).

h' = max(0, W_x x + W_h h + b)
"""

from lstmcore.cells.rnn import Gates, Params, State

__all__ = ["Gates", "Params", "State"]
