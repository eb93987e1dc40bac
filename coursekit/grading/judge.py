"""nbgrader's Execute, replaced: what counts is what an answer does to unseen inputs, not what its notebook prints.

nbgrader_config.py names both classes, so `nbgrader autograde`, formgrader's button and `make grade` grade alike.
"""

import html
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nbconvert.exporters import NotebookExporter
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade
from traitlets import Bool

from coursekit.grading import intake, sandbox, submission, verdict

AHEAD = 8  # notebooks judged while nbgrader writes one


class Reader(NotebookExporter):
    """Reads any submitted file as the released notebook with answers in it, and has the next ones judged meanwhile."""

    unsafe = Bool(False, help="grade without a sandbox").tag(config=True)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not self.unsafe:
            sandbox.probe()
        self.pool, self.verdicts = ThreadPoolExecutor(os.cpu_count()), {}
        self.secret = secret(Path(self.parent.coursedir.root))
        released = self.released_folder(self.parent.coursedir.assignment_id)
        for folder, found in self.parent.assignments.items():  # nbgrader has listed them, and read none
            found[:] = sorted({*found, *intake.tidy(Path(folder), intake.notebooks(released))})

    def from_file(self, stream, resources=None, **kwargs):
        if not self.parent._sanitizing:  # nbgrader's second look at it, to judge
            return super().from_file(stream, resources, **kwargs)
        self.look_ahead(stream.name)
        nb, _ = submission.read(stream.name, self.released(**which(resources)))
        return self.from_notebook_node(nb, resources, **kwargs)

    def released_folder(self, assignment):
        course = self.parent.coursedir
        return Path(course.format_path(course.release_directory, ".", assignment))

    def released(self, assignment, notebook, **_):
        return submission.released(self.released_folder(assignment) / f"{notebook}.ipynb")

    def look_ahead(self, path):
        """Start judging this notebook and those that nbgrader will come to next."""
        every = [p for folder in sorted(self.parent.assignments) for p in sorted(self.parent.assignments[folder])]
        here = every.index(path)
        for coming in every[here : here + AHEAD]:
            names = which(self.parent.init_single_notebook_resources(coming))
            if tuple(names.values()) not in self.verdicts:
                job = self.pool.submit(
                    verdict.judge, coming, self.released(**names), **names, secret=self.secret, unsafe=self.unsafe
                )
                self.verdicts[tuple(names.values())] = job


class Judge(NbGraderPreprocessor):
    """Writes each verdict into its grade cell: SaveAutoGrades reads the number, feedback shows the sentence."""

    def preprocess(self, nb, resources):
        judged = self.parent.verdicts[tuple(which(resources).values())].result()
        for k, cell in enumerate(nb.cells):
            if is_grade(cell):
                answer = cell.metadata.nbgrader.grade_id.removeprefix("test_")
                # nbgrader gives full marks to a grade cell without output, so every one gets an output
                fraction, sentence = judged.scores.get(answer, (0, "Nothing here says what is right."))
                cell.outputs = [output(fraction * cell.metadata.nbgrader.points, sentence)]
            elif k in judged.errors and cell.cell_type == "code":
                cell.outputs = [new_output("error", **judged.errors[k])]
        return nb, resources


def which(resources):
    return {name: resources["nbgrader"][name] for name in ("assignment", "notebook", "student")}


def output(points, sentence):
    """`text/plain` is the partial credit that nbgrader reads, `text/html` what people see."""
    seen = {"text/plain": f"{points:g}", "text/html": f"<p><strong>{html.escape(sentence)}</strong></p>"}
    return new_output("execute_result", data=seen, execution_count=1)


def secret(folder):
    """Words that the hidden inputs are drawn from, made on first use; the folder is private and never released."""
    path = folder / "secret"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text()
