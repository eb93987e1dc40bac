"""The minimal GRU in PyTorch; equations in `lstmcore.cells.min_gru`."""

import torch
from torch import sigmoid

from lstmcore.cells.min_gru import Gates, Params, State

__all__ = ["Gates", "Params", "State", "gates", "step"]


def gates(p, state, x):
    z, n = torch.tensor_split(x @ p.W_x.T + p.b, 2, axis=-1)
    return Gates(sigmoid(z), n)


def step(p, state, x):
    """(h,), x -> (h',)."""
    z, n = gates(p, state, x)
    h = (1 - z) * n + z * state.h
    return State(h)
