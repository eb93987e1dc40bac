"""Who counts? aⁿbⁿ is learned for n up to 10: how far does each cell go on?

S, n times a, n times b, T; the next symbol is asked after each. Batch 16, 3,000 updates of Adam, learning rate .03,
which falls to nothing over the second half, gradient norm clipped at 1, float32. The LSTM's forget bias starts at 1;
other weights and biases uniform(±1/√H). reached: the largest N such that every string with n ≤ N is predicted without
an error from the first b on, where all is certain.
"""

import numpy as np

from experiments import columns
from lstmcore import tasks, weights
from lstmcore.numpy import gru_fast, lstm_fast, model, rnn_fast
from lstmcore.numpy.train import fit
from lstmcore.tasks.batch import one_hot, pad

CELLS = {"lstm": lstm_fast, "gru": gru_fast, "rnn": rnn_fast}
CASES = [dict(cell=c, H=H) for c, H in [("lstm", 4), ("gru", 4), ("gru", 5), ("rnn", 9)]]  # 164, 132, 179, 166 numbers
SEEDS = 8
MOST, UPDATES, LR, B = 10, 3000, 0.03, 16
LONGEST = 100  # strings that are tried


def learn(seed, cell, H):
    """-> the trained Model."""
    rng = np.random.default_rng(seed)
    m = model.init(CELLS[cell], 4, H, 4, rng)
    if cell == "lstm":
        m = m._replace(cell=weights.gate_bias(m.cell, f=1))

    def batches(k):
        xs, target, lengths, _ = tasks.anbn(rng, B, MOST)
        return xs, target, lengths

    def lr(k):
        return LR * min(1, 2 * (1 - k / UPDATES))

    m, _ = fit(m, lambda m, *b: model.loss(CELLS[cell], m, *b), batches, UPDATES, lr, clip=1.0, progress=False)
    return m


def string(n):
    """S aⁿ bⁿ, and what comes after each of its symbols: aⁿ bⁿ T."""
    symbols = np.repeat([0, 1, 2, 3], [1, n, n, 1])
    return one_hot(symbols[:-1], 4), symbols[1:]


def reached(cell, m):
    strings = [string(n) for n in range(1, LONGEST + 1)]
    xs, lengths = pad([xs for xs, _ in strings])
    target, _ = pad([target for _, target in strings])
    _, _, logits = model.loss(CELLS[cell], m, xs, target, lengths)
    wrong = (logits.argmax(axis=2) != target) & (xs[:, :, 2] > 0)  # after a b
    bad = np.flatnonzero(wrong.any(axis=0))
    return int(bad[0]) if len(bad) else LONGEST  # column k is n = k + 1


def run(seed, cell, H):
    return {"reached": reached(cell, learn(seed, cell, H))}


def table(rows):
    lines = []
    for case in CASES:
        got = sorted(row["reached"] for row in rows if all(row[k] == v for k, v in case.items()))
        if got:
            lines.append((*case.values(), " ".join(map(str, got)), f"{sum(n >= MOST for n in got)} of {len(got)}"))
    return columns(["cell", "H", "reached, for each seed", f"all n ≤ {MOST} right"], lines)
