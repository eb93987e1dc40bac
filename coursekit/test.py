"""Run the tests part by part; a table at the end says what passed. Words after `--` go to pytest."""

import argparse
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from typing import NamedTuple

from coursekit import ONE_THREAD, ROOT, nearest, system

PASSES_ON = True
TOOL = [sys.executable, "-m"]
PARTS = {  # what each part runs; "tests/NAME" is given to pytest, a list is a check by itself
    "lint": [[*TOOL, "ruff", "check", "."], [*TOOL, "ruff", "format", "--check", "."]],
    "core": ["tests/core"],
    "kit": ["tests/kit"],
    "exercises": ["tests/exercises", [*TOOL, "coursekit", "exercises", "check"]],
    "book": [[*TOOL, "coursekit", "book"]],
    "grading": ["tests/grading"],
    "site": ["tests/site"],
}
MANY = (
    "tests/core",
    "tests/exercises",
)  # many small tests that know nothing of each other: one worker for each processor
QUICK = ("lint", "core", "kit")
NEEDS = {"grading": "bubblewrap", "site": "chromium"}


class Result(NamedTuple):
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: tuple = ()  # of skipped tests, a line each
    note: str = ""

    def __add__(self, other):
        return Result(*(a + b for a, b in zip(self, other, strict=True)))


def add_arguments(parser):
    parser.add_argument("--quick", action="store_true", help=f"only {', '.join(QUICK)}: under two minutes")
    parser.add_argument(
        "--part", action="append", type=part, metavar="NAME", help=f"one of {', '.join(PARTS)}; repeatable"
    )


def part(name):
    if name in PARTS:
        return name
    raise argparse.ArgumentTypeError(nearest(name, PARTS, "part"))


def main(args):
    chosen = [name for name in PARTS if name in (args.part or (QUICK if args.quick else PARTS))]
    system.provide(*(NEEDS[name] for name in chosen if name in NEEDS))
    rows = []
    for name in chosen:
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        try:
            result = sum((run(job, args.rest) for job in PARTS[name]), Result())
        except KeyboardInterrupt:
            result = Result(failed=1, note="stopped")
        rows.append((name, result, time.monotonic() - began))
        if result.note == "stopped":
            break
    total = sum((result for _, result, _ in rows), Result())
    print(table(rows))
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed or not total.passed else 0


def run(job, pytest_words):
    """One check, or the tests of one folder."""
    env = os.environ | ONE_THREAD
    if isinstance(job, list):
        failed = subprocess.run(job, cwd=ROOT, env=env).returncode != 0
        return Result(passed=not failed, failed=failed)
    if not (ROOT / job).is_dir():
        return Result(failed=1, note=f"there is no {job}")
    report = ROOT / "_build" / "tests" / f"{job.split('/')[-1]}.xml"
    report.unlink(missing_ok=True)
    workers = ["-n", "auto", "--dist", "loadfile"] if job in MANY and not pytest_words else []
    command = [*TOOL, "pytest", job, f"--junitxml={report}", *workers, *pytest_words]
    code = subprocess.run(command, cwd=ROOT, env=env).returncode
    return read(report.read_bytes() if report.exists() else None, code, selecting=bool(pytest_words))


def read(report, code, selecting=False):
    """What pytest's report says. `selecting`: with words of your own, that a folder has no such test is no failure."""
    if code == 5:  # pytest's way to say that it found no test
        return Result(note="none selected") if selecting else Result(failed=1, note="no tests")
    if report is None:
        return Result(failed=1, note=f"pytest ended with {code} and no report")
    suite = ET.fromstring(report).find("testsuite")
    failed = int(suite.get("failures")) + int(suite.get("errors"))
    reasons = tuple(
        f"{case.get('classname')}.{case.get('name')}: {case.find('skipped').get('message')}"
        for case in suite.iter("testcase")
        if case.find("skipped") is not None
    )
    skipped = int(suite.get("skipped"))
    passed = int(suite.get("tests")) - failed - skipped
    if code and not failed:
        return Result(passed, 1, skipped, reasons, f"pytest ended with {code}")
    return Result(passed, failed, skipped, reasons)


def table(rows):
    lines = ["", f"{'part':<10} {'result':<7} {'passed':>6} {'failed':>6} {'skipped':>7} {'seconds':>7}"]
    for name, result, seconds in rows:
        word = "FAILED" if result.failed else "passed" if result.passed else "-"
        counts = f"{result.passed:>6} {result.failed:>6} {result.skipped:>7}"
        lines.append(f"{name:<10} {word:<7} {counts} {seconds:>7.1f}  {result.note}".rstrip())
    for name, result, _ in rows:
        lines += [f"skipped in {name}: {reason}" for reason in result.reasons]
    return "\n".join([*lines, ""])
