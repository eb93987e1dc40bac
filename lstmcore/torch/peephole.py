"""The LSTM with peepholes in PyTorch; equations in `lstmcore.cells.peephole`."""

import torch
from torch import sigmoid

from lstmcore.cells.peephole import Gates, Params, State

__all__ = ["Gates", "Params", "State", "gates", "step"]


def gates(p, state, x):
    a = x @ p.W_x.T + state.h @ p.W_h.T + p.b  # (B, 4H)
    i, f, g, o = torch.tensor_split(a, 4, axis=-1)
    i, f, g = sigmoid(i + p.w_ci * state.c), sigmoid(f + p.w_cf * state.c), torch.tanh(g)
    o = sigmoid(o + p.w_co * (f * state.c + i * g))
    return Gates(i, f, g, o)


def step(p, state, x):
    """(h, c), x -> (h', c')."""
    i, f, g, o = gates(p, state, x)
    c = f * state.c + i * g
    h = o * torch.tanh(c)
    return State(h, c)
