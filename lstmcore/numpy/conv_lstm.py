"""The convolutional LSTM in NumPy; equations in `lstmcore.cells.conv_lstm`."""

import numpy as np

from lstmcore.cells.conv_lstm import Gates, Params, State
from lstmcore.numpy.ops import conv2d, conv2d_backward, dsigmoid, dtanh, sigmoid


def gates(p, state, x):
    a = conv2d(x, p.W_x) + conv2d(state.h, p.W_h) + p.b[:, None, None]  # (B, 4H, Y, X)
    i, f, g, o = np.split(a, 4, axis=1)
    return Gates(sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o))


def step(p, state, x):
    """(h, c), x -> (h', c')."""
    i, f, g, o = gates(p, state, x)
    c = f * state.c + i * g
    h = o * np.tanh(c)
    return State(h, c)


def step_backward(p, state, x, dnew):
    """Gradients for all that `step` read, given dnew for what it wrote. Recomputes; keeps no cache."""
    i, f, g, o = gates(p, state, x)
    tanh_c = np.tanh(f * state.c + i * g)

    do = dnew.h * tanh_c
    dc = dnew.c + dnew.h * o * dtanh(tanh_c)
    di, df, dg = dc * g, dc * state.c, dc * i
    da = np.concatenate([di * dsigmoid(i), df * dsigmoid(f), dg * dtanh(g), do * dsigmoid(o)], axis=1)
    dW_x, dx = conv2d_backward(x, p.W_x, da)
    dW_h, dh = conv2d_backward(state.h, p.W_h, da)
    return Params(dW_x, dW_h, b=da.sum(axis=(0, 2, 3))), State(h=dh, c=dc * f), dx
