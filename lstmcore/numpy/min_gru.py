"""The minimal GRU in NumPy; equations in `lstmcore.cells.min_gru`."""

import numpy as np

from lstmcore.cells.min_gru import Gates, Params, State
from lstmcore.numpy.ops import dsigmoid, sigmoid


def gates(p, state, x):
    z, n = np.split(x @ p.W_x.T + p.b, 2, axis=-1)
    return Gates(sigmoid(z), n)


def step(p, state, x):
    """(h,), x -> (h',)."""
    z, n = gates(p, state, x)
    h = (1 - z) * n + z * state.h
    return State(h)


def step_backward(p, state, x, dnew):
    """Gradients for all that `step` read, given dnew for what it wrote. Recomputes; keeps no cache."""
    z, n = gates(p, state, x)

    dn, dz = dnew.h * (1 - z), dnew.h * (state.h - n)
    da = np.concatenate([dz * dsigmoid(z), dn], axis=-1)
    dparams = Params(W_x=da.T @ x, b=da.sum(axis=0))
    return dparams, State(h=dnew.h * z), da @ p.W_x
