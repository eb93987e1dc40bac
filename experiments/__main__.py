"""Run an experiment: python -m experiments NAME [--seeds N] [--cases lag=10,cell=lstm]; --list shows all."""

import argparse
import ast
import datetime
import importlib
import json
import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import experiments
from coursekit import ONE_THREAD, ROOT, nearest
from experiments._sources import fingerprint, names, source

KEPT = ROOT / "_build" / "experiments"  # the finished rows of runs that have not ended


def status(name):
    """fresh, stale or missing; and its rows, seconds and date in words."""
    try:
        result = experiments.results(name)
    except FileNotFoundError:
        return "missing", ""
    told = f"{len(result['rows'])} rows, {result['seconds']:.0f} s, {result['date']}"
    return "fresh" if result["sources"] == fingerprint(name) else "stale", told


def listing():
    def claim(name):
        text = source(f"experiments.{name}").read_text(encoding="utf-8")
        return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]

    return experiments.columns(["name", "result", "of", ""], [(name, *status(name), claim(name)) for name in names()])


def chosen(cases, words):
    """The cases with these values: "lag=10,cell=lstm". SystemExit with a sentence if there is none."""
    for word in filter(None, words.split(",")):
        name, _, value = word.partition("=")
        values = {str(case[name]) for case in cases if name in case}
        if value not in values:
            sys.exit(f"No case has {word}. " + (f"{name} is one of {', '.join(sorted(values))}." if values else ""))
        cases = [case for case in cases if str(case.get(name)) == value]
    return cases


def rows_of(name, module, cases, seeds, mark):
    """Every row, by case, then seed: those that are kept as they are, the others run now, and kept under this mark."""
    from tqdm.auto import tqdm

    file = KEPT / f"{name}-{mark}.json"
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    kept += experiments.results(name)["rows"] if status(name)[0] == "fresh" else []

    def find(case, seed):
        want = {**case, "seed": seed}
        return next((row for row in kept if {key: row.get(key) for key in want} == want), None)

    todo = [(seed, case) for seed in range(seeds) for case in cases if not find(case, seed)]
    for seed, case in tqdm(todo, desc=name, mininterval=0.5, disable=not todo):
        began = time.perf_counter()
        found = module.run(seed, **case)
        kept.append({**case, "seed": seed, **found, "seconds": round(time.perf_counter() - began, 3)})
        write(file, kept)
    return [plain(find(case, seed)) for case in cases for seed in range(seeds)]


def plain(content):
    """As it would come back from a file: lists for tuples and arrays, Python's numbers for NumPy's."""
    return json.loads(json.dumps(content, default=lambda array: array.tolist()))


def write(file, content):
    """All or nothing: an interruption leaves the old file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_suffix(".half")
    half.write_text(json.dumps(plain(content), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    half.replace(file)


def about(rows, mark):
    """The rows, and where, when and by what they were made."""
    git = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    info = Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""
    model = [line.partition(": ")[2] for line in info.splitlines() if line.startswith("model name")]
    return {
        "sources": mark,
        "revision": git.stdout.strip(),
        "date": datetime.date.today().isoformat(),
        "versions": {"python": platform.python_version()} | {p: metadata.version(p) for p in ("numpy", "torch")},
        "processor": model[0] if model else platform.processor(),
        "seconds": round(sum(row["seconds"] for row in rows), 1),
        "rows": rows,
    }


def add_arguments(parser):
    parser.add_argument("name", nargs="?", metavar="NAME", help="; ".join(names()))
    parser.add_argument("--list", action="store_true", help="all experiments, and whether their results are fresh")
    parser.add_argument("--seeds", type=int, metavar="N", help="seeds 0 … N - 1, in place of the experiment's number")
    parser.add_argument("--cases", default="", metavar="KEY=VALUE,…", help="only the cases that have these values")


def main(words=None):
    parser = argparse.ArgumentParser(prog="python -m experiments", description=__doc__)
    add_arguments(parser)
    args = parser.parse_args(words)
    if args.list or not args.name:
        print(listing())
        return 0
    if args.name not in names():
        return nearest(args.name, names(), "experiment")
    if args.seeds is not None and args.seeds < 1:
        return f"--seeds is {args.seeds}; it should be at least 1."
    mark = fingerprint(args.name)  # now: the sources may change while this runs
    module = importlib.import_module(f"experiments.{args.name}")
    cases, seeds = chosen(plain(module.CASES), args.cases), args.seeds or module.SEEDS
    rows = rows_of(args.name, module, cases, seeds, mark)
    print(module.table(rows))
    if len(cases) < len(module.CASES) or seeds < module.SEEDS:
        print(f"A trial, not written: {len(cases)} of {len(module.CASES)} cases, {seeds} of {module.SEEDS} seeds.")
    elif status(args.name)[0] != "fresh" or len(rows) > len(experiments.results(args.name)["rows"]):
        write(experiments.HERE / "results" / f"{args.name}.json", about(rows, mark))
        print(f"Written to experiments/results/{args.name}.json")
    return 0


if __name__ == "__main__":
    os.environ |= ONE_THREAD  # before NumPy is imported
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nStopped. The same command goes on from here.")
