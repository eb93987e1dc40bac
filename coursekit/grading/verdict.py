"""The verdict on one submitted notebook: its answers applied to hidden inputs, and compared on the host."""

import ast
import hashlib
from typing import NamedTuple

import numpy as np

from coursekit.grading import data, sandbox, specs, submission
from coursekit.grading.specs import clean

STARTS = 4  # of the sandbox for one notebook: each leaves out the cell or the answer that ended the one before
UNSAFE = "Graded without a sandbox."


class Verdict(NamedTuple):
    scores: dict  # {answer: (fraction of its points, sentence)}
    errors: dict  # {index of a cell: what it raised, as a notebook's output}


def judge(path, released, assignment, notebook, student, secret, unsafe=False, warn=True):
    """The verdict on the file at `path`. The inputs are others for every student and resubmission.

    `warn`: where it was unsafe every sentence says so.
    """
    wanted = specs.load(assignment, notebook)
    nb, why = submission.read(path, released)
    if why:
        return finished({answer: (0, why) for answer in wanted}, {}, unsafe and warn)
    cells = submission.runnable(nb, released)
    setup = submission.setup(released)
    inputs = {a: draw(spec, secret, assignment, a, student, cells) for a, spec in wanted.items()}
    library = specs.library("\n".join(setup), specs.asked(wanted))
    errors, said = apply([*([-1 - k, code] for k, code in enumerate(setup)), *cells], inputs, library, unsafe)
    scores = {a: specs.score(wanted[a], inputs[a], said.get(a, [])) for a in wanted}
    for k, cell in enumerate(nb.cells):
        answer = cell.metadata.get("nbgrader", {}).get("grade_id")
        if scores.get(answer, (1,))[0] == 0 and k in errors:  # it never came to be: say what stopped its cell
            scores[answer] = 0, errors[k]["traceback"][0]
        elif scores.get(answer, (1,))[0] < 1:
            guilty = [name for name in used(cell.source) if name != answer and scores.get(name, (1,))[0] < 1]
            if guilty:
                scores[answer] = scores[answer][0], f"{scores[answer][1]} It uses your {guilty[0]}, not right yet."
    return finished(scores, errors, unsafe and warn)


def finished(scores, errors, warn):
    if warn:
        scores = {answer: (fraction, f"{sentence} {UNSAFE}") for answer, (fraction, sentence) in scores.items()}
    return Verdict(scores, errors)


def draw(spec, secret, *words):
    """The inputs for an answer: nobody can guess them, and every grading of the same work draws the same."""
    seed = hashlib.sha256("/".join(map(str, [secret, *words])).encode()).digest()
    return list(spec.cases(np.random.default_rng(int.from_bytes(seed))))


def apply(cells, inputs, library, unsafe):
    """({index of a cell: its error}, {answer: what came of each input}). All that comes back may be forged."""
    calls = {a: [[data.pack(x) for x in arguments] for arguments in cases] for a, cases in inputs.items()}
    errors, said, why = {}, {}, ""
    for _ in range(STARTS):
        left = {a: calls[a] for a in calls if a not in said}
        messages, end = sandbox.run({"cells": cells, "calls": left, "library": library}, unsafe)
        at = None
        for message in messages:
            match message:
                case {"start": int() | str() as at}:
                    pass
                case {"cell": int(k), "error": dict(error)}:
                    errors[k] = as_output(error)
                case {"call": str(answer), "said": list(results)} if answer in left:
                    said[answer] = results
        if all(a in said for a in calls):
            break
        why = "ran out of time" if end == "timeout" else "ended Python"
        if at in left and at not in said:
            said[at] = [f"{at} {why}."]
        elif any(at == k for k, _ in cells):
            errors[at] = as_output({"type": "Stopped", "text": f"this cell {why}"})
            cells = [cell for cell in cells if cell[0] != at]
        else:
            break
    return errors, {a: said.get(a, [f"The notebook's code {why}."]) for a in calls}


def as_output(error):
    name, text = (clean(error.get(key) or "") for key in ("type", "text"))
    return {"ename": name, "evalue": text, "traceback": [specs.told(error)]}


def used(source):
    try:
        return [node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
