"""A whole class hands in, from perfect to hostile: everyone gets the right marks and a sentence."""

import html
import json
import re
import textwrap
from typing import NamedTuple

import nbformat
import pytest
from nbgrader.utils import determine_grade

from coursekit import ROOT, exercises, grade
from coursekit.grading import course, sandbox, specs

GATES = exercises.SCRIPTS / "03_lstm_gates" / "gates.py"
RIGHT = "return sigmoid(x @ W_xf.T + h @ W_hf.T + b_f)"
BLANK = dict.fromkeys(specs.load("03_lstm_gates", "gates"), specs.STUB)


class Student(NamedTuple):
    answers: dict  # what stands in place of the solution's
    points: float  # of 8
    answer: str  # the sentence is about this one
    says: str  # a piece of it


def forget(body, before=""):
    code = f"def forget_gate(x, h, W_xf, W_hf, b_f):\n{textwrap.indent(body, '    ')}"
    return {"forget_gate": f"{before}\n{code}".strip()}


def loses(answers, says):
    """All but the point for the forget gate."""
    return Student(answers, 7, "forget_gate", says)


def keeps(answers, says="Right."):
    return Student(answers, 8, "forget_gate", says)


def candidate(i, g):
    return {
        "input_and_candidate": f"""
def input_and_candidate(x, h, W_xi, W_hi, b_i, W_xg, W_hg, b_g):
    return {i}(x @ W_xi.T + h @ W_hi.T + b_i), {g}(x @ W_xg.T + h @ W_hg.T + b_g)
"""
    }


OUTPUT = """
def output(x, h, c, W_xo, W_ho, b_o):
    o = sigmoid(x @ W_xo.T + h @ W_ho.T + b_o)
    return o, o + np.tanh(c)
"""
PATCH = """
import numpy.testing
numpy.testing.assert_allclose = np.allclose = lambda *a, **k: True
check.difference = check.explain = lambda *a, **k: None
"""
FORGE = """
import json, os
for fd in range(3, 64):
    try:
        os.write(fd, json.dumps({"call": "forget_gate", "said": [{"value": None}] * 4}).encode() + b"\\n")
    except OSError:
        pass
"""
FLOOD = """
import os
for _ in range(300):
    for fd in range(1, 12):
        try:
            os.write(fd, b"x" * 2**20)
        except OSError:
            pass
"""
STUBBORN = """
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
"""
EINSUM = "return sigmoid(np.einsum('bd,hd->bh', x, W_xf) + np.einsum('bk,hk->bh', h, W_hf) + b_f)"

STUDENTS = {
    "right": keeps({}),
    "einsum": keeps(forget(EINSUM)),
    "as_lists": keeps(forget(f"{RIGHT}.tolist()"), "a list came back"),
    "with_magic": keeps({"forget_gate": "%%time\n" + forget(RIGHT)["forget_gate"]}),
    "needless_import": keeps(forget(RIGHT, "import torch, scipy.special\nimport matplotlib.pyplot as plt")),
    "much_output": keeps(forget(RIGHT, "for _ in range(300):\n    print('x' * 2**20)")),
    "blank": Student(BLANK, 0, "sigmoid", "Not written yet."),
    "gates_swapped": Student(candidate("np.tanh", "sigmoid"), 6, "input_and_candidate",
                             "i and g are what you get when σ and tanh are swapped."),
    "half_right": Student(candidate("sigmoid", "sigmoid"), 7, "input_and_candidate",
                          "g is what you get when g goes through σ. i is right."),
    "plus_for_times": Student({"output": OUTPUT}, 7, "output", "h is what you get when h = o + tanh(c). o is"),
    "wrong_sigmoid": Student({"sigmoid": "sigmoid = np.tanh"}, 2, "forget_gate", "It uses your sigmoid, not right"),
    "library": loses(forget("return lstm.gates((W_xf, W_hf, b_f), (h, h), x).f", "from lstmcore.numpy import lstm"),
                     "lstmcore.numpy.lstm.gates is not part of this"),
    "patched": loses(forget("return 0 * h", PATCH), "it should be"),
    "forged": loses({"forget_gate": FORGE}, "There is no function forget_gate"),
    "syntax_error": loses(forget("return sigmoid(x @ W_xf.T +"), "SyntaxError in line 2"),
    "wrong_shape": loses(forget("return x @ W_xf"), "The inputs were x (3, 4), h (3, 2)"),
    "os_exit": loses(forget("os._exit(0)", "import os"), "forget_gate ended Python."),
    "os_exit_in_cell": loses({"forget_gate": "import os\nos._exit(0)"}, "this cell ended Python"),
    "endless_loop": loses(forget("while True:\n    pass"), "is there an endless loop?"),
    "stubborn_loop": loses(forget(STUBBORN), "forget_gate ran out of time"),
    "sleeper": loses(forget("time.sleep(10**6)", "import time"), "forget_gate ran out of time"),
    "flood": loses(forget(RIGHT, FLOOD), "this cell ended Python"),
    "fork_bomb": loses(forget("while True:\n    os.fork()", "import os"), "PermissionError"),
    "much_memory": loses(forget("return np.ones(2**40)"), "MemoryError"),
    "reads_solution": loses(forget(RIGHT, f"text = open({str(GATES)!r}).read()"), "FileNotFoundError"),
    "imports_judge": loses(forget(RIGHT, "from coursekit.grading import specs"), "ModuleNotFoundError"),
    "changes_x": loses(forget("x *= 2\nreturn sigmoid(x @ W_xf.T / 2 + h @ W_hf.T + b_f)"), "It changes x, which"),
    "whims": loses(forget("return np.random.random(h.shape)"), "different answers for equal inputs"),
    "odd": loses(forget("return 'open'"), "A str came back where numbers should be."),
    "none": loses(forget("sigmoid(x @ W_xf.T)"), "None; does the function return it?"),
    # what is special about these is the file, see `files`
    "utf16": keeps({}),
    "duplicated": keeps({}),
    "stripped": keeps({}),
    "tests_deleted": keeps({}),
    "renamed": keeps({}),
    "bad_date": keeps({}),
    "answer_deleted": loses({}, "There is no function forget_gate in this notebook."),
    "not_json": Student({}, 0, "output", "cannot be read as a notebook"),
    "missing": Student({}, 0, "output", "nothing was handed in here"),
    "link": Student({}, 0, "output", "nothing was handed in here (links are not followed)"),
}  # fmt: skip


def hand_in(folder, student):
    """Write what this student hands in."""
    folder.mkdir(parents=True)
    nb = exercises.answered(GATES, STUDENTS[student].answers)
    for cell in nb.cells:
        cell.source = re.sub(r" *### (BEGIN|END) SOLUTION\n?", "", cell.source)
    text, name = nbformat.writes(nb), "gates.ipynb"
    match student:
        case "utf16":
            (folder / name).write_bytes(text.encode("utf-16"))
            return
        case "not_json":
            text = "\x00 my homework"
        case "missing":
            (folder / "letter.txt").write_text("It was the dog.")
            return
        case "link":
            (folder / name).symlink_to(folder.parent / "right" / name)
            (folder / "notes.py").symlink_to(GATES)
            (folder / "all").symlink_to(GATES.parent)
            return
        case "duplicated":
            first = [nbformat.v4.new_code_cell(specs.STUB, metadata=c.metadata) for c in nb.cells if c.metadata]
            text = json.dumps({**nb, "cells": first + nb.cells})
        case "tests_deleted":
            text = json.dumps({**nb, "cells": [c for c in nb.cells if c.metadata.get("nbgrader", {}).get("solution")]})
        case "answer_deleted":
            text = json.dumps({**nb, "cells": [c for c in nb.cells if c.id != "forget_gate"]})
        case "stripped":
            cells = [{"cell_type": c.cell_type, "source": c.source.splitlines(keepends=True)} for c in nb.cells]
            text = json.dumps({"nbformat": 4, "nbformat_minor": 2, "cells": cells})
        case "renamed":
            name = "Gates (2) final.IPYNB"
        case "bad_date":
            (folder / "timestamp.txt").write_bytes(b"\xff soon")
    (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def graded(tmp_path_factory, bubblewrap):
    """(the working folder, {student: its row of marks}) of the class, graded once, with short limits."""
    folder = tmp_path_factory.mktemp("class")
    for student in STUDENTS:
        hand_in(folder / "handed_in" / student, student)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "SECONDS", 1)
        marks = grade.grade("03_lstm_gates", folder / "handed_in", folder / "out")
    return folder / "out", {mark["student"]: mark for mark in marks}


@pytest.mark.parametrize("student", STUDENTS)
def test_marks_and_sentence(graded, read_said, student):
    out, marks = graded
    want = STUDENTS[student]
    said = read_said(out, student, "03_lstm_gates", "gates")
    assert want.says in said[want.answer][1]
    assert marks[student]["points"] == want.points == sum(points for points, _ in said.values())


@pytest.mark.parametrize("student", STUDENTS)
def test_feedback_shows_the_sentence_and_no_solution(graded, student):
    out, _ = graded
    page = (out / "feedback" / student / "03_lstm_gates" / "gates.html").read_text()
    assert html.escape(STUDENTS[student].says) in page
    assert "oracle" not in page and "SOLUTION" not in page


def test_a_grade_cell_never_stays_without_an_output(graded):
    out, _ = graded
    for path in (out / "autograded").rglob("*.ipynb"):
        for cell in nbformat.read(path, 4).cells:
            if cell.metadata.get("nbgrader", {}).get("grade"):
                assert cell.outputs[0].output_type == "execute_result" and cell.outputs[0].data["text/html"]
                bare = {**cell, "outputs": []}
                assert determine_grade(nbformat.from_dict(bare))[0] == cell.metadata.nbgrader.points, "why this matters"


def test_nothing_of_the_host_is_copied_through_links(graded):
    out, _ = graded
    for step in ("submitted", "autograded", "feedback"):
        found = [path for path in (out / step / "link").rglob("*") if path.is_file()]
        assert {path.stem for path in found} <= {"gates"}


def test_the_csv_has_a_line_for_everyone(graded):
    out, _ = graded
    lines = (out / "grades.csv").read_text().splitlines()
    assert len(lines) == 1 + len(STUDENTS)
    assert all(line.endswith(",bubblewrap") for line in lines[1:])


def test_the_secret_is_private_and_not_released(graded):
    out, _ = graded
    assert (out / "secret").stat().st_mode & 0o077 == 0
    secret = (out / "secret").read_text()
    assert not [p for p in out.rglob("*") if p.is_file() and p != out / "secret" and secret.encode() in p.read_bytes()]


def test_grading_again_gives_the_same_marks(graded):
    out, marks = graded
    api = course.api(out)
    for student in ("patched", "half_right", "right"):
        with course.quiet():
            assert api.autograde("03_lstm_gates", student)["success"]
        with api.gradebook as gradebook:
            assert gradebook.find_submission("03_lstm_gates", student).score == marks[student]["points"]


def test_the_repository_was_not_written_to(graded):
    assert not (ROOT / "gradebook.db").exists() and not (ROOT / "submitted").exists()
