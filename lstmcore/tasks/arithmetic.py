"""Two marked numbers far apart: their sum or product is asked for after the last step."""

import numpy as np

from lstmcore.tasks.batch import at_least


def adding(rng, B, T):
    """The sum of two marked numbers. -> xs (T, B, 2), target (B, 1).

    The variant of Arjovsky, Shah & Bengio (2016) and Bai, Kolter & Koltun (2018): column 0 is uniform in [0, 1],
    column 1 is a marker, 1 once in each half of the sequence and else 0; the target is X1 + X2. Always answering 1
    has the mean squared error 1/6. Our choice, where T is odd: the first half is the shorter one.
    """
    at_least(1, B=B)
    at_least(2, T=T)
    xs = np.zeros((T, B, 2), np.float32)
    xs[:, :, 0] = rng.random((T, B))
    every = np.arange(B)
    marked = np.stack([rng.integers(T // 2, size=B), rng.integers(T // 2, T, size=B)])
    xs[marked, every, 1] = 1
    return xs, xs[marked, every, 0].sum(axis=0)[:, None]


def adding_1997(rng, B, T):
    """The sum of two marked numbers, scaled. -> xs (≤ T + T/10, B, 2), target (B, 1), lengths (B,).

    Hochreiter & Schmidhuber (1997), task 4: column 0 is uniform in [-1, 1]; column 1 is 1 at two places, -1 at the
    first and the last step, else 0. The first mark is on one of the first ten steps, the second on another one of
    the first T/2 - 1. Lengths are T … T + T/10. The target is ½ + (X1 + X2)/4, and a marked first step counts as 0.
    Always answering ½ has the mean squared error 1/24 = .0417 but for that rule, .0392 with it at T = 100.
    Our choices, where the paper may be read in two ways: the second mark is on one of the first T/2 - 1 steps, the
    marked one left out; a marked first step keeps its marker -1, and its number is set to 0, in the input too,
    whichever of the two marks fell on it; T/2 and T/10 are rounded down.
    """
    xs, X1, X2, lengths = _pairs_1997(rng, B, T, low=-1.0, first=0.0)
    return xs, (0.5 + (X1 + X2) / 4)[:, None], lengths


def multiplication(rng, B, T):
    """The product of two marked numbers. -> xs (≤ T + T/10, B, 2), target (B, 1), lengths (B,).

    Hochreiter & Schmidhuber (1997), task 5: as `adding_1997`, but the numbers are uniform in [0, 1], the target is
    X1 X2, and a marked first step counts as 1.
    """
    xs, X1, X2, lengths = _pairs_1997(rng, B, T, low=0.0, first=1.0)
    return xs, (X1 * X2)[:, None], lengths


def _pairs_1997(rng, B, T, low, first):
    """Numbers in [low, 1] and markers; `first` is what a marked first step counts as. -> xs, X1, X2, lengths."""
    at_least(1, B=B)
    at_least(22, T=T)  # so that T/2 - 1 is not less than the ten steps of the first mark
    lengths = rng.integers(T, T + T // 10 + 1, size=B)
    inside = np.arange(lengths.max())[:, None] < lengths
    every = np.arange(B)
    one = rng.integers(10, size=B)
    two = rng.integers(T // 2 - 2, size=B)
    two += two >= one  # one of the others
    xs = np.zeros((*inside.shape, 2), np.float32)
    xs[:, :, 0] = rng.uniform(low, 1, inside.shape) * inside
    xs[[one, two], every, 1] = 1
    xs[0, (one == 0) | (two == 0), 0] = first
    xs[0, :, 1] = xs[lengths - 1, every, 1] = -1
    return xs, xs[one, every, 0], xs[two, every, 0], lengths
