"""The plain recurrent cell with a rectifier in NumPy; equations in `lstmcore.cells.rnn_relu`."""

import numpy as np

from lstmcore.cells.rnn_relu import Gates, Params, State


def gates(p, state, x):
    a = x @ p.W_x.T + state.h @ p.W_h.T + p.b
    return Gates(np.clip(a, 0, None))


def step(p, state, x):
    """(h,), x -> (h',)."""
    (h,) = gates(p, state, x)
    return State(h)


def step_backward(p, state, x, dnew):
    """Gradients for all that `step` read, given dnew for what it wrote. Recomputes; keeps no cache."""
    (h,) = gates(p, state, x)

    da = dnew.h * (h > 0)
    dparams = Params(W_x=da.T @ x, W_h=da.T @ state.h, b=da.sum(axis=0))
    return dparams, State(h=da @ p.W_h), da @ p.W_x
