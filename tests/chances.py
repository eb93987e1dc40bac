"""Random numbers for the tests, and the question whether something happens as often as it should."""

import numpy as np


def rng():
    return np.random.default_rng(0)


def share(hits, p):
    """Is this share of True what probability p gives, within four standard errors?"""
    return abs(np.mean(hits) - p) <= 4 * np.sqrt(p * (1 - p) / np.size(hits))
