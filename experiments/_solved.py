"""A classifier trained until it answers right many times in a row, and the table of such runs over seeds."""

import numpy as np

from experiments import columns
from lstmcore.numpy import model
from lstmcore.numpy.ops import softmax
from lstmcore.numpy.train import fit


def until_solved(cell, m, draw, B, budget, lr, within, in_a_row, fresh):
    """One row. draw(n) -> a batch of n: xs, target, and lengths where these differ.

    Solved: every output within `within` of 0 or 1 on `in_a_row` training sequences in a row, of at most `budget`. Adam,
    gradient norm clipped at 1. `wrong` counts errors on `fresh` sequences after that.
    """
    right, batch = 0, None

    def batches(k):
        nonlocal batch
        batch = draw(B)
        return batch

    def solved(k, loss, grads, logits):
        nonlocal right
        near = np.abs(softmax(logits) - np.eye(logits.shape[1])[batch[1]]).max(axis=1) < within
        right = right + B if near.all() else 0
        return right >= in_a_row

    m, history = fit(
        m, lambda m, *b: model.loss(cell, m, *b), batches, budget // B, lr, clip=1.0, stop=solved, progress=False
    )
    last = draw(fresh)
    _, _, logits = model.loss(cell, m, *last)
    wrong = int((logits.argmax(axis=1) != last[1]).sum())
    return {"solved": right >= in_a_row, "sequences": B * len(history), "wrong": wrong, "loss": history[-20:].mean()}


def solved_table(rows, cases, fresh):
    lines = []
    for case in cases:
        mine = [row for row in rows if all(row[k] == v for k, v in case.items())]
        if mine:
            good = [row for row in mine if row["solved"]]
            took = [row["sequences"] for row in good]
            seen = f"{min(took)}/{int(np.median(took))}/{max(took)}" if took else "-"
            wrong = max((row["wrong"] for row in good), default="-")
            seconds = np.mean([row["seconds"] for row in mine])
            lines.append((*case.values(), f"{len(good)}/{len(mine)}", seen, wrong, f"{seconds:.1f}"))
    return columns([*cases[0], "solved", "sequences (min/median/max)", f"most wrong of {fresh:,}", "s"], lines)
