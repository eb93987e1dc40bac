"""Temporal order (1997's task 6a): does the start of the gates' biases decide, or the learning rate?

LSTM, H = 8, batch 32, Adam, gradient norm clipped at 1, float32, at most 20,000 sequences of length 100-110. Solved, as
in the paper: the error of every output below .3 on the last 2,000 training sequences. All other biases start at 0.
"""

import itertools

import numpy as np

from experiments._solved import solved_table, until_solved
from lstmcore import tasks, weights
from lstmcore.numpy import lstm_fast, model

H, B, BUDGET, RIGHT, FRESH = 8, 32, 20_000, 2_000, 2_560
SEEDS = 10
CASES = [dict(f=f, i=i, lr=lr) for lr, f, i in itertools.product([0.01, 0.003], [5, 1], [-3, 0])]


def run(seed, f, i, lr):
    rng = np.random.default_rng(seed)
    m = model.init(lstm_fast, 8, H, 4, rng)
    m = m._replace(cell=weights.gate_bias(m.cell, f=f, i=i))
    return until_solved(lstm_fast, m, lambda n: tasks.temporal_order_6a(rng, n), B, BUDGET, lr, 0.3, RIGHT, FRESH)


def table(rows):
    return solved_table(rows, CASES, FRESH)
