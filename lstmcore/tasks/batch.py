"""What the generators share: one-hot columns, padding, a check of their arguments."""

import numpy as np


def one_hot(symbols, K):
    """(…) numbers 0 … K - 1 -> (…, K) float32."""
    return np.eye(K, dtype=np.float32)[symbols]


def pad(sequences):
    """Arrays (T_b, …) of unequal lengths -> one array (T, B, …) with zeros after each end, lengths (B,)."""
    lengths = np.array([len(s) for s in sequences])
    first = np.asarray(sequences[0])
    padded = np.zeros((lengths.max(), len(sequences), *first.shape[1:]), first.dtype)
    for b, s in enumerate(sequences):
        padded[: len(s), b] = s
    return padded, lengths


def at_least(least, /, **arguments):
    """ValueError, one sentence, unless every argument is a whole number of at least `least`."""
    for name, value in arguments.items():
        if not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{name} is {value}; it should be a whole number, at least {least}.")
