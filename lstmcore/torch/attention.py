"""Attention in PyTorch; formulas, shapes and sources in `lstmcore.numpy.attention`."""

import torch

from lstmcore.numpy.attention import Additive, General, check
from lstmcore.torch.recurrent import usable

__all__ = ["Additive", "Attention", "General", "additive", "attend", "dot", "general", "masked_softmax", "scaled"]


def attend(score, p, q, keys, values, mask=None):
    """-> context (Q, B, V), weights (B, Q, S).

    mask (B, Q, S), or what broadcasts to it: True where a query may look. A query that may look nowhere gets zeros:
    an empty sum. ValueError if the shapes do not fit.
    """
    check(q, keys, values, mask)
    weights = masked_softmax(score(p, q, keys), mask)
    return torch.einsum("bqs,sbv->qbv", weights, values), weights


def masked_softmax(s, mask=None):
    """softmax along the last axis over the places where mask is True; 0 elsewhere."""
    if mask is None:
        mask = torch.ones_like(s, dtype=bool)
    s = torch.where(mask, s, torch.finfo(s.dtype).min)
    e = mask * torch.exp(s - s.amax(axis=-1, keepdims=True))
    total = e.sum(axis=-1, keepdims=True)
    return e / (total + (total == 0))


def dot(p, q, keys):
    return torch.einsum("qbd,sbd->bqs", q, keys)


def scaled(p, q, keys):
    return dot(p, q, keys) * q.shape[-1] ** -0.5


def general(p, q, keys):
    return dot((), q @ p.W, keys)


def additive(p, q, keys):
    a = torch.tanh((q @ p.W_q.T)[:, None] + (keys @ p.W_k.T)[None])  # (Q, S, B, A)
    return torch.einsum("qsba,a->bqs", a, p.v)


class Attention(torch.nn.Module):
    """A score with its weights, if it has any: Attention(additive, d_q, d_k, A=8). They start uniform(±1/√columns).

    forward(q, keys, values, mask=None) -> context, weights, as `attend`.
    """

    def __init__(self, score, d_q, d_k, A=None, device=None, dtype=None):
        super().__init__()
        shapes = {general: General.shapes(d_q, d_k), additive: Additive.shapes(d_q, d_k, A or d_k)}.get(score, ())
        if not shapes and d_q != d_k:
            raise ValueError(f"d_q is {d_q} and d_k is {d_k}; for {score.__name__} they should be the same.")
        self.score, self.Params, self.names = score, type(shapes), getattr(shapes, "_fields", ())
        for name, shape in zip(self.names, shapes, strict=True):
            tensor = torch.empty(shape, device=usable(device), dtype=dtype)
            self.register_parameter(name, torch.nn.Parameter(tensor.uniform_(-(shape[-1] ** -0.5), shape[-1] ** -0.5)))

    @property
    def params(self):
        return self.Params(*(getattr(self, name) for name in self.names))

    def forward(self, q, keys, values, mask=None):
        return attend(self.score, self.params, q, keys, values, mask)

    def extra_repr(self):
        return self.score.__name__
