"""The tests of the tests: every exercise fails unsolved, passes solved, and knows its mistakes by name."""

import json
import zipfile

import nbformat
import pytest

from coursekit import ROOT, exercises
from coursekit.grading import proof, specs, submission

SCRIPTS = exercises.scripts()
ANSWERS = [(path, answer) for path in SCRIPTS for answer in specs.load(path.parent.name, path.stem)]
each_answer = pytest.mark.parametrize("path, answer", ANSWERS, ids=[f"{p.stem}-{a}" for p, a in ANSWERS])
each_script = pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)


def spec(path, answer):
    return specs.load(path.parent.name, path.stem)[answer]


def released(path):
    return exercises.NOTEBOOKS / path.relative_to(exercises.SCRIPTS).with_suffix(".ipynb")


def test_the_notebooks_are_what_the_scripts_make():
    assert exercises.stale() == []


@each_answer
def test_every_mistake_loses_points_and_is_called_by_its_name(path, answer):
    assert len(spec(path, answer).mistakes) >= 6
    assert proof.uncaught(spec(path, answer)) == []


@each_answer
def test_unusual_right_answers_get_full_marks(path, answer):
    assert len(proof.unusual(spec(path, answer))) > 4, "some of its own"
    assert proof.failed(spec(path, answer)) == []


SQUASHED_BEFORE = {  # what these are given has been squashed, or is not: in them nothing can saturate
    *("cell_update", "new_state", "flip", "memory_backward", "step_backward", "bptt", "truncated_bptt", "clip"),
    *("influence", "rtrl"),
}


@pytest.mark.parametrize(
    "path, answer", [(path, answer) for path, answer in ANSWERS if answer != "weights_1997"], ids=lambda x: str(x)[-30:]
)  # that one counts, in whole numbers
def test_the_cases_are_hard(path, answer):
    """Unequal sizes, float32 once, and values that saturate."""
    import numpy as np

    from lstmcore.tree import leaves

    cases = [leaves(tuple(case)) for case in spec(path, answer).cases(np.random.default_rng(2))]
    arrays = [a for case in cases for a in case if np.ndim(a) and a.dtype.kind == "f"]
    assert {a.dtype for a in arrays} == {np.dtype("float64"), np.dtype("float32")}
    assert len({a.shape for a in arrays}) >= 3
    assert answer in SQUASHED_BEFORE or any(abs(a).max() > 500 for a in arrays)


@each_script
def test_unsolved_gets_nothing_and_solved_everything(path):
    blank = proof.scores(path, dict.fromkeys(specs.load(path.parent.name, path.stem), ""))
    assert {fraction for fraction, _ in blank.values()} == {0}
    assert set(proof.scores(path, {}).values()) == {(1, "Right.")}


@each_answer
def test_nothing_in_the_sandbox_answers_the_question(path, answer):
    assert proof.left_over(path, answer) == []


def test_an_answer_that_was_left_in_the_sandbox_is_found():
    path = exercises.SCRIPTS / "03_lstm" / "lstm_step.py"
    assert proof.left_over(path, "lstm_step", imports="from lstmcore.numpy import lstm") == ["something"]


@each_script
def test_a_released_notebook_shows_no_solution_and_no_judge(path):
    assert proof.leaks(path, released(path)) == []


def test_a_leak_is_found(tmp_path):
    path = SCRIPTS[0]
    nbformat.write(exercises.source(path), tmp_path / "leaky.ipynb")
    assert proof.leaks(path, tmp_path / "leaky.ipynb")


@each_script
def test_a_released_notebook_has_what_the_page_reads(path):
    """A title, the minutes, an equation, a stub with types and shapes, both kinds of test, a hint, a plot."""
    nb = submission.released(released(path))
    text = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    assert nb.cells[0].source.startswith("# ") and " minutes" in nb.cells[0].source
    assert "$$" in text and "<details>" in text and "at work" in text
    tests = {cell.id.removeprefix("test_"): cell.source for cell in nb.cells if submission.is_test(cell)}
    for cell in filter(submission.is_answer, nb.cells):
        assert "raise NotImplementedError" in cell.source and '"""' in cell.source
        assert "check.close(" in tests[cell.id]
        assert tests[cell.id].endswith(f'check.answer("{path.parent.name}/{path.stem}", {cell.id})')


ROWS = [proof.Row("03/a", "step", 0, 1, 6, 7, 5, 5), proof.Row("03/a", "output", 0, 1, 8, 8, 4, 6)]


def test_the_books_table_has_a_line_for_each_answer_and_the_sums():
    lines = exercises.table(ROWS).splitlines()
    assert lines[1:] == ["03/a step,6/7,5/5", "03/a output,8/8,4/6", "all 2,14/15,9/11"]


def test_a_table_that_says_something_else_fails_the_check(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(exercises, "checked", lambda: (ROWS, []))
    monkeypatch.setattr(exercises, "ROOT", tmp_path)
    monkeypatch.setattr(exercises, "TABLE", tmp_path / "exercises.csv")
    assert exercises.check() == 1
    assert exercises.write_table() == 0 and exercises.check() == 0
    exercises.TABLE.write_text(exercises.TABLE.read_text().replace("6/7", "7/7"))
    assert exercises.check() == 1 and "says something else" in capsys.readouterr().out


def test_the_bundle_for_marks_holds_no_solution(capsys):
    exercises.bundle()
    with zipfile.ZipFile(ROOT / "_build" / "exercises.zip") as file:
        names = file.namelist()
        text = "\n".join(file.read(name).decode() for name in names if name.endswith((".py", ".ipynb")))
    assert "course/exercises/03_lstm/lstm_step.ipynb" in names and "course/lstmcore/check.py" in names
    assert not [name for name in names if "solutions" in name or "tests" in name]
    assert "with_c(lambda i, f, g, o, c" not in text


def test_a_script_is_also_jupytexts():
    """The percent format is jupytext's; our parser reads it alike."""
    import jupytext

    for path in SCRIPTS:
        ours, theirs = specs.cells(path.read_text(encoding="utf-8")), jupytext.read(path).cells
        assert [(c.kind, c.source) for c in ours] == [(c.cell_type, c.source) for c in theirs]
        assert [c.tags.get("answer") for c in ours] == [c.metadata.get("answer") for c in theirs]


def test_ids_are_unique_and_the_schema_is_nbgraders():
    from nbgrader.nbgraderformat import MetadataValidator

    for path in SCRIPTS:
        nb = exercises.source(path)
        assert len({cell.id for cell in nb.cells}) == len(nb.cells)
        for cell in nb.cells:
            MetadataValidator().validate_cell(cell)
        nbformat.validate(json.loads(nbformat.writes(nb)))


@pytest.mark.parametrize("off, fraction", [(3e-4, 0), (1e-5, 0), (1e-12, 1)])
@each_answer
def test_nearly_right_is_not_right(path, answer, off, fraction):
    """In float32 one part in ten thousand is a wrong formula, in float64 much less; the last digits never are."""
    from lstmcore.tree import tree_map

    oracle = spec(path, answer).oracle
    assert (
        proof.tried(spec(path, answer), lambda *args: tree_map(lambda a: a * (1 + off), oracle(*args)))[0] == fraction
    )
