"""The tests of the tests: what an exercise must do before a learner sees it. No learner and no sandbox needed."""

import json
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np

from coursekit import exercises
from coursekit.grading import data, specs, submission, verdict
from lstmcore.tree import tree_map

PROBE = """
import importlib
def {answer}(*arguments):
    found = []
    for module in {modules}:
        for function in list(vars(importlib.import_module(module)).values()):
            try:
                made = function(*arguments)
            except BaseException:
                continue
            found.append(made if hasattr(made, "shape") or isinstance(made, tuple) else None)
    return tuple(found)
"""


class Row(NamedTuple):
    exercise: str
    answer: str
    unsolved: float  # share of the points
    solved: float
    caught: int  # mistakes that lose points and are called by their names
    mistakes: int
    passed: int  # unusual right answers that get full marks
    unusual: int


def report(path):
    """(Row, complaints) for each answer of a solution script."""
    assignment, notebook = path.parent.name, path.stem
    solved, blank = (scores(path, answers) for answers in ({}, dict.fromkeys(specs.load(assignment, notebook), "")))
    for answer, spec in specs.load(assignment, notebook).items():
        name = f"{assignment}/{notebook} {answer}"
        missed, unfair = uncaught(spec), failed(spec)
        complaints = [f"{name}: a notebook without answers gets points."] if blank[answer][0] else []
        complaints += [f"{name}: the solution loses points. {solved[answer][1]}"] if solved[answer][0] < 1 else []
        complaints += [f"{name}: {sentence}" for sentence in missed + unfair]
        complaints += [f"{name}: {what} in the sandbox answers it." for what in left_over(path, answer)]
        marks, wrong, right = (blank[answer][0], solved[answer][0]), len(spec.mistakes), len(unusual(spec))
        counts = (wrong - len(missed), wrong, right - len(unfair), right)
        yield Row(f"{assignment}/{notebook}", answer, *marks, *counts), complaints


def scores(path, answers):
    """{answer: (fraction, sentence)} for the solution's notebook with these answers in place of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{path.stem}.ipynb"
        nbformat.write(exercises.answered(path, answers), file)
        names = (path.parent.name, path.stem, "nobody", "no secret")
        return verdict.judge(file, exercises.source(path), *names, unsafe=True, warn=False).scores


def said(function, inputs):
    """What came of a function that runs here and is trusted."""
    with np.errstate(all="ignore"):
        return [data.called(function, [data.pack(a) for a in arguments]) for arguments in inputs]


def tried(spec, function):
    inputs = list(spec.cases(np.random.default_rng(1)))
    return specs.score(spec, inputs, said(function, inputs))


def uncaught(spec):
    """A sentence for each mistake that loses no points, or is not called by its name."""
    complaints = []
    for mistake, wrong in spec.mistakes.items():
        fraction, sentence = tried(spec, wrong)
        if fraction == 1:
            complaints.append(f"the mistake “{mistake}” gets full marks.")
        elif f"when {mistake}." not in sentence:
            complaints.append(f"the mistake “{mistake}” is told as “{sentence}”.")
    return complaints


def failed(spec):
    """A sentence for each unusual right answer that loses points."""
    found = {way: tried(spec, right) for way, right in unusual(spec).items()}
    return [f"the right answer “{way}” loses points: {s}" for way, (fraction, s) in found.items() if fraction < 1]


def unusual(spec):
    """The script's own ways, and those that any answer may take."""
    return {
        **spec.fair,
        "as lists": lambda *args: tree_map(lambda a: np.asarray(a).tolist(), spec.oracle(*args)),
        "in float64 inside": lambda *args: spec.oracle(*tree_map(wide, args)),
        "in a plain tuple": lambda *args: of(tuple, spec.oracle(*args)),
        "in a list of its parts": lambda *args: of(list, spec.oracle(*args)),
    }


def wide(value):
    return np.float64(value) if np.asarray(value).dtype.kind == "f" else value


def of(kind, value):
    return kind(value) if isinstance(value, tuple) else value


def left_over(path, answer, imports=None):
    """What a notebook finds in the sandbox that answers the question when called with its arguments."""
    wanted = specs.load(path.parent.name, path.stem)
    setup = imports or "\n".join(submission.setup(exercises.source(path)))
    library = specs.library(setup, frozenset() if imports else specs.asked(wanted))
    inputs = verdict.draw(wanted[answer], "no secret")[:1]
    probe = PROBE.format(answer=answer, modules=sorted(library))
    _, came = verdict.apply([[0, probe]], {answer: inputs}, library, unsafe=True)
    found = data.unpack(came[answer][0]["value"])
    right = [specs.score(wanted[answer], inputs, said(lambda *_, f=f: f, inputs))[0] == 1 for f in found]
    return ["something"] if any(right) else []


def leaks(path, released):
    """A sentence if a released notebook holds a solution or a judge block."""
    text = "\n".join("".join(cell["source"]) for cell in json.loads(released.read_text(encoding="utf-8"))["cells"])
    script = path.read_text(encoding="utf-8")
    secret = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", script, flags=re.S)
    secret += [cell.source for cell in specs.cells(script) if "judge" in cell.tags]
    lines = {line.strip() for block in secret for line in block.splitlines() if len(line.strip()) > 20}
    public = {
        line.strip()
        for cell in specs.cells(script)
        if not {"judge", "answer"} & set(cell.tags)
        for line in cell.source.splitlines()
    }
    return [
        f"{released.name} shows a line of its solution or judge: {line}"
        for line in sorted(lines - public)
        if line in text
    ]
