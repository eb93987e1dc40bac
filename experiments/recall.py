"""Who recalls the first symbol over 10 and 100 others? The cell, its biases, the learning rate, the budget.

A symbol X or Y, then `lag` distractors drawn from a, b, c, d; the class is asked at the last step. H = 16, batch 16,
Adam, gradient norm clipped at 1, float32. Solved: every output within .25 on 400 training sequences in a row, within
`budget` sequences. `wrong` counts errors on 500 fresh sequences after that.
"""

import numpy as np

from experiments import columns
from lstmcore import tasks, weights
from lstmcore.numpy import gru_fast, lstm_fast, model, rnn_fast
from lstmcore.numpy.ops import softmax
from lstmcore.numpy.train import fit

CELLS = {"rnn": rnn_fast, "lstm": lstm_fast, "gru": gru_fast}
H, B, RIGHT = 16, 16, 400
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
    m, right, batch = begin(cell, start, lag, rng), 0, None

    def batches(k):
        nonlocal batch
        batch = tasks.recall(rng, B, lag)
        return batch

    def solved(k, loss, grads, logits):
        nonlocal right
        near = np.abs(softmax(logits) - np.eye(2)[batch[1]]).max(axis=1) < 0.25
        right = right + B if near.all() else 0
        return right >= RIGHT

    m, history = fit(
        m, lambda m, *b: model.loss(CELLS[cell], m, *b), batches, budget // B, lr, clip=1.0, stop=solved, progress=False
    )
    xs, target = tasks.recall(rng, 500, lag)
    _, _, logits = model.loss(CELLS[cell], m, xs, target)
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
    head = ["cell", "start", "lr", "lag", "budget", "solved", "sequences (min/median/max)", "most wrong of 500", "s"]
    return columns(head, lines)
