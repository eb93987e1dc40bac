"""The few functions that NumPy lacks. A derivative takes the function's value, which a cell has at hand."""

import numpy as np


def sigmoid(a):
    """σ(a) = 1 / (1 + exp(-a)), written with tanh so that no size of a overflows."""
    return 0.5 * np.tanh(0.5 * a) + 0.5


def dsigmoid(y):
    """σ'(a) for y = σ(a)."""
    return y * (1 - y)


def dtanh(y):
    """tanh'(a) for y = tanh(a)."""
    return 1 - y * y


def softmax(a):
    """exp(a) / Σ exp(a) along the last axis."""
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
