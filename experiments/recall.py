"""Who recalls the first symbol over 10 and 100 others? The cell, its biases, the learning rate, the budget.

A symbol X or Y, then `lag` distractors drawn from a, b, c, d; the class is asked at the last step. H = 16, batch 16,
Adam, gradient norm clipped at 1, float32. Solved: every output within .25 on 400 training sequences in a row, within
`budget` sequences. `wrong` counts errors on 500 fresh sequences after that.
"""

import numpy as np

from experiments._solved import solved_table, until_solved
from lstmcore import tasks, weights
from lstmcore.numpy import gru_fast, lstm_fast, model, rnn_fast

CELLS = {"rnn": rnn_fast, "lstm": lstm_fast, "gru": gru_fast}
H, B, RIGHT, FRESH = 16, 16, 400, 500
SEEDS = 10
RECIPES = [
    ("rnn", "default", 0.003, [10, 20, 30, 50, 100]),
    ("rnn", "default", 0.01, [20, 50, 100]),
    ("rnn", "orthogonal", 0.003, [10, 100]),
    ("rnn", "orthogonal", 0.01, [100]),
    ("lstm", "default", 0.01, [10, 100]),
    ("lstm", "f 1", 0.01, [10, 100]),
    ("lstm", "f 5, i -3", 0.01, [10, 100]),
    ("lstm", "chrono", 0.01, [10, 100]),
    ("gru", "default", 0.01, [10, 100]),
    ("gru", "chrono", 0.01, [10, 100]),
]
CASES = [dict(cell=c, start=s, lr=lr, lag=lag, budget=6_400) for c, s, lr, lags in RECIPES for lag in lags]
CASES.append(dict(cell="rnn", start="default", lr=0.01, lag=100, budget=32_000))


def begin(cell, start, lag, rng):
    """A model with the weights and biases that `start` names."""
    m = model.init(CELLS[cell], 6, H, 2, rng)
    match start.split():
        case ["default"]:
            p = m.cell
        case ["orthogonal"]:
            p = weights.orthogonal(m.cell, rng)
        case ["chrono"]:
            p = weights.chrono(m.cell, lag, rng)
        case words:  # "f 5, i -3"
            numbers = [float(word.strip(",")) for word in words[1::2]]
            p = weights.gate_bias(m.cell, **dict(zip(words[::2], numbers, strict=True)))
    return m._replace(cell=p)


def run(seed, cell, start, lr, lag, budget):
    rng = np.random.default_rng(seed)
    m = begin(cell, start, lag, rng)
    return until_solved(CELLS[cell], m, lambda n: tasks.recall(rng, n, lag), B, budget, lr, 0.25, RIGHT, FRESH)


def table(rows):
    return solved_table(rows, CASES, FRESH)
