"""The LSTM of 1997 in PyTorch; equations in `lstmcore.cells.lstm1997`."""

import torch
from torch import sigmoid

from lstmcore.cells.lstm1997 import Gates, Params, State

__all__ = ["Gates", "Params", "State", "gates", "step"]


def gates(p, state, x):
    a = x @ p.W_x.T + state.h @ p.W_h.T + p.b  # (B, 3H)
    i, g, o = torch.tensor_split(a, 3, axis=-1)
    return Gates(sigmoid(i), 4 * sigmoid(g) - 2, sigmoid(o))


def step(p, state, x):
    """(h, c), x -> (h', c')."""
    i, g, o = gates(p, state, x)
    c = state.c + i * g
    h = o * (2 * sigmoid(c) - 1)
    return State(h, c)
