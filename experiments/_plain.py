"""Cells as one writes them first: a new array for each line. NumPy keeps what backward needs, PyTorch by itself."""

import numpy as np
import torch

from lstmcore.cells import gru, lstm, rnn
from lstmcore.numpy.ops import dsigmoid, dtanh, sigmoid


def rnn_forward(p, state, x):
    h = np.tanh(x @ p.W_x.T + state.h @ p.W_h.T + p.b)
    return rnn.State(h), (state.h, x, h)


def rnn_backward(p, saved, dnew):
    old_h, x, h = saved
    da = dnew.h * dtanh(h)
    return rnn.Params(da.T @ x, da.T @ old_h, da.sum(axis=0)), rnn.State(da @ p.W_h), da @ p.W_x


def lstm_forward(p, state, x):
    i, f, g, o = np.split(x @ p.W_x.T + state.h @ p.W_h.T + p.b, 4, axis=-1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * state.c + i * g
    tanh_c = np.tanh(c)
    return lstm.State(o * tanh_c, c), (state, x, i, f, g, o, tanh_c)


def lstm_backward(p, saved, dnew):
    old, x, i, f, g, o, tanh_c = saved
    dc = dnew.c + dnew.h * o * dtanh(tanh_c)
    di, df, dg, do = dc * g, dc * old.c, dc * i, dnew.h * tanh_c
    da = np.concatenate([di * dsigmoid(i), df * dsigmoid(f), dg * dtanh(g), do * dsigmoid(o)], axis=-1)
    return lstm.Params(da.T @ x, da.T @ old.h, da.sum(axis=0)), lstm.State(da @ p.W_h, dc * f), da @ p.W_x


def gru_forward(p, state, x):
    r, z, n = np.split(x @ p.W_x.T + p.b, 3, axis=-1)
    hr, hz, hn = np.split(state.h @ p.W_h.T, 3, axis=-1)
    r, z, hn = sigmoid(r + hr), sigmoid(z + hz), hn + p.b_hn
    n = np.tanh(n + r * hn)
    return gru.State((1 - z) * n + z * state.h), (state.h, x, r, z, n, hn)


def gru_backward(p, saved, dnew):
    h, x, r, z, n, hn = saved
    dan = dnew.h * (1 - z) * dtanh(n)
    dar, daz, dhn = dan * hn * dsigmoid(r), dnew.h * (h - n) * dsigmoid(z), dan * r
    da, dah = np.concatenate([dar, daz, dan], axis=-1), np.concatenate([dar, daz, dhn], axis=-1)
    dparams = gru.Params(da.T @ x, dah.T @ h, da.sum(axis=0), dhn.sum(axis=0))
    return dparams, gru.State(dah @ p.W_h + dnew.h * z), da @ p.W_x


PLAIN = {
    "rnn": (rnn_forward, rnn_backward),
    "lstm": (lstm_forward, lstm_backward),
    "gru": (gru_forward, gru_backward),
}


def rnn_torch(p, state, x):
    return rnn.State(torch.tanh(x @ p.W_x.T + state.h @ p.W_h.T + p.b))


def lstm_torch(p, state, x):
    i, f, g, o = torch.chunk(x @ p.W_x.T + state.h @ p.W_h.T + p.b, 4, dim=-1)
    c = torch.sigmoid(f) * state.c + torch.sigmoid(i) * torch.tanh(g)
    return lstm.State(torch.sigmoid(o) * torch.tanh(c), c)


def gru_torch(p, state, x):
    r, z, n = torch.chunk(x @ p.W_x.T + p.b, 3, dim=-1)
    hr, hz, hn = torch.chunk(state.h @ p.W_h.T, 3, dim=-1)
    r, z = torch.sigmoid(r + hr), torch.sigmoid(z + hz)
    n = torch.tanh(n + r * (hn + p.b_hn))
    return gru.State((1 - z) * n + z * state.h)


PLAIN_TORCH = {"rnn": rnn_torch, "lstm": lstm_torch, "gru": gru_torch}
