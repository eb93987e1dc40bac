"""Temporal order (1997's task 6a): does the start of the gates' biases decide, or the learning rate?

LSTM, H = 8, batch 32, Adam, gradient norm clipped at 1, float32, at most 20,000 sequences of length 100-110. Solved, as
in the paper: the error of every output below .3 on the last 2,000 training sequences. All other biases start at 0.
"""

import itertools

import numpy as np

from experiments import columns
from lstmcore import tasks, weights
from lstmcore.numpy import lstm_fast, model
from lstmcore.numpy.ops import softmax
from lstmcore.numpy.train import fit

H, B, BUDGET, RIGHT = 8, 32, 20_000, 2_000
SEEDS = 10
CASES = [dict(f=f, i=i, lr=lr) for lr, f, i in itertools.product([0.01, 0.003], [5, 1], [-3, 0])]


def run(seed, f, i, lr):
    rng = np.random.default_rng(seed)
    m = model.init(lstm_fast, 8, H, 4, rng)
    m, right, batch = m._replace(cell=weights.gate_bias(m.cell, f=f, i=i)), 0, None

    def batches(k):
        nonlocal batch
        batch = tasks.temporal_order_6a(rng, B)
        return batch

    def solved(k, loss, grads, logits):
        nonlocal right
        near = np.abs(softmax(logits) - np.eye(4)[batch[1]]).max(axis=1) < 0.3
        right = right + B if near.all() else 0
        return right >= RIGHT

    m, history = fit(
        m, lambda m, *b: model.loss(lstm_fast, m, *b), batches, BUDGET // B, lr, clip=1.0, stop=solved, progress=False
    )
    xs, target, lengths = tasks.temporal_order_6a(rng, 2_560)
    _, _, logits = model.loss(lstm_fast, m, xs, target, lengths)
    wrong = int((logits.argmax(axis=1) != target).sum())
    return {"solved": right >= RIGHT, "sequences": B * len(history), "wrong": wrong, "loss": history[-20:].mean()}


def table(rows):
    lines = []
    for case in CASES:
        mine = [row for row in rows if all(row[k] == v for k, v in case.items())]
        if mine:
            good = [row for row in mine if row["solved"]]
            took = [row["sequences"] for row in good]
            seen = f"{min(took)}/{int(np.median(took))}/{max(took)}" if took else "-"
            wrong = max((row["wrong"] for row in good), default="-")
            seconds = np.mean([row["seconds"] for row in mine])
            lines.append((*case.values(), f"{len(good)}/{len(mine)}", seen, wrong, f"{seconds:.1f}"))
    return columns(["f", "i", "lr", "solved", "sequences (min/median/max)", "most wrong of 2,560", "s"], lines)
