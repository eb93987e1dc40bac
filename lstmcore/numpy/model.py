"""A cell and a linear readout: y = W_y h + b_y, after every step or after the last."""

from typing import Any, NamedTuple

import numpy as np

from lstmcore import weights
from lstmcore.numpy import layers
from lstmcore.numpy.loss import cross_entropy
from lstmcore.scan import scan


class Model(NamedTuple):
    cell: Any  # Params of the cell, or of several layers (lstmcore.numpy.layers)
    W_y: Any  # (K, H)
    b_y: Any  # (K,)


def init(cell, D, H, K, rng, dtype=np.float32):
    """All weights uniform(±1/√H)."""
    most = H**-0.5
    draw = [rng.uniform(-most, most, shape).astype(dtype) for shape in [(K, H), (K,)]]
    return Model(weights.uniform(cell.Params, D, H, rng, dtype), *draw)


def states(cell, m, xs):
    """All T + 1 states of a plain cell, from zero."""
    return scan(cell.step, m.cell, layers.zeros(cell, m.cell, xs), xs)


def read(m, h):
    """Logits (…, K) from h (…, H)."""
    return h @ m.W_y.T + m.b_y


def loss(cell, m, xs, target, lengths=None, error=cross_entropy):
    """Mean error -> loss, its gradient (a Model), logits. cell: a module of lstmcore.numpy, plain or fast.

    target (B,): one class for a whole sequence, read after its last step; target (T, B): one class after every step.
    With error=squared_error a target has one axis more, for K numbers in place of the class.
    lengths (B,): of sequences that were padded to T at their end. What stands in the padding changes nothing.
    """
    hs, _, cache = layers.forward(cell, m.cell, None, xs, lengths)
    T, B = xs.shape[:2]
    if np.ndim(target) == (2 if error is cross_entropy else 3):
        logits = read(m, hs)  # (T, B, K)
        value, dlogits = error(logits, target, layers.mask(lengths, T, B))
        dhs = dlogits @ m.W_y
    else:
        at = (T - 1 if lengths is None else np.asarray(lengths) - 1, np.arange(B))
        dhs = np.zeros_like(hs)
        hs = hs[at]
        logits = read(m, hs)  # (B, K)
        value, dlogits = error(logits, target)
        dhs[at] = dlogits @ m.W_y
    dcell, _, _ = layers.backward(cell, m.cell, cache, dhs)
    K, H = m.W_y.shape
    dlogits, hs = dlogits.reshape(-1, K), hs.reshape(-1, H)
    return value, Model(dcell, dlogits.T @ hs, dlogits.sum(axis=0)), logits
