"""Attention: each query looks at all keys and takes the mean of their values, weighted by how well they match.

    weights = softmax(score(query, key))      context = Σ weights · value

    dot       s = q · k                              Luong, Pham & Manning (2015), eq. 8
    scaled    s = q · k / √d                         Vaswani et al. (2017), eq. 1
    general   s = q · W k                            Luong, Pham & Manning (2015), eq. 8
    additive  s = v · tanh(W_q q + W_k k)            Bahdanau, Cho & Bengio (2015), A.1.2

Time-major like everything here: q (Q, B, d), keys (S, B, d), values (S, B, V). Scores, weights and masks are (B, Q, S).
A score is `score(p, q, keys)`, and `score_backward(p, q, keys, ds) -> (dp, dq, dkeys)`; dot and scaled have p = ().
"""

from typing import Any, NamedTuple

import numpy as np

from lstmcore.numpy.ops import dtanh


class General(NamedTuple):
    W: Any

    @staticmethod
    def shapes(d_q, d_k):
        return General(W=(d_q, d_k))


class Additive(NamedTuple):
    W_q: Any
    W_k: Any
    v: Any

    @staticmethod
    def shapes(d_q, d_k, A):
        return Additive(W_q=(A, d_q), W_k=(A, d_k), v=(A,))


def attend(score, p, q, keys, values, mask=None):
    """-> context (Q, B, V), weights (B, Q, S).

    mask (B, Q, S), or what broadcasts to it: True where a query may look. A query that may look nowhere gets zeros:
    an empty sum. ValueError if the shapes do not fit.
    """
    check(q, keys, values, mask)
    weights = masked_softmax(score(p, q, keys), mask)
    return np.einsum("bqs,sbv->qbv", weights, values), weights


def attend_backward(score_backward, p, q, keys, values, weights, dcontext):
    """-> dp, dq, dkeys, dvalues, for the weights that `attend` returned. They are 0 under the mask, and so is ds."""
    dvalues = np.einsum("bqs,qbv->sbv", weights, dcontext)
    dweights = np.einsum("qbv,sbv->bqs", dcontext, values)
    ds = weights * (dweights - np.sum(weights * dweights, axis=-1, keepdims=True))
    return *score_backward(p, q, keys, ds), dvalues


def masked_softmax(s, mask=None):
    """softmax along the last axis over the places where mask is True; 0 elsewhere."""
    if mask is None:
        mask = np.ones_like(s, dtype=bool)
    s = np.where(mask, s, np.finfo(s.dtype).min)
    e = mask * np.exp(s - s.max(axis=-1, keepdims=True))
    total = e.sum(axis=-1, keepdims=True)
    return e / (total + (total == 0))


def dot(p, q, keys):
    return np.einsum("qbd,sbd->bqs", q, keys)


def dot_backward(p, q, keys, ds):
    return (), np.einsum("bqs,sbd->qbd", ds, keys), np.einsum("bqs,qbd->sbd", ds, q)


def scaled(p, q, keys):
    return dot(p, q, keys) * q.shape[-1] ** -0.5


def scaled_backward(p, q, keys, ds):
    return dot_backward(p, q, keys, ds * q.shape[-1] ** -0.5)


def general(p, q, keys):
    return dot((), q @ p.W, keys)


def general_backward(p, q, keys, ds):
    _, dqW, dkeys = dot_backward((), q @ p.W, keys, ds)
    return General(W=np.einsum("qbd,qbk->dk", q, dqW)), dqW @ p.W.T, dkeys


def additive(p, q, keys):
    a = np.tanh((q @ p.W_q.T)[:, None] + (keys @ p.W_k.T)[None])  # (Q, S, B, A)
    return np.einsum("qsba,a->bqs", a, p.v)


def additive_backward(p, q, keys, ds):
    a = np.tanh((q @ p.W_q.T)[:, None] + (keys @ p.W_k.T)[None])
    dv = np.einsum("bqs,qsba->a", ds, a)
    da = np.einsum("bqs,a->qsba", ds, p.v) * dtanh(a)
    daq, dak = da.sum(axis=1), da.sum(axis=0)  # each query met all keys, each key all queries
    dp = Additive(W_q=np.einsum("qba,qbd->ad", daq, q), W_k=np.einsum("sba,sbd->ad", dak, keys), v=dv)
    return dp, daq @ p.W_q, dak @ p.W_k


def check(q, keys, values, mask=None):
    """ValueError unless q (Q, B, d), keys (S, B, d), values (S, B, V) have one batch, dtype, device; mask is bool."""
    B = keys.shape[1] if keys.ndim == 3 else "B"
    for name, array in [("keys", keys), ("q", q), ("values", values)]:
        if array.ndim != 3 or array.shape[1] != B:
            raise ValueError(f"{name} has shape {tuple(array.shape)}; it should be (steps, {B}, features).")
        for what in ("dtype", "device"):
            got, want = getattr(array, what), getattr(keys, what)
            if got != want:
                raise ValueError(f"{name} has {what} {got}; it should be {want}, as the keys.")
    if len(keys) != len(values) or len(keys) == 0:
        raise ValueError(f"there are {len(keys)} keys and {len(values)} values; there should be as many, at least one.")
    if mask is not None and (not str(mask.dtype).endswith("bool") or mask.device != keys.device):
        raise ValueError(f"mask is {mask.dtype} on {mask.device}; it should be bool on {keys.device}.")
