"""The GRU that resets before the product in NumPy; equations in `lstmcore.cells.gru_reset_before`."""

import numpy as np

from lstmcore.cells.gru_reset_before import Gates, Params, State
from lstmcore.numpy.ops import dsigmoid, dtanh, sigmoid


def gates(p, state, x):
    r, z, n = np.split(x @ p.W_x.T + p.b, 3, axis=-1)
    W_hr, W_hz, W_hn = np.split(p.W_h, 3)
    r, z = sigmoid(r + state.h @ W_hr.T), sigmoid(z + state.h @ W_hz.T)
    n = np.tanh(n + (r * state.h) @ W_hn.T)
    return Gates(r, z, n)


def step(p, state, x):
    """(h,), x -> (h',)."""
    _, z, n = gates(p, state, x)
    h = (1 - z) * n + z * state.h
    return State(h)


def step_backward(p, state, x, dnew):
    """Gradients for all that `step` read, given dnew for what it wrote. Recomputes; keeps no cache."""
    r, z, n = gates(p, state, x)
    W_hr, W_hz, W_hn = np.split(p.W_h, 3)

    dn, dz = dnew.h * (1 - z), dnew.h * (state.h - n)
    dan, daz = dn * dtanh(n), dz * dsigmoid(z)
    drh = dan @ W_hn
    dar = drh * state.h * dsigmoid(r)
    da = np.concatenate([dar, daz, dan], axis=-1)
    dW_h = np.concatenate([dar.T @ state.h, daz.T @ state.h, dan.T @ (r * state.h)])
    dparams = Params(W_x=da.T @ x, W_h=dW_h, b=da.sum(axis=0))
    return dparams, State(h=dar @ W_hr + daz @ W_hz + drh * r + dnew.h * z), da @ p.W_x
