"""A cell and a linear readout: y = W_y h + b_y, after every step or after the last."""

from typing import Any, NamedTuple

import numpy as np

from lstmcore import weights
from lstmcore.numpy.bptt import scan_backward
from lstmcore.numpy.loss import cross_entropy
from lstmcore.scan import scan


class Model(NamedTuple):
    cell: Any  # Params of the cell
    W_y: Any  # (K, H)
    b_y: Any  # (K,)


def init(cell, D, H, K, rng, dtype=np.float32):
    """All weights uniform(±1/√H)."""
    most = H**-0.5
    draw = [rng.uniform(-most, most, shape).astype(dtype) for shape in [(K, H), (K,)]]
    return Model(weights.uniform(cell.Params, D, H, rng, dtype), *draw)


def states(cell, m, xs):
    """All T + 1 states, from zero."""
    if np.ndim(xs) != 3:
        raise ValueError(f"xs has shape {np.shape(xs)}; it should be (T, B, {m.cell.W_x.shape[1]}).")
    state = weights.zeros_state(cell.State, xs.shape[1], m.cell.W_h.shape[1], m.cell.W_h.dtype)
    return scan(cell.step, m.cell, state, xs)


def read(m, h):
    """Logits (…, K) from h (…, H)."""
    return h @ m.W_y.T + m.b_y


def loss(cell, m, xs, target, lengths=None):
    """Mean cross-entropy -> loss, its gradient (a Model), logits.

    target (B,): one class for a whole sequence, read after its last step; target (T, B): one class after every step.
    lengths (B,): of sequences that were padded to T at their end. What stands in the padding changes nothing.
    """
    ss = states(cell, m, xs)
    T, B = xs.shape[:2]
    every = np.ndim(target) == 2
    lengths = np.full(B, T) if lengths is None else np.asarray(lengths)
    if lengths.shape != (B,) or lengths.min() < 1 or lengths.max() > T:
        raise ValueError(f"lengths are {lengths}; they should be {B} numbers from 1 to {T}.")
    if every:
        hs = np.stack([s.h for s in ss[1:]])  # (T, B, H)
        logits = read(m, hs)
        value, dlogits = cross_entropy(logits, target, np.arange(T)[:, None] < lengths)
        dhs = dlogits @ m.W_y
    else:
        hs = np.stack([ss[n].h[b] for b, n in enumerate(lengths)])  # (B, H)
        logits = read(m, hs)
        value, dlogits = cross_entropy(logits, target)
        dhs = np.zeros((T, *ss[0].h.shape), hs.dtype)
        dhs[lengths - 1, np.arange(B)] = dlogits @ m.W_y
    dcell, _, _ = scan_backward(cell.step_backward, m.cell, ss, xs, dhs)
    K, H = m.W_y.shape
    dlogits, hs = dlogits.reshape(-1, K), hs.reshape(-1, H)
    return value, Model(dcell, dlogits.T @ hs, dlogits.sum(axis=0)), logits
