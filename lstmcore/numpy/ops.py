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


def conv2d(x, W):
    """x (B, D, Y, X) with W (K, D, k, k), k odd, border filled with zeros -> (B, K, Y, X).

    y[b, k, u, v] = Σ W[k, d, i, j] x[b, d, u + i - k//2, v + j - k//2], as torch.nn.functional.conv2d.
    """
    return np.moveaxis(np.tensordot(_patches(x, W.shape[-1]), W, axes=[(1, 4, 5), (1, 2, 3)]), -1, 1)


def conv2d_backward(x, W, dy):
    """dLoss/dW and dLoss/dx for dy of conv2d(x, W)."""
    dW = np.tensordot(dy, _patches(x, W.shape[-1]), axes=[(0, 2, 3), (0, 2, 3)])
    return dW, conv2d(dy, np.flip(W, axis=(2, 3)).swapaxes(0, 1))


def _patches(x, k):
    """(B, D, Y, X) -> (B, D, Y, X, k, k): what each output sees, as a view of the padded image."""
    if k % 2 == 0:
        raise ValueError(f"the kernel is {k} wide; it should be odd, so that the output has the size of the input.")
    around = [(0, 0), (0, 0), (k // 2, k // 2), (k // 2, k // 2)]
    return np.lib.stride_tricks.sliding_window_view(np.pad(x, around), (k, k), axis=(2, 3))
