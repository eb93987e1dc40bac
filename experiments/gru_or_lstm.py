"""LSTM or GRU, with as many parameters each, on little and on much data: which is right more often?

waves   four noisy waveforms (sine, square, two sawtooths), one number a step, 20 to 40 steps; made here
vowels  who of nine men says "ae"? 12 numbers a step, 7 to 29 steps; lstmcore.data.japanese_vowels

Both cells see the same sequences in the same order: a seed gives a pair. Adam, batch 32, gradient norm clipped at 1,
float32, weights and biases uniform(±1/√H), no early stopping. right: the share of fresh sequences, at the end.
"""

import numpy as np

from experiments import columns
from lstmcore import data
from lstmcore.numpy import gru_fast, lstm_fast, model
from lstmcore.numpy.train import fit
from lstmcore.tasks.batch import pad

CELLS = {"lstm": lstm_fast, "gru": gru_fast}
UNITS = {"waves": {"lstm": 20, "gru": 23}, "vowels": {"lstm": 16, "gru": 19}}  # 1,844 each; 2,009 and 2,023 parameters
SHORT, LONG = (600, 0.005), (1500, 0.01)  # updates, learning rate
RUNS = [
    ("waves", 200, *SHORT),
    ("waves", 4000, *SHORT),
    ("waves", 200, *LONG),
    ("waves", 4000, *LONG),
    ("vowels", 45, 300, 0.01),  # five utterances of each speaker
    ("vowels", 270, 300, 0.01),  # all thirty
]
CASES = [dict(task=t, train=n, updates=u, lr=lr, cell=c) for t, n, u, lr in RUNS for c in CELLS]
SEEDS = 6
B = 32


def waves(rng, n):
    """n waves with a random period and phase, and noise of spread 0.6 -> xs (T, n, 1), target (n,), lengths (n,)."""
    target, lengths = rng.integers(4, size=n), rng.integers(20, 41, size=n)
    period, start = rng.uniform(5, 20, size=n), rng.uniform(size=n)
    rounds = start + np.arange(40)[:, None] / period  # (T, n)
    saw = 2 * (rounds % 1) - 1
    sine = np.sin(2 * np.pi * rounds)
    shapes = np.stack([sine, np.sign(sine), saw, -saw])
    xs = shapes[target, :, np.arange(n)] + 0.6 * rng.normal(size=(n, 40))  # (n, T)
    xs, lengths = pad([x[:length, None].astype(np.float32) for x, length in zip(xs, lengths, strict=True)])
    return xs, target, lengths


def vowels(rng, n):
    """-> the first part, n utterances to train on, as many of each speaker, and the second, all 370 to test on."""
    train, test = data.japanese_vowels()
    chosen = np.concatenate([rng.permutation(np.flatnonzero(train.target == k))[: n // 9] for k in range(9)])
    inside = np.arange(len(train.xs))[:, None] < train.lengths
    mean, spread = train.xs[inside].mean(axis=0), train.xs[inside].std(axis=0)
    scaled = [(part.xs - mean) / spread for part in (train, test)]
    little = (scaled[0][:, chosen], train.target[chosen], train.lengths[chosen])
    return little, (scaled[1], test.target, test.lengths)


def run(seed, task, train, updates, lr, cell):
    rng = np.random.default_rng(seed)
    if task == "waves":
        known, fresh = waves(rng, train), waves(rng, 2000)
    else:
        known, fresh = vowels(rng, train)
    order = np.random.default_rng(seed)
    D, K = known[0].shape[2], known[1].max() + 1
    m = model.init(CELLS[cell], D, UNITS[task][cell], K, rng)

    def batches(k):
        some = order.integers(train, size=B)
        xs, target, lengths = known
        return xs[: lengths[some].max(), some], target[some], lengths[some]

    m, _ = fit(m, lambda m, *b: model.loss(CELLS[cell], m, *b), batches, updates, lr, clip=1.0, progress=False)
    return {"right": right(cell, m, *fresh), "right_known": right(cell, m, *known)}


def right(cell, m, xs, target, lengths):
    _, _, logits = model.loss(CELLS[cell], m, xs, target, lengths)
    return (logits.argmax(axis=1) == target).mean()


def pairs(rows, task, train, updates):
    """{cell: right, one for each seed} of one comparison."""
    mine = [row for row in rows if (row["task"], row["train"], row["updates"]) == (task, train, updates)]
    return {cell: np.array([row["right"] for row in mine if row["cell"] == cell]) for cell in CELLS}


def table(rows):
    lines = []
    for task, train, updates, lr in RUNS:
        got = pairs(rows, task, train, updates)
        if min(map(len, got.values())) < 2 or len(got["lstm"]) != len(got["gru"]):
            continue
        more = got["gru"] - got["lstm"]
        spread = [f"{100 * a.mean():.1f} ± {100 * a.std(ddof=1):.1f}" for a in got.values()]
        error = more.std(ddof=1) / len(more) ** 0.5
        paired = f"{100 * more.mean():+.1f} ± {100 * error:.1f}"
        lines.append((task, train, updates, lr, *spread, paired, f"{(more > 0).sum()} of {len(more)}"))
    head = ["task", "train", "updates", "lr", "LSTM % right", "GRU % right", "GRU − LSTM", "GRU ahead"]
    return columns(head, lines) + "\n± is the spread over seeds; for the difference, its standard error."
