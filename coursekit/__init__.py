"""The machinery around the course: `python3 -m coursekit` lists its commands."""

import difflib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


def nearest(name, names, what):
    """A sentence on a name that does not exist, with the name that was probably meant."""
    close = difflib.get_close_matches(name, names, 1)
    hint = f"Did you mean {close[0]}?" if close else "There are {}.".format(", ".join(names))
    return f"There is no {what} named {name}. {hint}"
