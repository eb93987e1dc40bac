"""Who recalls a symbol over 1,000 others under full BPTT? LSTM and GRU, by the first biases of the gate that keeps.

As `recall`, with 1,000 distractors: H = 16, batch 16, Adam at .01, norm clipped at 1, float32, at most 6,400 sequences.
"""

from experiments import columns, recall

SEEDS = 3
CASES = [
    dict(cell="lstm", start="chrono"),
    dict(cell="lstm", start="f 7, i -5"),
    dict(cell="lstm", start="f 5, i -3"),
    dict(cell="lstm", start="f 1"),
    dict(cell="gru", start="chrono"),
]


def run(seed, cell, start):
    return recall.run(seed, cell, start, lr=0.01, lag=1000, budget=6_400)


def table(rows):
    lines = []
    for case in CASES:
        mine = [row for row in rows if all(row[k] == v for k, v in case.items())]
        if mine:
            took = ", ".join(str(row["sequences"]) for row in mine if row["solved"])
            wrong = max((row["wrong"] for row in mine if row["solved"]), default="-")
            seconds = sum(row["seconds"] for row in mine) / len(mine)
            solved = f"{sum(row['solved'] for row in mine)}/{len(mine)}"
            lines.append((*case.values(), solved, took or "-", wrong, f"{seconds:.0f}"))
    return columns(["cell", "start", "solved", "sequences", "most wrong of 500", "s"], lines)
