"""Weights of every net in the paper of 1997: Table 10, and the settings of one function that give it."""

from experiments import columns
from lstmcore import count

CASES = [dict(task=task) for task in count.TABLE_10]
SEEDS = 1


def run(seed, task):
    printed, sizes, options = count.TABLE_10[task]
    return {"printed": printed, "counted": count.net_1997(*sizes, **options), "sizes": sizes, "options": options}


def table(rows):
    lines = []
    for row in rows:
        told = ", ".join(f"{k} {' '.join(v) if k == 'biases' else v}" for k, v in row["options"].items())
        lines.append((row["task"], row["printed"], row["counted"], *row["sizes"], told))
    return columns(["task", "printed", "counted", "inputs", "outputs", "blocks", "size", "options"], lines)
