"""nbgrader's own ways in, the command, formgrader's button, the exchange, grade alike, and not without a sandbox."""

import shutil
import subprocess
import sys

import nbformat
import pytest

from coursekit import ROOT, exercises, grade, system
from coursekit.grading import course, sandbox

MARKS = {"right": 4, "blank": 0, "gates_swapped": 2, "plus_for_times": 2, "endless_loop": 0}
NBGRADER = [sys.executable, "-W", "ignore", "-m", "nbgrader"]


@pytest.fixture(scope="module")
def trial(tmp_path_factory, bubblewrap):
    """(working folder, what was printed) of the class that `make grade` makes up, with short limits."""
    folder = tmp_path_factory.mktemp("trial")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "SECONDS", 1)
        grade.trial_class(folder / "handed_in", "03_lstm")
        rows = grade.grade("03_lstm", folder / "handed_in", folder / "out")
    return folder / "out", rows


def scores(out, assignment="03_lstm"):
    with course.api(out).gradebook as gradebook:
        return {s.student.id: s.score for s in gradebook.assignment_submissions(assignment)}


def test_the_trial_class_gets_its_marks(trial):
    out, rows = trial
    assert {row["student"]: row["points"] for row in rows} == MARKS == scores(out)


def test_the_table_names_each_mistake(trial):
    said = grade.table(trial[1])
    assert "h is what you get when f takes the place of o: h = f * tanh(c). c is right." in said
    assert "h is what you get when h = o + tanh(c). c is right." in said
    assert "is there an endless loop?" in said


@pytest.fixture
def again(trial, tmp_path):
    """A copy of the class, taken in and not yet graded."""
    shutil.copytree(trial[0], tmp_path / "course")
    shutil.rmtree(tmp_path / "course" / "autograded")
    shutil.rmtree(tmp_path / "course" / "submitted" / "endless_loop")
    return tmp_path / "course"


def forget(folder):
    """Wipe the marks, so that those which stand there afterwards are new."""
    with course.api(folder).gradebook as gradebook:
        for submission in list(gradebook.assignment_submissions("03_lstm")):
            gradebook.remove_submission("03_lstm", submission.student.id)


def test_the_command_gives_the_same_marks(again):
    forget(again)
    command = [*NBGRADER, "autograde", "03_lstm", f"--course-dir={again}"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    assert scores(again) == {student: MARKS[student] for student in MARKS if student != "endless_loop"}


def test_formgraders_button_gives_the_same_marks(again):
    forget(again)
    api = course.api(again)
    with course.quiet():
        for student in ("right", "gates_swapped"):  # what formgrader's handler calls
            assert api.autograde("03_lstm", student)["success"]
    assert scores(again) == {"right": 4, "gates_swapped": 2}


def test_a_submission_collected_from_the_exchange_gets_its_marks(again):
    """Release, hand in and collect through nbgrader's exchange, as on a shared server."""
    api = course.api(again)
    assert api.release_assignment("03_lstm")["success"]
    handed = again / "exchange" / "lstm" / "inbound" / "collected+03_lstm+2026-01-01 10:00:00 UTC+abc"
    shutil.copytree(again / "submitted" / "right" / "03_lstm", handed)
    (handed / "timestamp.txt").write_text("2026-01-01 10:00:00 UTC")
    assert api.collect("03_lstm")["success"]
    with course.quiet():
        assert api.autograde("03_lstm", "collected")["success"]
    assert scores(again)["collected"] == 4


def test_links_that_came_past_our_intake_are_dropped(again):
    folder = again / "submitted" / "linker" / "03_lstm"
    folder.mkdir(parents=True)
    (folder / "lstm_step.ipynb").symlink_to(again / "submitted" / "right" / "03_lstm" / "lstm_step.ipynb")
    (folder / "notes.py").symlink_to(exercises.SCRIPTS / "03_lstm" / "lstm_step.py")
    with course.quiet():
        assert course.api(again).autograde("03_lstm", "linker")["success"]
    assert scores(again)["linker"] == 0
    assert [path.name for path in (again / "autograded" / "linker" / "03_lstm").iterdir()] == ["lstm_step.ipynb"]


def test_a_regrade_leaves_a_mark_given_by_hand(again):
    api = course.api(again)
    with api.gradebook as gradebook:
        mark = gradebook.find_grade("test_lstm_step", "lstm_step", "03_lstm", "plus_for_times")
        mark.manual_score = 3
        gradebook.db.commit()
    with course.quiet():
        assert api.autograde("03_lstm", "plus_for_times")["success"]
    assert scores(again)["plus_for_times"] == 3


# ---- no sandbox


@pytest.fixture
def no_bubblewrap(monkeypatch):
    monkeypatch.setattr(system, "bubblewrap", lambda: (None, "bubblewrap is not here. To install it: apt …."))
    monkeypatch.setattr(system, "provide", lambda *names: None)


def arguments(out, *words):
    import argparse

    parser = argparse.ArgumentParser()
    grade.add_arguments(parser)
    return parser.parse_args(["--out", str(out), *words])


def test_without_bubblewrap_it_refuses_and_says_the_remedy(no_bubblewrap, tmp_path):
    said = grade.main(arguments(tmp_path))
    assert "To install it: apt" in said and "--unsafe" in said
    assert not list(tmp_path.iterdir())


def test_nbgrader_itself_refuses_without_bubblewrap(no_bubblewrap, again):
    done = course.api(again).autograde("03_lstm", "right")
    assert not done["success"] and "To install it: apt" in done["error"]
    assert not (again / "autograded" / "right").exists()


def test_unsafe_says_so_in_every_report(no_bubblewrap, tmp_path, capsys):
    folder = tmp_path / "in" / "ann"
    folder.mkdir(parents=True)
    nbformat.write(exercises.source(exercises.SCRIPTS / "03_lstm" / "lstm_step.py"), folder / "lstm_step.ipynb")
    assert grade.main(arguments(tmp_path / "out", "--unsafe", "--submissions", str(folder.parent))) == 0
    printed = capsys.readouterr().out
    assert "4 of 4" in printed and "Right. Graded without a sandbox." in printed
    assert "graded without a sandbox" in printed.splitlines()[-1]
    out = tmp_path / "out"
    assert "Graded without a sandbox." in (out / "feedback" / "ann" / "03_lstm" / "lstm_step.html").read_text()
    assert (out / "grades.csv").read_text().splitlines()[1].endswith(",none")


@pytest.mark.parametrize(
    "words, says",
    [
        (["--assignment", "03_lstn"], "Did you mean 03_lstm?"),
        (["--submissions", "nowhere"], "There is no folder nowhere"),
    ],
)
def test_a_wrong_argument_is_told(words, says, tmp_path):
    assert says in grade.main(arguments(tmp_path, *words))
