"""The convolutional LSTM in PyTorch; equations in `lstmcore.cells.conv_lstm`."""

import torch
from torch import sigmoid

from lstmcore.cells.conv_lstm import Gates, Params, State
from lstmcore.torch.ops import conv2d

__all__ = ["Gates", "Params", "State", "gates", "step"]


def gates(p, state, x):
    a = conv2d(x, p.W_x) + conv2d(state.h, p.W_h) + p.b[:, None, None]  # (B, 4H, Y, X)
    i, f, g, o = torch.tensor_split(a, 4, axis=1)
    return Gates(sigmoid(i), sigmoid(f), torch.tanh(g), sigmoid(o))


def step(p, state, x):
    """(h, c), x -> (h', c')."""
    i, f, g, o = gates(p, state, x)
    c = f * state.c + i * g
    h = o * torch.tanh(c)
    return State(h, c)
