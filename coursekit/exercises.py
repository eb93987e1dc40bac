"""Build the notebooks in exercises/ from the scripts in solutions/, or check that they are fresh and do teach."""

import tempfile
import zipfile
from pathlib import Path

from coursekit import ROOT

SCRIPTS, NOTEBOOKS = ROOT / "solutions", ROOT / "exercises"
BUNDLED = ["exercises", "lstmcore", "coursekit", "requirements.txt", "constraints.txt", "pyproject.toml", "LICENSE"]


def add_arguments(parser):
    parser.add_argument("what", choices=["build", "check", "bundle"], help="bundle: a zip without solutions, for marks")


def main(args):
    return {"build": build, "check": check, "bundle": bundle}[args.what]()


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
    from coursekit.grading import proof

    wrong = [f"{path.relative_to(ROOT)} is stale; make exercises writes it anew." for path in stale()]
    print(f"{'answer':<40} unsolved  solved  mistakes caught  unusual answers passed")
    for path in scripts():
        released = NOTEBOOKS / path.relative_to(SCRIPTS).with_suffix(".ipynb")
        wrong += proof.leaks(path, released) if released.exists() else []
        for line, complaints in proof.report(path):
            print(line)
            wrong += complaints
    print(*wrong, sep="\n")
    return 1 if wrong else 0


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
