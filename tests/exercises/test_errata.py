"""The listings of "Find the bug" run as they are printed, and the judge calls each by the bugs that are in it."""

import pytest

from coursekit import exercises
from coursekit.grading import proof, specs

PATH = exercises.SCRIPTS / "errata" / "find_the_bug.py"
BUGS = {
    "gru_step": "r is computed and never used",
    "candidate": "tanh is applied twice and b stands outside",
    "new_state": "z is read as the share of the new",
    "gates": "b is added along the batch",
    "memory_cell": "o is made with W_i and o and the memory are added and tanh squashes",
}


@pytest.fixture(scope="module")
def listings():
    """{"listing_1": function}, and what the cells printed is left alone."""
    found = {}
    for cell in exercises.source(PATH).cells:
        if "from lstmcore import check" in cell.source or cell.source.lstrip().startswith("def listing_"):
            exec(cell.source, found)
    return found


def test_every_answer_has_its_listing():
    assert list(specs.load("errata", "find_the_bug")) == list(BUGS)


@pytest.mark.parametrize("k, answer", list(enumerate(BUGS, 1)))
def test_a_listing_that_nobody_mended_is_called_by_its_bugs(listings, k, answer):
    fraction, sentence = proof.tried(specs.load("errata", "find_the_bug")[answer], listings[f"listing_{k}"])
    assert fraction == 0
    assert f"what you get when {BUGS[answer]}." in sentence
