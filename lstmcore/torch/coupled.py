"""The LSTM with coupled gates in PyTorch; equations in `lstmcore.cells.coupled`."""

import torch
from torch import sigmoid

from lstmcore.cells.coupled import Gates, Params, State

__all__ = ["Gates", "Params", "State", "gates", "step"]


def gates(p, state, x):
    a = x @ p.W_x.T + state.h @ p.W_h.T + p.b  # (B, 3H)
    i, g, o = torch.tensor_split(a, 3, axis=-1)
    return Gates(sigmoid(i), torch.tanh(g), sigmoid(o))


def step(p, state, x):
    """(h, c), x -> (h', c')."""
    i, g, o = gates(p, state, x)
    c = (1 - i) * state.c + i * g
    h = o * torch.tanh(c)
    return State(h, c)
