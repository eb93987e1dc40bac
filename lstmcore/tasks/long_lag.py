"""What came first must be known at the end: recall, and the tasks 2 and 6 of Hochreiter & Schmidhuber (1997)."""

import numpy as np

from lstmcore.tasks.batch import at_least, one_hot, pad


def recall(rng, B, lag):
    """Name the first symbol after `lag` others. -> xs (lag + 1, B, 6), target (B,) of 0 or 1.

    The first symbol is X or Y (columns 0 and 1); a, b, c, d at random follow. After Hochreiter & Schmidhuber (1997),
    task 2, asked once, at the end, and with distractors that are drawn anew.
    """
    at_least(1, lag=lag, B=B)
    target = rng.integers(2, size=B)
    symbols = np.concatenate([target[None], rng.integers(2, 6, size=(lag, B))])
    return one_hot(symbols, 6), target


def long_lag_2a(rng, B, p):
    """Task 2a: predict every next symbol of x a1 … a(p-1) x or y a1 … a(p-1) y. -> xs (p, B, p + 1), target (p, B).

    Hochreiter & Schmidhuber (1997): these two sequences are all there is, each with probability ½. Only the last
    symbol needs memory: the first one again, p steps later. Columns: a1 … a(p-1), x, y.
    """
    at_least(2, p=p)
    return _repeat_first(rng, B, p, np.tile(np.arange(p - 1)[:, None], B))


def long_lag_2b(rng, B, p):
    """Task 2b: as 2a, but the p - 1 symbols in between are drawn from a1 … a(p-1). -> xs (p, B, p + 1), target (p, B).

    Hochreiter & Schmidhuber (1997). Only the last target can be predicted, so the loss cannot come near zero.
    """
    at_least(2, p=p)
    return _repeat_first(rng, B, p, rng.integers(p - 1, size=(p - 1, B)))


def _repeat_first(rng, B, p, between):
    at_least(1, B=B)
    first = rng.integers(p - 1, p + 1, size=(1, B))
    symbols = np.concatenate([first, between, first])
    return one_hot(symbols[:-1], p + 1), symbols[1:]


def long_lag_2c(rng, B, q, p):
    """Task 2c: b x … e asks for x, b y … e for y. -> xs (T, B, p + 4), target (B,) of 0 (x) or 1 (y), lengths (B,).

    Hochreiter & Schmidhuber (1997): b, then x or y, then q + k of the distractors a1 … ap at random, then the
    trigger e; after q of them each next symbol is e with probability 1/10, so k is geometric, 9 on average. The
    symbol asked for comes q + 1 or more steps after it was seen. Columns: a1 … ap, e, b, x, y.
    The paper's last symbol, the answer, is the target here and no input: lengths are q + k + 3, q + 12 on average.
    The paper prints q + 14 with that symbol, but its sum is q + 13; and its sets let distractors go up to a_q, where
    its text and its table have p of them: we read p.
    """
    at_least(1, B=B, q=q, p=p)
    target = rng.integers(2, size=B)
    extra = rng.geometric(0.1, size=B) - 1
    e, b, x = p, p + 1, p + 2
    strings = [np.r_[b, x + y, rng.integers(p, size=q + k), e] for y, k in zip(target, extra, strict=True)]
    xs, lengths = pad([one_hot(s, p + 4) for s in strings])
    return xs, target, lengths


def temporal_order_6a(rng, B):
    """In which order came two X or Y? -> xs (T, B, 8), target (B,), lengths (B,).

    Hochreiter & Schmidhuber (1997), task 6a.
    E, then a, b, c, d at random with an X or Y at t1 in 10 … 20 and at t2 in 50 … 60, then B as the last symbol;
    length 100 … 110, padded with zeros. Classes: 0 XX, 1 XY, 2 YX, 3 YY. Columns: E B X Y a b c d.
    Our choice: E stands at t = 0, and all ends of ranges belong to them.
    """
    return _temporal_order(rng, B, [(10, 20), (50, 60)])


def temporal_order_6b(rng, B):
    """In which order came three X or Y? As 6a, at 10 … 20, 33 … 43 and 66 … 76. -> xs (T, B, 8), target, lengths.

    Hochreiter & Schmidhuber (1997), task 6b. Classes 0 XXX, 1 XXY, 2 XYX, … 7 YYY.
    """
    return _temporal_order(rng, B, [(10, 20), (33, 43), (66, 76)])


def _temporal_order(rng, B, ranges):
    at_least(1, B=B)
    lengths = rng.integers(100, 111, size=B)
    letters = rng.integers(2, size=(len(ranges), B))  # 0 X, 1 Y
    symbols = rng.integers(4, 8, size=(lengths.max(), B))
    every, target = np.arange(B), np.zeros(B, int)
    symbols[0] = 0
    for letter, (first, last) in zip(letters, ranges, strict=True):
        symbols[rng.integers(first, last + 1, size=B), every] = 2 + letter
        target = 2 * target + letter
    symbols[lengths - 1, every] = 1
    xs = one_hot(symbols, 8)
    xs[np.arange(len(xs))[:, None] >= lengths] = 0
    return xs, target, lengths
