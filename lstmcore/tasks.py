"""Generated tasks, by their papers' rules. Every generator takes `rng` and gives time-major, one-hot float32 inputs."""

import numpy as np


def one_hot(symbols, K):
    """(…) numbers 0 … K - 1 -> (…, K) float32."""
    return np.eye(K, dtype=np.float32)[symbols]


def recall(rng, B, lag):
    """Name the first symbol after `lag` others. -> xs (lag + 1, B, 6), target (B,) of 0 or 1.

    The first symbol is X or Y (columns 0 and 1); a, b, c, d at random follow. After Hochreiter & Schmidhuber (1997),
    task 2, asked once, at the end, and with distractors that are drawn anew.
    """
    if lag < 1 or B < 1:
        raise ValueError(f"lag is {lag} and B is {B}; both should be at least 1.")
    target = rng.integers(2, size=B)
    symbols = np.concatenate([target[None], rng.integers(2, 6, size=(lag, B))])
    return one_hot(symbols, 6), target


ORDER_6A = "EBXYabcd"


def temporal_order_6a(rng, B):
    """In which order came two X or Y? -> xs (T, B, 8), target (B,), lengths (B,).

    Hochreiter & Schmidhuber (1997), task 6a.
    E, then a, b, c, d at random with an X or Y at t1 in 10 … 20 and at t2 in 50 … 60, then B as the last symbol;
    length 100 … 110, padded with zeros. Classes: 0 XX, 1 XY, 2 YX, 3 YY. Columns: E B X Y a b c d.
    """
    if B < 1:
        raise ValueError(f"B is {B}; it should be at least 1.")
    lengths = rng.integers(100, 111, size=B)
    pair = rng.integers(2, size=(2, B))  # 0 X, 1 Y
    symbols = rng.integers(4, 8, size=(lengths.max(), B))
    every = np.arange(B)
    symbols[0] = 0
    symbols[rng.integers(10, 21, size=B), every] = 2 + pair[0]
    symbols[rng.integers(50, 61, size=B), every] = 2 + pair[1]
    symbols[lengths - 1, every] = 1
    xs = one_hot(symbols, 8)
    xs[np.arange(len(xs))[:, None] >= lengths] = 0
    return xs, 2 * pair[0] + pair[1], lengths
