"""The cells, found by listing lstmcore/cells, and random problems for them: a new file there is tested."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import lstmcore
from lstmcore import weights

CELLS = sorted(path.stem for path in Path(lstmcore.__file__).parent.glob("cells/[a-z]*.py"))
SIZES = [(1, 1, 1, 1), (5, 3, 4, 2), (4, 2, 3, 6)]  # T, B, D, H


def of(library, cell):
    return importlib.import_module(f"lstmcore.{library}.{cell}")


def problem(cell, B, D, H, T=4, seed=0, dtype=np.float64):
    """Random weights with every bias at work, a state that is not zero, a sequence."""
    rng = np.random.default_rng(seed)
    p = weights.uniform(cell.Params, D, H, rng, dtype)
    space = (3, 4) if p.W_x.ndim == 4 else ()  # images
    state = cell.State(*rng.normal(size=(len(cell.State._fields), B, H, *space)).astype(dtype))
    return SimpleNamespace(p=p, state=state, xs=rng.normal(size=(T, B, D, *space)).astype(dtype), rng=rng)
