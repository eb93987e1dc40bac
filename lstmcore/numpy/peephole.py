"""The LSTM with peepholes in NumPy; equations in `lstmcore.cells.peephole`."""

import numpy as np

from lstmcore.cells.peephole import Gates, Params, State
from lstmcore.numpy.ops import dsigmoid, dtanh, sigmoid


def gates(p, state, x):
    a = x @ p.W_x.T + state.h @ p.W_h.T + p.b  # (B, 4H)
    i, f, g, o = np.split(a, 4, axis=-1)
    i, f, g = sigmoid(i + p.w_ci * state.c), sigmoid(f + p.w_cf * state.c), np.tanh(g)
    o = sigmoid(o + p.w_co * (f * state.c + i * g))
    return Gates(i, f, g, o)


def step(p, state, x):
    """(h, c), x -> (h', c')."""
    i, f, g, o = gates(p, state, x)
    c = f * state.c + i * g
    h = o * np.tanh(c)
    return State(h, c)


def step_backward(p, state, x, dnew):
    """Gradients for all that `step` read, given dnew for what it wrote. Recomputes; keeps no cache."""
    i, f, g, o = gates(p, state, x)
    c = f * state.c + i * g
    tanh_c = np.tanh(c)

    dao = dnew.h * tanh_c * dsigmoid(o)
    dc = dnew.c + dnew.h * o * dtanh(tanh_c) + dao * p.w_co  # the output gate reads the new memory
    dai, daf, dag = dc * g * dsigmoid(i), dc * state.c * dsigmoid(f), dc * i * dtanh(g)
    da = np.concatenate([dai, daf, dag, dao], axis=-1)
    peep = {"w_ci": dai * state.c, "w_cf": daf * state.c, "w_co": dao * c}
    dparams = Params(
        W_x=da.T @ x, W_h=da.T @ state.h, b=da.sum(axis=0), **{name: d.sum(axis=0) for name, d in peep.items()}
    )
    return dparams, State(h=da @ p.W_h, c=dc * f + dai * p.w_ci + daf * p.w_cf), da @ p.W_x
