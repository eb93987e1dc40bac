"""Optimisers over trees of parameters, and the clipping of gradients.

An optimiser has `step(params, grads)` -> new params, and `state`, all that it remembers, a tree of arrays (None before
the first step; `start(params)` makes it anew), so that a training can be saved and taken up again.
"""

import numpy as np

from lstmcore.tree import leaves, tree_map


class SGD:
    """Gradient descent with momentum (Polyak, 1964). Words and defaults as in torch.optim.SGD.

    v ← μ v + g      p ← p - lr · v
    """

    def __init__(self, lr=1e-3, momentum=0):
        self.lr, self.momentum, self.state = lr, momentum, None

    def start(self, params):
        self.state = (tree_map(np.zeros_like, params),)

    def step(self, params, grads):
        """New params; the old ones stay as they are."""
        if self.state is None:
            self.start(params)
        (v,) = self.state
        v = tree_map(lambda v, g: self.momentum * v + g, v, grads)
        self.state = (v,)
        return tree_map(lambda p, v: p - self.lr * v, params, v)


class Adam:
    """Kingma & Ba (2015), Algorithm 1. Words and defaults as in torch.optim.Adam.

    m ← β₁ m + (1 - β₁) g      v ← β₂ v + (1 - β₂) g²      p ← p - lr · m̂ / (√v̂ + ε)
    """

    def __init__(self, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.lr, self.betas, self.eps, self.state = lr, betas, eps, None

    def start(self, params):
        zeros = tree_map(np.zeros_like, params)
        self.state = (0, zeros, zeros)

    def step(self, params, grads):
        """New params; the old ones stay as they are."""
        if self.state is None:
            self.start(params)
        t, m, v = self.state
        t, (b1, b2) = int(t) + 1, self.betas
        m = tree_map(lambda m, g: b1 * m + (1 - b1) * g, m, grads)
        v = tree_map(lambda v, g: b2 * v + (1 - b2) * g * g, v, grads)
        self.state = (t, m, v)
        lr, root = self.lr / (1 - b1**t), (1 - b2**t) ** 0.5
        return tree_map(lambda p, m, v: p - lr * m / (np.sqrt(v) / root + self.eps), params, m, v)


def norm(grads):
    """√ of the sum of squares of all entries of all leaves."""
    return float(np.sqrt(sum(np.sum(np.square(g, dtype=np.float64)) for g in leaves(grads))))


def clip_norm(grads, most):
    """Scale all gradients together so that their norm is at most `most` (Pascanu et al., 2013, Algorithm 1)."""
    size = norm(grads)
    return tree_map(lambda g: g * (most / size), grads) if size > most else grads


def clip_value(grads, most):
    """Every entry of every gradient from -most to most."""
    return tree_map(lambda g: np.clip(g, -most, most), grads)
