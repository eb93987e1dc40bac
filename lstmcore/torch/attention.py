"""Attention in PyTorch; formulas, shapes and sources in `lstmcore.numpy.attention`."""

import torch

from lstmcore.numpy.attention import Additive, General, check

__all__ = ["Additive", "General", "additive", "attend", "dot", "general", "masked_softmax", "scaled"]


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
