"""What a learner meets: the notebook in a kernel, `check.answer` in it, and `coursekit check` in the terminal."""

import argparse
import re

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from coursekit import check as command
from coursekit import exercises
from coursekit.grading import specs
from lstmcore import check
from lstmcore.cells.lstm import State
from lstmcore.numpy import lstm

SCRIPTS = exercises.scripts()
STEP = exercises.SCRIPTS / "03_lstm" / "lstm_step.py"
LEARNT = "if 'losses' in globals(): print(losses[0] > 0.5 and max(losses[-10:]) < 0.1)"


def run(nb):
    """{cell id: what one reads under it} of a notebook run by a real kernel, which goes on after errors."""
    NotebookClient(nb, timeout=60, allow_errors=True).execute()
    read = {}
    for cell in nb.cells:
        outputs = [o.get("text") or o.get("evalue") or " ".join(o.get("data", {})) for o in cell.get("outputs", [])]
        read[cell.id] = "\n".join(outputs)
    return read


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_solved_notebook_runs_and_says_right_under_every_test(path):
    nb = exercises.source(path)
    nb.cells.append(nbformat.v4.new_code_cell(LEARNT, id="learnt"))
    read = run(nb)
    assert read.pop("learnt") in ("", "True\n"), "the net at work does not learn what its picture says"
    for answer in specs.load(path.parent.name, path.stem):
        assert re.search(rf"Right\. \({answer}, \d hidden inputs\)", read[f"test_{answer}"])
    assert "image/png" in list(read.values())[-1], "the last cell draws"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_notebook_without_answers_is_friendly_to_the_end(path, capsys):
    nb = nbformat.read(exercises.NOTEBOOKS / path.parent.name / f"{path.stem}.ipynb", 4)
    names, raised = {"__name__": "__main__"}, {}
    for cell in nb.cells:
        try:
            exec(cell.source if cell.cell_type == "code" else "", names)
        except Exception as e:
            raised[cell.id] = str(e)
    asked = [f"test_{answer}" for answer in specs.load(path.parent.name, path.stem)]
    assert raised == dict.fromkeys(asked, "Not written yet: your code goes here.")
    assert re.match(r"(Write|Mend) .*; then run this cell again: it ", capsys.readouterr().out.splitlines()[-1])


WRONG = {
    "h is what you get when h = o + tanh(c). c is right.": lambda p, s, x: State(
        lstm.gates(p, s, x).o + np.tanh(lstm.step(p, s, x).c), lstm.step(p, s, x).c
    ),
    "One array of shape (1, 2) came back; it should be 2 parts: h, c.": lambda p, s, x: lstm.step(p, s, x).h,
    "c is None; does the function return it?": lambda p, s, x: lstm.step(p, s, x)[:1],
    "the two sides of a product with @ do not fit, size": lambda p, s, x: x @ p.W_x,
    "Not written yet.": lambda p, s, x: (_ for _ in ()).throw(NotImplementedError("Not written yet: your code")),
    "It changes x, which the caller still needs": lambda p, s, x: lstm.step(p, s, np.multiply(x, 2, out=x) / 2),
    "It gives different answers for equal inputs": lambda p, s, x: State(
        *np.random.default_rng().random((2, *s.h.shape))
    ),
    "h has shape": lambda p, s, x: State(lstm.step(p, s, x).h.T, lstm.step(p, s, x).c),
    "A str came back where numbers should be.": lambda p, s, x: "h",
}


@pytest.mark.parametrize("says", WRONG)
def test_a_wrong_answer_gets_a_sentence(says):
    function = WRONG[says]
    function.__name__ = "lstm_step"
    with pytest.raises(AssertionError, match=re.escape(says)):
        check.answer("03_lstm/lstm_step", function)


NOTED = {
    "": lambda p, s, x: lstm.step(p, s, x),
    "a list came back": lambda p, s, x: [part.tolist() for part in lstm.step(p, s, x)],
    "h is float64 where the inputs are float32": lambda p, s, x: State(*map(np.float64, lstm.step(p, s, x))),
    "NumPy warned: overflow encountered": lambda p, s, x: (np.exp(np.array(1e3)), lstm.step(p, s, x))[1],
}


def test_the_gate_whose_rows_are_wrong_is_named():
    """dW_x of the GRU, its z forgotten: no mistake of the list."""
    oracle = specs.load("04_gru", "resets")["step_backward"].oracle

    def step_backward(*arguments):
        wrong = oracle(*arguments)
        z = np.repeat([1.0, 3.0, 1.0], len(wrong.dW_x) // 3)[:, None]
        return wrong._replace(dW_x=wrong.dW_x * z)

    _, sentence, _ = specs.try_out("04_gru", "resets", step_backward)
    assert "dW_x is wrong for z and right for r, n." in sentence


def test_where_a_sequence_goes_wrong_is_told():
    """Every step from the second on is a little off."""
    oracle = specs.load("02_rnn", "forward")["all_outputs"].oracle

    def all_outputs(*arguments):
        ys, h = oracle(*arguments)
        return ys + 0.1 * np.arange(len(ys))[:, None, None], h + 0.1 * (len(ys) - 1)

    _, sentence, _ = specs.try_out("02_rnn", "forward", all_outputs)
    assert "It is right up to ys[0], wrong from there on: is the state carried?" in sentence
    assert re.search(r"It is right at T = 1 and wrong at T = \d", sentence)


@pytest.mark.parametrize("note", NOTED)
def test_a_right_answer_is_right_with_a_note_at_most(note, capsys):
    function = NOTED[note]
    function.__name__ = "lstm_step"
    check.answer("03_lstm/lstm_step", function)
    printed = capsys.readouterr().out
    assert printed.startswith("Right.") and note in printed and ("Note" in printed) == bool(note)


def test_another_name_is_told():
    with pytest.raises(ValueError, match="There is no answer step in 03_lstm/lstm_step; it asks for lstm_step"):
        check.answer("03_lstm/lstm_step", lstm.step)


def test_without_the_solutions_it_is_checked_on_handing_in(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(specs, "SOLUTIONS", tmp_path)
    specs.load.cache_clear()
    check.answer("03_lstm/lstm_step", lstm.step)
    assert "checked on handing in" in capsys.readouterr().out
    specs.load.cache_clear()


# ---- python -m coursekit check


def checked(*words):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.main(parser.parse_args(list(words)))


def test_the_terminal_prints_points_and_the_same_sentence(tmp_path, capsys):
    answer = "def lstm_step(p, state, x):\n    return x"
    nbformat.write(exercises.answered(STEP, {"lstm_step": answer}), tmp_path / "my lstm_step.ipynb")
    assert checked("03_lstm", "--notebook", str(tmp_path / "my lstm_step.ipynb")) == 1
    printed = capsys.readouterr().out
    assert "0 of 4  One array of shape" in printed and "sandbox" not in printed


def test_the_terminal_says_when_all_is_right(tmp_path, capsys):
    nbformat.write(exercises.source(STEP), tmp_path / "lstm_step.ipynb")
    assert checked("--notebook", str(tmp_path / "lstm_step.ipynb")) == 0
    assert "lstm_step            4 of 4  Right." in capsys.readouterr().out


def test_the_terminal_knows_no_such_assignment():
    assert "Did you mean 03_lstm?" in checked("03_lstn")
    assert "There is no notebook nowhere.ipynb." in checked("--notebook", "nowhere.ipynb")
