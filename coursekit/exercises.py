"""Build the notebooks in exercises/ from the scripts in solutions/, or check that they are fresh and do teach."""

import csv
import io
import tempfile
import zipfile
from pathlib import Path

from coursekit import ROOT

SCRIPTS, NOTEBOOKS = ROOT / "solutions", ROOT / "exercises"
TABLE = ROOT / "book" / "exercises.csv"  # what `check` finds, for the page that tells it
BUNDLED = ["exercises", "lstmcore", "coursekit", "requirements.txt", "constraints.txt", "pyproject.toml", "LICENSE"]


def add_arguments(parser):
    told = "table: check, and write the book's table of it; bundle: a zip without solutions, for marks"
    parser.add_argument("what", choices=["build", "check", "table", "bundle"], help=told)


def main(args):
    return {"build": build, "check": check, "table": write_table, "bundle": bundle}[args.what]()


def scripts(assignment="*"):
    return sorted(SCRIPTS.glob(f"{assignment}/*.py"))


def source(path):
    """A solution script as an nbgrader source notebook, without its judge blocks. Alone knows nbgrader's schema."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    from coursekit.grading import specs

    nb = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
    for k, (kind, text, tags) in enumerate(specs.cells(path.read_text(encoding="utf-8"))):
        if "judge" in tags:
            continue
        cell = (new_code_cell if kind == "code" else new_markdown_cell)(text, id=f"cell-{k}")
        answer, test = tags.get("answer"), tags.get("test")
        if answer or test:
            cell.id = answer or f"test_{test}"
            cell.metadata["nbgrader"] = {
                "schema_version": 3,
                "grade_id": cell.id,
                "task": False,
                "solution": bool(answer),
                "grade": bool(test),
                "locked": bool(test),
                **({"points": float(tags["points"])} if test else {}),
            }
        nb.cells.append(cell)
    return nb


def answered(path, answers):
    """The source notebook with these answers in it: {"lstm_step": "def lstm_step(…): …"}."""
    nb = source(path)
    for cell in nb.cells:
        if cell.id in answers:
            cell.source = answers[cell.id]
    return nb


def write_sources(folder, assignment="*"):
    """Source notebooks of these assignments, as nbgrader's first step wants them -> the assignments' names."""
    import nbformat

    for path in scripts(assignment):
        target = folder / "source" / path.relative_to(SCRIPTS).with_suffix(".ipynb")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(nbformat.writes(source(path)) + "\n", encoding="utf-8")
    return sorted({path.parent.name for path in scripts(assignment)})


def release(folder, assignment="*", **traits):
    """The notebooks that learners get, made by nbgrader from the sources in folder/release/…"""
    from coursekit.grading import course

    api = course.api(folder, **traits)
    for name in write_sources(folder, assignment):
        done = api.generate_assignment(name)
        if not done["success"]:
            raise RuntimeError(f"nbgrader could not make {name}: {done.get('error') or done.get('log')}")
    return api


def built():
    """{path in exercises/: bytes} as they should be."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        release(folder)
        found = sorted((folder / "release").rglob("*.ipynb"))
        return {NOTEBOOKS / path.relative_to(folder / "release"): path.read_bytes() for path in found}


def build():
    notebooks = built()
    for path in set(NOTEBOOKS.glob("*/*.ipynb")) - set(notebooks):
        path.unlink()
        print(f"removed  {path.relative_to(ROOT)}")
    for path, data in notebooks.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        print(f"written  {path.relative_to(ROOT)}")


def check():
    """Print a line for each answer; -> 1 if anything is wrong."""
    rows, wrong = checked()
    if not TABLE.exists() or TABLE.read_text(encoding="utf-8") != table(rows):
        wrong.append(
            f"{TABLE.relative_to(ROOT)} says something else; `python3 -m coursekit exercises table` writes it."
        )
    print(*wrong, sep="\n")
    return 1 if wrong else 0


def write_table():
    rows, wrong = checked()
    TABLE.write_text(table(rows), encoding="utf-8")
    print(*wrong, f"written  {TABLE.relative_to(ROOT)}", sep="\n")
    return 1 if wrong else 0


def table(rows):
    """The book's table: an answer a line, and the sums."""
    sums = [sum(row[k] for row in rows) for k in range(4, 8)]
    lines = [(f"{row.exercise} {row.answer}", *row[4:]) for row in rows] + [(f"all {len(rows)}", *sums)]
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(["answer", "mistakes caught", "right ones passed"])
    out.writerows((name, f"{caught}/{wrong}", f"{fair}/{right}") for name, caught, wrong, fair, right in lines)
    return text.getvalue()


def checked():
    """(the rows of the table, a sentence for each thing that is wrong); a line is printed for each row."""
    from coursekit.grading import proof

    rows = []
    wrong = [f"{path.relative_to(ROOT)} is stale; make exercises writes it anew." for path in stale()]
    print(f"{'answer':<40} unsolved  solved  mistakes caught  unusual answers passed")
    for path in scripts():
        released = NOTEBOOKS / path.relative_to(SCRIPTS).with_suffix(".ipynb")
        wrong += proof.leaks(path, released) if released.exists() else []
        for row, complaints in proof.report(path):
            caught, passed = f"{row.caught}/{row.mistakes}", f"{row.passed}/{row.unusual}"
            name = f"{row.exercise} {row.answer}"
            print(f"{name:<40} {row.unsolved:>8.0%} {row.solved:>7.0%} {caught:>16} {passed:>23}", flush=True)
            rows.append(row)
            wrong += complaints
    return rows, wrong


def stale():
    """Notebooks in exercises/ that are not what the scripts make."""
    notebooks = built()
    there = {path: path.read_bytes() for path in NOTEBOOKS.glob("*/*.ipynb")}
    return sorted(path for path in notebooks | there if notebooks.get(path) != there.get(path))


def bundle():
    """For marks: what a learner needs, without solutions, tests or anything that was built."""
    target = ROOT / "_build" / "exercises.zip"
    target.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name in BUNDLED:
            for path in [ROOT / name, *sorted((ROOT / name).rglob("*"))]:
                if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts):
                    file.write(path, Path("course") / path.relative_to(ROOT))
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size >> 10} kB, no solutions in it.")
