"""The GRU, reset after the product, in NumPy; equations in `lstmcore.cells.gru`."""

import numpy as np

from lstmcore.cells.gru import Gates, Params, State
from lstmcore.numpy.ops import dsigmoid, dtanh, sigmoid


def gates(p, state, x):
    r, z, n = np.split(x @ p.W_x.T + p.b, 3, axis=-1)
    hr, hz, hn = np.split(state.h @ p.W_h.T, 3, axis=-1)
    r, z = sigmoid(r + hr), sigmoid(z + hz)
    n = np.tanh(n + r * (hn + p.b_hn))
    return Gates(r, z, n)


def step(p, state, x):
    """(h,), x -> (h',)."""
    _, z, n = gates(p, state, x)
    h = (1 - z) * n + z * state.h
    return State(h)


def step_backward(p, state, x, dnew):
    """Gradients for all that `step` read, given dnew for what it wrote. Recomputes; keeps no cache."""
    r, z, n = gates(p, state, x)
    hn = state.h @ np.split(p.W_h, 3)[2].T + p.b_hn

    dn, dz = dnew.h * (1 - z), dnew.h * (state.h - n)
    dan = dn * dtanh(n)
    dr, dhn = dan * hn, dan * r
    dar, daz = dr * dsigmoid(r), dz * dsigmoid(z)
    da = np.concatenate([dar, daz, dan], axis=-1)  # what reaches x
    dah = np.concatenate([dar, daz, dhn], axis=-1)  # what reaches h, through r in the candidate
    dparams = Params(W_x=da.T @ x, W_h=dah.T @ state.h, b=da.sum(axis=0), b_hn=dhn.sum(axis=0))
    return dparams, State(h=dah @ p.W_h + dnew.h * z), da @ p.W_x
