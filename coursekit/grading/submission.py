"""A submitted file as the released notebook with the learner's answers in it, however damaged the file is."""

import copy
import json
import os
from functools import cache
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from coursekit.grading.specs import clean

MOST = 20 << 20  # bytes


def read(path, released):
    """(notebook, "") or (the released notebook without answers, why the file cannot be read)."""
    pending = {cell.metadata.nbgrader.grade_id: copy.deepcopy(cell) for cell in released.cells if marked(cell)}
    ids = {cell.id: name for name, cell in pending.items()}
    try:
        theirs, why = learner_cells(path), ""
    except Exception as e:
        theirs, why = [], f"This file cannot be read as a notebook: {clean(e, 200)}."
    cells = []
    for k, (kind, source, id, name) in reversed(list(enumerate(theirs))):  # of duplicates the last one counts
        name = name if isinstance(name, str) else ids.get(id) if isinstance(id, str) else None
        cell = pending.pop(name, None)
        if cell is None:
            cell = (new_code_cell if kind == "code" else new_markdown_cell)(source, id=f"own-{k}")
        elif is_answer(cell):
            cell.source = source
        cells.append(cell)
    for cell in pending.values():
        if is_answer(cell):
            cell.source = ""
    nb = copy.copy(released)
    nb.cells = cells[::-1] + list(pending.values())
    return nb, why


def marked(cell):
    return "nbgrader" in cell.metadata


def is_answer(cell):
    return marked(cell) and cell.metadata.nbgrader.solution


def is_test(cell):
    return marked(cell) and cell.metadata.nbgrader.grade


def learner_cells(path):
    """[(kind, source, id, grade_id)] from any version and encoding of the format."""
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
        raw = file.read(MOST + 1)
    if not raw:
        raise ValueError("nothing was handed in here (links are not followed)")
    if len(raw) > MOST:
        raise ValueError(f"it is larger than {MOST >> 20} MB")
    found = json.loads(raw)  # UTF-8, 16 or 32, with a mark or without
    if "worksheets" in found:
        found = nbformat.convert(nbformat.from_dict(found), 4)
    return [
        (
            cell["cell_type"],
            clean("".join(cell["source"]), MOST),
            cell.get("id"),
            (cell.get("metadata", {}).get("nbgrader") or {}).get("grade_id"),
        )
        for cell in found["cells"]
    ]


@cache
def released(path):
    return nbformat.read(Path(path), as_version=4)


def setup(released):
    """The released code before the first answer: the imports. It is run as released, whatever became of it."""
    first = next(k for k, cell in enumerate(released.cells) if is_answer(cell))
    return [cell.source for cell in released.cells[:first] if cell.cell_type == "code"]


def runnable(nb, released):
    """[[index, code]] for the sandbox: answers and the learner's own cells. Tests and what only shows stay out."""
    given = {cell.source for cell in released.cells if not is_answer(cell)}
    return [
        [k, plain_python(cell.source)]
        for k, cell in enumerate(nb.cells)
        if cell.cell_type == "code" and not is_test(cell) and (is_answer(cell) or cell.source not in given)
    ]


def plain_python(source):
    """IPython's magics as calls, which the runner knows."""
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        return TransformerManager().transform_cell(source)
    except SyntaxError:
        return source
