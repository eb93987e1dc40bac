"""Claims, tables of papers and speed, each by a run that can be repeated: `python -m experiments --list`.

An experiment is one file here, NAME.py, that offers

    "One line that says what it finds out."    its docstring; --list shows the first line
    CASES = [dict(lag=10), dict(lag=100)]      what is compared: the arguments of `run`; [{}] if nothing varies
    SEEDS = 10                                 runs of each case; 1 where nothing is drawn

    def run(seed, lag):                        one row: all that is random comes from `seed`
        return {"solved": True, "seqs": 1168}  JSON's types and NumPy's numbers and arrays

    def table(rows):                           rows: {**case, "seed", **what run returned, "seconds"}, by case, then
        return columns(["lag", …], [(…), …])   seed; in a trial some are missing. The text is printed at the end

`python -m experiments NAME` runs all cases with seeds 0 … SEEDS - 1 and shows a bar over the rows. A finished row is
kept at once (in _build/experiments), so an interruption loses the row that was running, and the same command goes on.
A full run goes to results/NAME.json with versions, processor, revision, seconds and a hash of the sources: NAME.py
and all that it imports of lstmcore and experiments. When one of them changes (by more than blank lines and # comments)
the result is stale: --list says so, and the next run starts anew. So import at the top, by name: `importlib` is not
seen. `--seeds N` or `--cases lag=10,cell=lstm` below the full run is a trial: printed, and not written to results/.
`results(NAME)["rows"]` serves a page or a test. NumPy and PyTorch run on one thread; PyTorch is seeded by you.
"""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent


def results(name):
    """What results/NAME.json holds; its "rows" are what `table` takes. FileNotFoundError if it was never run."""
    return json.loads((HERE / "results" / f"{name}.json").read_text(encoding="utf-8"))


def columns(head, rows):
    """A table as text: words to the left, numbers to the right. Format numbers before."""
    cells = list(zip(*([str(c) for c in row] for row in [head, *rows]), strict=True))  # by column
    for k, column in enumerate(cells):
        width, words = max(map(len, column)), any(c[:1].isalpha() for c in column[1:])
        cells[k] = [c.ljust(width) if words else c.rjust(width) for c in column]
    lines = ["  ".join(row).rstrip() for row in zip(*cells, strict=True)]
    return "\n".join([lines[0], "─" * max(map(len, lines)), *lines[1:]])
