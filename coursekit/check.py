"""Check your answers to an exercise: points, and a sentence for each, as in your notebook and in grading."""

from pathlib import Path

from coursekit import ROOT, nearest


def add_arguments(parser):
    parser.add_argument("assignment", nargs="?", default="", help="03_lstm; all of them if you name none")
    parser.add_argument("--notebook", type=Path, metavar="FILE", help="a copy of one notebook that lies elsewhere")


def main(args):
    from coursekit import exercises

    names = sorted({path.parent.name for path in exercises.scripts()})
    if args.assignment and args.assignment not in names:
        return nearest(args.assignment, names, "assignment")
    try:
        todo = notebooks(args)
    except ValueError as e:
        return str(e)
    rows = [row for path, script in todo for row in check(path, script)]
    print(table(rows))
    return 0 if all(points == of for _, _, points, of, _ in rows) else 1


def notebooks(args):
    """[(the learner's notebook, its solution script)]"""
    from coursekit import exercises
    from coursekit.grading import intake

    scripts = {path.stem: path for path in exercises.scripts(args.assignment or "*")}
    if not args.notebook:
        return [(ROOT / "exercises" / s.parent.name / f"{s.stem}.ipynb", s) for s in scripts.values()]
    if not args.notebook.is_file():
        raise ValueError(f"There is no notebook {args.notebook}.")
    released = {name: {c.id for c in exercises.source(path).cells} for name, path in scripts.items()}
    name = intake.known(args.notebook, released)
    if name is None:
        raise ValueError(f"{args.notebook} is none of the notebooks {', '.join(scripts)}; is this its name?")
    return [(args.notebook, scripts[name])]


def check(path, script):
    """[(notebook, answer, points, of, sentence)]; your own code runs in a plain process of your own."""
    from coursekit import exercises
    from coursekit.grading import verdict

    source = exercises.source(script)
    names = (script.parent.name, script.stem, "you", "practice")
    judged = verdict.judge(path, source, *names, unsafe=True, warn=False)
    of = {c.id.removeprefix("test_"): c.metadata.nbgrader.points for c in source.cells if c.id.startswith("test_")}
    return [(f"{script.parent.name}/{script.stem}", a, f * of[a], of[a], s) for a, (f, s) in judged.scores.items()]


def table(rows):
    lines = []
    for k, (notebook, answer, points, of, sentence) in enumerate(rows):
        if k == 0 or rows[k - 1][0] != notebook:
            lines += ["", notebook]
        lines.append(f"  {answer:<20} {points:g} of {of:g}  {sentence}")
    total, most = sum(row[2] for row in rows), sum(row[3] for row in rows)
    return "\n".join([*lines, "", f"{total:g} of {most:g} points"])
