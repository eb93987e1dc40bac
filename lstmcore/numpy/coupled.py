"""The LSTM with coupled gates in NumPy; equations in `lstmcore.cells.coupled`."""

import numpy as np

from lstmcore.cells.coupled import Gates, Params, State
from lstmcore.numpy.ops import dsigmoid, dtanh, sigmoid


def gates(p, state, x):
    a = x @ p.W_x.T + state.h @ p.W_h.T + p.b  # (B, 3H)
    i, g, o = np.split(a, 3, axis=-1)
    return Gates(sigmoid(i), np.tanh(g), sigmoid(o))


def step(p, state, x):
    """(h, c), x -> (h', c')."""
    i, g, o = gates(p, state, x)
    c = (1 - i) * state.c + i * g
    h = o * np.tanh(c)
    return State(h, c)


def step_backward(p, state, x, dnew):
    """Gradients for all that `step` read, given dnew for what it wrote. Recomputes; keeps no cache."""
    i, g, o = gates(p, state, x)
    tanh_c = np.tanh((1 - i) * state.c + i * g)

    do = dnew.h * tanh_c
    dc = dnew.c + dnew.h * o * dtanh(tanh_c)
    di, dg = dc * (g - state.c), dc * i
    da = np.concatenate([di * dsigmoid(i), dg * dtanh(g), do * dsigmoid(o)], axis=-1)
    dparams = Params(W_x=da.T @ x, W_h=da.T @ state.h, b=da.sum(axis=0))
    return dparams, State(h=da @ p.W_h, c=dc * (1 - i)), da @ p.W_x
