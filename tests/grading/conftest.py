"""What the parts of grading share: bubblewrap or a named skip, short limits, and the words in a grade cell."""

import html
import re

import nbformat
import pytest

from coursekit import system


@pytest.fixture(scope="session")
def bubblewrap():
    found, why = system.bubblewrap()
    if not found:
        pytest.skip(why)


def said(out, student, assignment, notebook):
    """{answer: (points, sentence)} from the grade cells of an autograded notebook."""
    cells = nbformat.read(out / "autograded" / student / assignment / f"{notebook}.ipynb", 4).cells
    found = {}
    for cell in cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            data = cell.outputs[0].data
            sentence = html.unescape(re.sub("<.*?>", "", data["text/html"]))
            found[cell.metadata.nbgrader.grade_id.removeprefix("test_")] = float(data["text/plain"]), sentence
    return found


@pytest.fixture(scope="session")
def read_said():
    return said
