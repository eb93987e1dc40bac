"""The GRU, reset after the product, in PyTorch; equations in `lstmcore.cells.gru`."""

import torch
from torch import sigmoid

from lstmcore.cells.gru import Gates, Params, State

__all__ = ["Gates", "Params", "State", "gates", "step"]


def gates(p, state, x):
    r, z, n = torch.tensor_split(x @ p.W_x.T + p.b, 3, axis=-1)
    hr, hz, hn = torch.tensor_split(state.h @ p.W_h.T, 3, axis=-1)
    r, z = sigmoid(r + hr), sigmoid(z + hz)
    n = torch.tanh(n + r * (hn + p.b_hn))
    return Gates(r, z, n)


def step(p, state, x):
    """(h,), x -> (h',)."""
    _, z, n = gates(p, state, x)
    h = (1 - z) * n + z * state.h
    return State(h)
