"""The GRU that resets before the product in PyTorch; equations in `lstmcore.cells.gru_reset_before`."""

import torch
from torch import sigmoid

from lstmcore.cells.gru_reset_before import Gates, Params, State

__all__ = ["Gates", "Params", "State", "gates", "step"]


def gates(p, state, x):
    r, z, n = torch.tensor_split(x @ p.W_x.T + p.b, 3, axis=-1)
    W_hr, W_hz, W_hn = torch.tensor_split(p.W_h, 3)
    r, z = sigmoid(r + state.h @ W_hr.T), sigmoid(z + state.h @ W_hz.T)
    n = torch.tanh(n + (r * state.h) @ W_hn.T)
    return Gates(r, z, n)


def step(p, state, x):
    """(h,), x -> (h',)."""
    _, z, n = gates(p, state, x)
    h = (1 - z) * n + z * state.h
    return State(h)
