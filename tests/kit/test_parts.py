"""`coursekit test` on small folders of tests."""

import argparse
import sys

import pytest

from coursekit import system
from coursekit import test as parts

TESTS = {
    "good": "def test_right(): assert True\n",
    "bad": "def test_wrong(): assert False\n\ndef test_right(): assert True\n",
    "skipping": "import pytest\n\ndef test_later(): pytest.skip('no moon')\n\ndef test_right(): assert True\n",
    "broken": "import nothing_of_this_name\n",
    "empty": "",
}


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """run(*parts, words=…) -> (exit status, what was printed) of a course with these folders and checks."""
    for name, text in TESTS.items():
        (tmp_path / "tests" / name).mkdir(parents=True)
        (tmp_path / "tests" / name / "test_it.py").write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    checks = {"passes": [[sys.executable, "-c", ""]], "fails": [[sys.executable, "-c", "raise SystemExit(3)"]]}
    folders = {name: [f"tests/{name}"] for name in [*TESTS, "absent"]}
    monkeypatch.setattr(parts, "ROOT", tmp_path)
    monkeypatch.setattr(parts, "PARTS", checks | folders)
    monkeypatch.setattr(system, "provide", lambda *_: None)

    def main(*names, words=()):
        code = parts.main(argparse.Namespace(part=list(names), quick=False, rest=list(words)))
        return code, capsys.readouterr().out.splitlines()

    return main


def row(lines, name):
    return next(line for line in lines if line.startswith(f"{name} ")).split()


def test_a_failing_part_does_not_stop_those_after_it(run):
    code, lines = run("fails", "bad", "good")
    assert code == 1
    assert row(lines, "fails")[1:5] == ["FAILED", "0", "1", "0"]
    assert row(lines, "bad")[1:5] == ["FAILED", "1", "1", "0"]
    assert row(lines, "good")[1:5] == ["passed", "1", "0", "0"]
    assert lines[-1] == "2 passed, 2 failed, 0 skipped"


def test_all_parts_pass(run):
    code, lines = run("passes", "good")
    assert code == 0
    assert lines[-1] == "2 passed, 0 failed, 0 skipped"


def test_skipped_tests_are_named_with_the_reason(run):
    code, lines = run("skipping")
    assert code == 0
    assert any(line.startswith("skipped in skipping:") and line.endswith("test_later: no moon") for line in lines)
    assert lines[-1] == "1 passed, 0 failed, 1 skipped"


@pytest.mark.parametrize("name, note", [("empty", "no tests"), ("absent", "there is no tests/absent")])
def test_a_part_without_tests_fails(run, name, note):
    code, lines = run(name)
    assert code == 1
    assert " ".join(row(lines, name)).endswith(note)


def test_tests_that_cannot_be_imported_fail(run):
    code, lines = run("broken")
    assert code == 1
    assert lines[-1] == "0 passed, 1 failed, 0 skipped"


def test_words_for_pytest_choose_tests_and_no_choice_at_all_fails(run):
    assert run("good", "bad", words=["-k", "right"])[1][-1] == "2 passed, 0 failed, 0 skipped"
    code, lines = run("good", words=["-k", "other"])
    assert code == 1
    assert lines[-1] == "0 passed, 0 failed, 0 skipped"


def test_a_pytest_that_ends_early_fails(run):
    code, lines = run("good", words=["--no-such-option"])
    assert code == 1
    assert "pytest ended with 4" in " ".join(row(lines, "good"))


def test_an_unknown_part_is_answered_with_the_nearest():
    with pytest.raises(argparse.ArgumentTypeError, match="Did you mean grading"):
        parts.part("gradin")


def test_quick_parts_and_needs_are_parts():
    assert {*parts.QUICK, *parts.NEEDS} <= {*parts.PARTS}
