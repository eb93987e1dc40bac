"""Optimisers over trees of parameters, and the clipping of gradients."""

import numpy as np

from lstmcore.tree import leaves, tree_map


class Adam:
    """Kingma & Ba (2015), Algorithm 1. Words and defaults as in torch.optim.Adam.

    m ← β₁ m + (1 - β₁) g      v ← β₂ v + (1 - β₂) g²      p ← p - lr · m̂ / (√v̂ + ε)
    """

    def __init__(self, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.lr, self.betas, self.eps = lr, betas, eps
        self.t, self.m, self.v = 0, None, None

    def step(self, params, grads):
        """New params; the old ones stay as they are."""
        if self.m is None:
            self.m = self.v = tree_map(np.zeros_like, params)
        self.t += 1
        b1, b2 = self.betas
        self.m = tree_map(lambda m, g: b1 * m + (1 - b1) * g, self.m, grads)
        self.v = tree_map(lambda v, g: b2 * v + (1 - b2) * g * g, self.v, grads)
        lr, root = self.lr / (1 - b1**self.t), (1 - b2**self.t) ** 0.5
        return tree_map(lambda p, m, v: p - lr * m / (np.sqrt(v) / root + self.eps), params, self.m, self.v)


def norm(grads):
    """√ of the sum of squares of all entries of all leaves."""
    return float(np.sqrt(sum(np.sum(np.square(g, dtype=np.float64)) for g in leaves(grads))))


def clip_norm(grads, most):
    """Scale all gradients together so that their norm is at most `most` (Pascanu et al., 2013, Algorithm 1)."""
    size = norm(grads)
    return tree_map(lambda g: g * (most / size), grads) if size > most else grads
