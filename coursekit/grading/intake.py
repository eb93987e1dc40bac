"""Submissions as nbgrader wants them: one folder a student, notebooks by their names, no links, a readable date."""

import re
import shutil
from datetime import UTC, datetime

from coursekit.grading import submission

MOST = 20 << 20  # bytes of one file


def take(folder, assignment, released, submitted):
    """Copy folder/STUDENT/… to submitted/STUDENT/assignment/NAME.ipynb -> {student: [what was renamed or left out]}.

    A notebook is known by its name, else by the answers in it; a newer one of the same name wins.
    """
    taken = {}
    for source in sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()):
        student = re.sub(r"[^\w.@-]+", "_", source.name)
        if student in taken:
            raise ValueError(f"Two folders in {folder} stand for one student, {student}; rename one of them.")
        target, remarks = submitted / student / assignment, []
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for path in sorted(files(source), key=lambda path: path.stat().st_mtime):
            name = known(path, released) if path.suffix.lower() == ".ipynb" else None
            if name and f"{name}.ipynb" != path.name:
                remarks.append(f"{path.name} is taken as {name}.ipynb")
            if name or path.name == "timestamp.txt":
                shutil.copy2(path, target / (f"{name}.ipynb" if name else path.name))
            elif path.suffix.lower() == ".ipynb":
                remarks.append(f"{path.name} is no notebook of {assignment}")
        taken[student] = remarks
        tidy(target, released)
    return taken


def files(folder):
    """Regular files of bearable size, links not followed."""
    for path in folder.iterdir():
        if path.is_symlink():
            continue
        if path.is_dir():
            yield from files(path)
        elif path.is_file() and path.stat().st_size <= MOST:
            yield path


def known(path, released):
    """Which released notebook a file is, or None."""
    name = path.stem.lower()
    if name in released:
        return name
    try:
        found = {name for *_, name in submission.learner_cells(path) if isinstance(name, str)}
    except Exception:
        found = set()
    shared = {notebook: len(found & answers) for notebook, answers in released.items()}
    best = max(shared, key=shared.get)
    if shared[best]:
        return best
    return next((notebook for notebook in sorted(released, key=len, reverse=True) if notebook in name), None)


def notebooks(folder):
    """{name: its grade ids} of the released notebooks in a folder."""
    return {
        path.stem: {c.metadata.nbgrader.grade_id for c in submission.released(path).cells if submission.marked(c)}
        for path in sorted(folder.glob("*.ipynb"))
    }


def tidy(folder, released):
    """Links out, an unreadable date replaced, an empty file for each missing notebook -> the files added.

    nbgrader copies what links point to, and leaves a submission with a bad date ungraded.
    """
    for path in list(folder.rglob("*")):
        if path.is_symlink():
            path.unlink()
    stamp = folder / "timestamp.txt"
    if stamp.exists() and not is_date(stamp):
        shutil.rmtree(stamp) if stamp.is_dir() else stamp.unlink()
        newest = max((path.stat().st_mtime for path in folder.glob("*.ipynb")), default=0)
        stamp.write_text(f"{datetime.fromtimestamp(newest, UTC):%Y-%m-%d %H:%M:%S} UTC")
    added = [folder / f"{name}.ipynb" for name in released if not (folder / f"{name}.ipynb").exists()]
    for path in added:
        path.touch()
    return [str(path) for path in added]


def is_date(path):
    from nbgrader.utils import parse_utc

    try:
        return bool(parse_utc(path.read_text().strip()))
    except Exception:
        return False
