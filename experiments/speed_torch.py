"""How much faster than autograd through the loop is a backward pass by hand, for cells that torch.nn lacks?

Forward and backward over T = 100 steps, D = 64, float32, one thread. Both are timed in turn in one process; a row has
the median of their ratio (loop / fast) with its quartiles. rnn, lstm and gru run on torch.nn's kernels.
"""

import time

import numpy as np
import torch

from experiments import columns
from lstmcore import weights
from lstmcore.scan import scan
from lstmcore.torch import coupled, fast, gru, gru_reset_before, lstm, lstm1997, peephole, rnn
from lstmcore.tree import leaves, tree_map

CELLS = {
    "lstm1997": lstm1997,
    "coupled": coupled,
    "peephole": peephole,
    "gru_reset_before": gru_reset_before,
    "rnn": rnn,
    "lstm": lstm,
    "gru": gru,
}
OURS = ("lstm1997", "coupled", "peephole", "gru_reset_before")
T, D, ROUNDS = 100, 64, 15
CASES = [dict(cell=cell, B=B, H=H) for cell in CELLS for B in (1, 8, 32, 128) for H in (64, 256)]
SEEDS = 1


def loop(cell, p, state, xs):
    states = scan(cell.step, p, state, xs)
    return torch.stack([s.h for s in states[1:]])


def sequence(cell, p, state, xs):
    return fast.run(cell, p, state, xs)[0]


def run(seed, cell, B, H):
    cell, rng = CELLS[cell], np.random.default_rng(seed)

    def tensors(tree):
        return tree_map(lambda a: torch.tensor(a, requires_grad=True), tree)

    p = tensors(weights.uniform(cell.Params, D, H, rng, np.float32))
    state = tensors(weights.zeros_state(cell.State, B, H, np.float32))
    xs = torch.tensor(rng.normal(size=(T, B, D)).astype(np.float32), requires_grad=True)
    dhs = torch.tensor(rng.normal(size=(T, B, H)).astype(np.float32))

    def once(way):
        for leaf in leaves((p, state, xs)):
            leaf.grad = None
        began = time.perf_counter()
        way(cell, p, state, xs).backward(dhs)
        return time.perf_counter() - began

    once(loop), once(sequence)
    pairs = np.array([(once(loop), once(sequence)) for _ in range(ROUNDS)])
    low, ratio, high = np.quantile(pairs[:, 0] / pairs[:, 1], [0.25, 0.5, 0.75])
    return {"loop_ms": 1e3 * np.median(pairs[:, 0]), "fast_ms": 1e3 * np.median(pairs[:, 1]),
            "ratio": ratio, "low": low, "high": high}  # fmt: skip


def table(rows):
    lines = [
        (r["cell"], r["B"], r["H"], f"{r['loop_ms']:.1f}", f"{r['fast_ms']:.1f}", f"{r['ratio']:.2f}",
         f"{r['low']:.2f}-{r['high']:.2f}") for r in rows
    ]  # fmt: skip
    told = [columns(["cell", "B", "H", "loop ms", "fast ms", "loop / fast", "quartiles"], lines)]
    own = [r for r in rows if r["cell"] in OURS]
    small = [r["ratio"] for r in own if r["B"] <= 32]
    if small:
        told.append(
            f"By hand, B ≤ 32: median {np.median(small):.2f} (target 1.5), least {min(small):.2f}; "
            f"least of all sizes {min(r['ratio'] for r in own):.2f} (target 1)."
        )
    return "\n\n".join(told)
