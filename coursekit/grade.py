"""Grade a folder of submissions, one folder a student; without one, a small class made up for a trial.

Marks, feedback and a CSV come out through nbgrader, whose gradebook `nbgrader formgrader` then shows.
"""

import contextlib
import csv
import shutil
import sys
import time
from pathlib import Path

from coursekit import ROOT, nearest

WORK, TRIAL = ROOT / "_build" / "nbgrader", ROOT / "_build" / "trial_class"


def add_arguments(parser):
    parser.add_argument("--assignment", default="03_lstm", help="a folder of solutions/ (03_lstm)")
    parser.add_argument("--submissions", type=Path, help="a folder with one folder a student")
    parser.add_argument("--out", type=Path, help="the private working folder (_build/nbgrader)")
    parser.add_argument("--unsafe", action="store_true", help="run their code without a sandbox, and say so everywhere")


def main(args):
    from coursekit import exercises
    from coursekit.grading import sandbox

    names = sorted({path.parent.name for path in exercises.scripts()})
    if args.assignment not in names:
        return nearest(args.assignment, names, "assignment")
    if args.submissions and not args.submissions.is_dir():
        return f"There is no folder {args.submissions}; it should have one folder a student."
    out = args.out or (WORK if args.submissions else TRIAL)
    if not args.unsafe:
        try:
            sandbox.probe()
        except sandbox.Unavailable as e:
            return str(e)
    submissions = args.submissions or trial_class(out / "handed_in", args.assignment)
    marks = grade(args.assignment, submissions, out, args.unsafe)
    print(table(marks))
    print(f"\nFeedback: {shown(out / 'feedback')}/STUDENT/{args.assignment}\nMarks:    {shown(out / 'grades.csv')}")
    if args.unsafe:
        print("These were graded without a sandbox.")
    missing = sorted({mark["student"] for mark in marks if mark["points"] is None})
    return f"Not graded, see above: {', '.join(missing)}." if missing else 0


def shown(path):
    path = path.resolve()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def grade(assignment, submissions, out, unsafe=False):
    """Release, take in, autograde, feedback, CSV. -> [{student, notebook, points, of, sentences}]"""
    from coursekit import exercises
    from coursekit.grading import course, intake

    print("Releasing …", end=" ", flush=True)
    api = exercises.release(out, assignment, Reader__unsafe=unsafe)
    released = intake.notebooks(out / "release" / assignment)
    taken = intake.take(submissions, assignment, released, out / "submitted")
    print(f"{len(taken)} submissions taken in.")
    for student, remarks in taken.items():
        for remark in remarks:
            print(f"  {student}: {remark}")
    with course.quiet():
        step(api, "Autograde", "Grading", len(taken), lambda: api.autograde(assignment, "*"))
        step(api, "GenerateFeedback", "Feedback", len(taken), lambda: api.generate_feedback(assignment))
        export(api, assignment, out / "grades.csv", unsafe)
        return marks(api, assignment, out, sorted(taken))


def trial_class(folder, assignment):
    """A small class: the solution, nothing, and (for the LSTM's step) three that went wrong."""
    import nbformat

    from coursekit import exercises
    from coursekit.grading import specs

    shutil.rmtree(folder, ignore_errors=True)
    answers = {"right": {}, "blank": {}, **(TRIAL_ANSWERS if assignment == "03_lstm" else {})}
    for student, own in answers.items():
        for path in exercises.scripts(assignment):
            if student == "blank":
                own = {answer: specs.STUB for answer in specs.load(assignment, path.stem)}
            (folder / student).mkdir(parents=True, exist_ok=True)
            nbformat.write(exercises.answered(path, own), folder / student / f"{path.stem}.ipynb")
    return folder


STEP = """def lstm_step(p, state, x):
    a = x @ p.W_x.T + state.h @ p.W_h.T + p.b
    {gates} = np.split(a, 4, axis=-1)
    c = sigmoid(f) * state.c + sigmoid(i) * np.tanh(g)
    return State({h}, c)
"""
TRIAL_ANSWERS = {
    "gates_swapped": {"lstm_step": STEP.format(gates="i, f, g, o", h="sigmoid(f) * np.tanh(c)")},
    "plus_for_times": {"lstm_step": STEP.format(gates="i, f, g, o", h="sigmoid(o) + np.tanh(c)")},
    "endless_loop": {"lstm_step": "def lstm_step(p, state, x):\n    while True:\n        pass\n"},
}


def step(api, converter, title, total, work):
    """One of nbgrader's steps over all students, with a bar; what it could not do goes to stderr."""
    from tqdm import tqdm

    began = time.monotonic()
    with tqdm(total=total, desc=title, unit=" students", leave=False) as bar:
        api.config[converter].post_convert_hook = lambda **_: bar.update()
        done = work()
    print(f"{title}: {bar.n} of {total} students, {time.monotonic() - began:.0f} s.")
    if not done["success"]:
        print(done.get("error") or done.get("log"), file=sys.stderr)


def export(api, assignment, path, unsafe):
    """nbgrader's CSV, and in it how it was graded."""
    from nbgrader.plugins import CsvExportPlugin

    plugin = CsvExportPlugin(parent=api)
    plugin.to, plugin.assignment = str(path), [assignment]
    with contextlib.closing(api.gradebook) as gradebook:
        plugin.export(gradebook)
    with open(path, newline="") as file:
        head, *rows = csv.reader(file)
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([[*head, "sandbox"], *([*row, "none" if unsafe else "bubblewrap"] for row in rows)])


def marks(api, assignment, out, students):
    """[{student, notebook, points, of, sentences}], points None for what nbgrader could not grade."""
    import nbformat
    from nbgrader.api import MissingEntry

    found = []
    with contextlib.closing(api.gradebook) as gradebook:
        for student in students:
            for notebook in gradebook.find_assignment(assignment).notebooks:
                path = out / "autograded" / student / assignment / f"{notebook.name}.ipynb"
                mark = {"student": student, "notebook": notebook.name, "points": None, "of": notebook.max_score}
                try:
                    mark["points"] = gradebook.find_submission_notebook(notebook.name, assignment, student).score
                    cells = [c for c in nbformat.read(path, 4).cells if c.metadata.get("nbgrader", {}).get("grade")]
                    said = {c.metadata.nbgrader.grade_id: c.outputs[0].data["text/html"] for c in cells}
                    mark["sentences"] = said
                except (MissingEntry, FileNotFoundError):
                    mark["points"] = None
                found.append(mark)
    return found


def table(marks):
    import html
    import re

    lines = [f"{'student':<16} {'notebook':<12} points"]
    for mark in marks:
        points = "–" if mark["points"] is None else f"{mark['points']:g}"
        lines.append(f"{mark['student']:<16} {mark['notebook']:<12} {points} of {mark['of']:g}")
        for answer, sentence in mark.get("sentences", {}).items():
            plain = html.unescape(re.sub("<.*?>", "", sentence))
            lines.append(f"    {answer.removeprefix('test_')}: {plain}")
    return "\n".join(lines)
