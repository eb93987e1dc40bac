"""Losses, each with its gradient for what went in: mean over the batch."""

import numpy as np

from lstmcore.numpy.ops import softmax


def cross_entropy(logits, target, weight=None):
    """-log softmax(logits)[target], averaged -> loss, dlogits.

    logits (…, K), target (…) of class numbers 0 … K - 1, weight (…) ≥ 0 or None: 0 leaves an entry out (padding).
    ValueError if the shapes do not fit, or a class is not there.
    """
    logits, target = np.asarray(logits), np.asarray(target)
    if target.shape != logits.shape[:-1]:
        raise ValueError(f"target has shape {target.shape}; it should be {logits.shape[:-1]}, as the logits without K.")
    if target.dtype.kind not in "iu":
        raise ValueError(f"target is {target.dtype}; it should hold class numbers, as integers.")
    K = logits.shape[-1]
    if target.size == 0 or target.min() < 0 or target.max() >= K:
        raise ValueError(f"target holds {np.unique(target)[:5]}…; it should hold classes 0 to {K - 1}.")
    share = _shares(target.shape, weight, logits.dtype)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    loss = -np.sum(share * np.take_along_axis(log_p, target[..., None], -1)[..., 0])
    dlogits = softmax(logits)
    np.put_along_axis(dlogits, target[..., None], np.take_along_axis(dlogits, target[..., None], -1) - 1, -1)
    return loss, dlogits * share[..., None]


def squared_error(y, target, weight=None):
    """½ (y - target)², summed over the last axis and averaged over the rest -> loss, dy.

    y and target (…, K), weight as in `cross_entropy`. ValueError if the shapes do not fit.
    """
    y, target = np.asarray(y), np.asarray(target)
    if y.shape != target.shape:
        raise ValueError(f"target has shape {target.shape}; it should be {y.shape}, as y.")
    share = _shares(y.shape[:-1], weight, y.dtype)
    error = y - target.astype(y.dtype)
    return 0.5 * np.sum(share[..., None] * error**2), error * share[..., None]


def _shares(shape, weight, dtype):
    weight = np.ones(shape, dtype) if weight is None else np.broadcast_to(weight, shape).astype(dtype)
    total = weight.sum()
    if not total > 0:
        raise ValueError(f"the weights add up to {total}; at least one entry should count.")
    return weight / total
