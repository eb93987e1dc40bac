"""`coursekit test` on a small course, whose parts pass, fail, skip, break and lack tests."""

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
CHECKS = {"passes": [[sys.executable, "-c", ""]], "fails": [[sys.executable, "-c", "raise SystemExit(3)"]]}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """run(*parts, words=…) -> (exit status, the lines of the table and after it)."""
    root = tmp_path_factory.mktemp("course")
    for name, text in TESTS.items():
        (root / "tests" / name).mkdir(parents=True)
        (root / "tests" / name / "test_it.py").write_text(text)
    (root / "pytest.ini").write_text("[pytest]\n")
    folders = {name: [f"tests/{name}"] for name in [*TESTS, "absent"]}

    def main(*names, words=()):
        said = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # half the time
            patch.setattr(parts, "ROOT", root)
            patch.setattr(parts, "PARTS", CHECKS | folders)
            patch.setattr(parts, "print", lambda text, **_: said.append(text), raising=False)
            patch.setattr(system, "provide", lambda *_: None)
            code = parts.main(argparse.Namespace(part=list(names), quick=False, rest=list(words)))
        return code, "\n".join(said[-2:]).splitlines()

    return main


@pytest.fixture(scope="module")
def everything(run):
    return run(*CHECKS, *TESTS, "absent")


def row(lines, name):
    return next(line for line in lines if line.startswith(f"{name} ")).split()


@pytest.mark.parametrize(
    "name, result",
    [
        ("passes", "passed 1 0 0"),
        ("fails", "FAILED 0 1 0"),
        ("good", "passed 1 0 0"),
        ("bad", "FAILED 1 1 0"),
        ("skipping", "passed 1 0 1"),
        ("broken", "FAILED 0 1 0"),
        ("empty", "FAILED 0 1 0"),
        ("absent", "FAILED 0 1 0"),
    ],
)
def test_each_part_has_its_row_whatever_the_others_did(everything, name, result):
    assert " ".join(row(everything[1], name)[1:5]) == result


def test_the_last_line_is_the_sum_and_a_failure_is_the_exit_status(everything):
    assert everything[1][-1] == "4 passed, 5 failed, 1 skipped"
    assert everything[0] == 1


def test_skipped_tests_are_named_with_the_reason(everything):
    line = next(line for line in everything[1] if line.startswith("skipped in skipping:"))
    assert line.endswith("test_later: no moon")


def test_a_part_without_tests_says_so(everything):
    assert " ".join(row(everything[1], "empty")).endswith("no tests")
    assert " ".join(row(everything[1], "absent")).endswith("there is no tests/absent")


def test_all_parts_pass(run):
    code, lines = run("passes", "good")
    assert code == 0
    assert lines[-1] == "2 passed, 0 failed, 0 skipped"


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
