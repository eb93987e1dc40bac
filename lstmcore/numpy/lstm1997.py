"""The LSTM of 1997 in NumPy; equations in `lstmcore.cells.lstm1997`."""

import numpy as np

from lstmcore.cells.lstm1997 import Gates, Params, State
from lstmcore.numpy.ops import dsigmoid, sigmoid


def gates(p, state, x):
    a = x @ p.W_x.T + state.h @ p.W_h.T + p.b  # (B, 3H)
    i, g, o = np.split(a, 3, axis=-1)
    return Gates(sigmoid(i), 4 * sigmoid(g) - 2, sigmoid(o))


def step(p, state, x):
    """(h, c), x -> (h', c')."""
    i, g, o = gates(p, state, x)
    c = state.c + i * g
    h = o * (2 * sigmoid(c) - 1)
    return State(h, c)


def step_backward(p, state, x, dnew):
    """Gradients for all that `step` read, given dnew for what it wrote. Recomputes; keeps no cache."""
    i, g, o = gates(p, state, x)
    squashed = 2 * sigmoid(state.c + i * g) - 1

    do = dnew.h * squashed
    dc = dnew.c + dnew.h * o * (1 - squashed * squashed) / 2  # (2σ - 1)' = (1 - (2σ - 1)²) / 2
    di, dg = dc * g, dc * i
    da = np.concatenate([di * dsigmoid(i), dg * (1 - g * g / 4), do * dsigmoid(o)], axis=-1)  # (4σ - 2)' = 1 - g² / 4
    dparams = Params(W_x=da.T @ x, W_h=da.T @ state.h, b=da.sum(axis=0))
    return dparams, State(h=da @ p.W_h, c=dc), da @ p.W_x
