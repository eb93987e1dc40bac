"""The plain recurrent cell with a rectifier in PyTorch; equations in `lstmcore.cells.rnn_relu`."""

import torch

from lstmcore.cells.rnn_relu import Gates, Params, State

__all__ = ["Gates", "Params", "State", "gates", "step"]


def gates(p, state, x):
    a = x @ p.W_x.T + state.h @ p.W_h.T + p.b
    return Gates(torch.clip(a, 0, None))


def step(p, state, x):
    """(h,), x -> (h',)."""
    (h,) = gates(p, state, x)
    return State(h)
