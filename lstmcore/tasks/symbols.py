"""Symbols to copy and to count."""

import numpy as np

from lstmcore.tasks.batch import at_least, one_hot, pad


def copying(rng, B, T):
    """Ten symbols, a long blank, and then the same ten again. -> xs (T + 20, B, 10), target (T + 20, B).

    Arjovsky, Shah & Bengio (2016): ten symbols out of 0 … 7, T - 1 blanks (8), the delimiter 9, ten blanks; the
    target is T + 10 blanks and then the ten symbols. Classes are 0 … 8. Without memory the best mean cross-entropy
    is 10 ln 8 / (T + 20). Bai, Kolter & Koltun (2018) have the delimiter at all of the last eleven steps.
    """
    at_least(1, B=B, T=T)
    word = rng.integers(8, size=(10, B))
    symbols = np.full((T + 20, B), 8)
    symbols[:10] = word
    symbols[T + 9] = 9
    target = np.full((T + 20, B), 8)
    target[T + 10 :] = word
    return one_hot(symbols, 10), target


def anbn(rng, B, most, least=1):
    """S aⁿ bⁿ T, n uniform from `least` to `most`, to predict. -> xs (T, B, 4), target, lengths, legal (T, B, 4).

    Gers & Schmidhuber (2001). After S comes a; after an a, a or b; after a b only what the count allows: from the
    first b on all is certain. Inputs are S aⁿ bⁿ, targets aⁿ bⁿ T, lengths 2n + 1. Columns: S a b T.
    Our choice: n is at least 1, so T may not follow S.
    """
    at_least(1, B=B, least=least)
    at_least(least, most=most)
    S, a, b, T = range(4)
    strings = [np.repeat([S, a, b, T], [1, n, n, 1]) for n in rng.integers(least, most + 1, size=B)]
    xs, lengths = pad([one_hot(s[:-1], 4) for s in strings])
    target, _ = pad([s[1:] for s in strings])
    legal, _ = pad([one_hot(s[1:], 4) > 0 for s in strings])
    legal[xs[:, :, a] > 0] = np.isin(range(4), [a, b])
    return xs, target, lengths, legal
