"""Run a job where it can reach nothing: no files, no network, no other process, no new one."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from functools import cache
from pathlib import Path

import numpy

from coursekit import ONE_THREAD, ROOT, system

HERE = Path(__file__).parent
SITE = Path(numpy.__file__).parents[1]
ENVIRONMENT = {**ONE_THREAD, "LD_LIBRARY_PATH": sysconfig.get_config_var("LIBDIR") or ""}
ENVIRONMENT |= {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}  # Windows needs it
SECONDS, MEGABYTES = 5, 1024  # computing of one cell or one call, so a busy machine costs nobody marks
WHOLE, WALL = 4, 12  # so many times as much computing, and waiting, for a whole notebook
OUT_OF_TIME = {128 + 24, -24, 128 + 9, -9}  # SIGXCPU, SIGKILL, with and without bubblewrap
MESSAGES = 10_000  # of one run, at most


class Unavailable(Exception):
    """There is no sandbox on this machine: why, and what to do."""


def run(job, unsafe):
    """The runner's messages for `job` (cells, calls, library), and how it ended: "", "timeout", "exit 9"."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as rules:
        given.write(json.dumps({**job, "seconds": SECONDS, "whole": WHOLE * SECONDS, "megabytes": MEGABYTES}).encode())
        given.seek(0)
        rules.write(b"" if unsafe else no_new_processes())
        rules.seek(0)
        end = ""
        try:
            code = subprocess.run(
                plain() if unsafe else bubblewrap(rules.fileno()), stdin=given, stdout=said, stderr=subprocess.DEVNULL,
                timeout=SECONDS * WALL, pass_fds=[] if unsafe else [rules.fileno()], env=ENVIRONMENT,
                cwd=tempfile.gettempdir(),
            ).returncode  # fmt: skip
            end = "timeout" if code in OUT_OF_TIME else f"exit {code}" if code else ""
        except subprocess.TimeoutExpired:
            end = "timeout"
        said.seek(0)
        return [m for line in said.read(16 << 20).split(b"\n")[:MESSAGES] if (m := message(line))], end


def message(line):
    """One line as a dict, or None: whatever a learner's code wrote there, it is only data."""
    try:
        found = json.loads(line)
        return found if isinstance(found, dict) else None
    except (ValueError, RecursionError):
        return None


def plain():
    """The same runner with its limits, and no walls: for a learner's own machine, or --unsafe."""
    return [sys.executable, "-I", "-S", str(HERE / "runner.py"), str(HERE), str(SITE)]


def bubblewrap(rules):
    python = Path(sys.executable).resolve()
    shown = {Path("/usr"), Path(sys.base_prefix)}
    hidden = [a for a in (ROOT,) if any(a.is_relative_to(folder) for folder in shown)]
    system = [Path(f"/{name}") for name in ("lib", "lib64") if Path(f"/{name}").exists()]
    files = {HERE / name: f"/runner/{name}" for name in ("runner.py", "data.py")}
    files |= {SITE / name: f"/site/{name}" for name in ("numpy", "numpy.libs") if (SITE / name).exists()}
    return [
        shutil.which("bwrap") or "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
        *words("--ro-bind", *((folder, folder) for folder in sorted({*shown, *system}))),
        *words("--tmpfs", *((folder,) for folder in hidden)),
        *words("--ro-bind", *files.items()),
        "--dev-bind", "/dev/null", "/dev/null", "--chdir", "/", "--remount-ro", "/", "--seccomp", str(rules),
        str(python), "-I", "-S", "/runner/runner.py", "/runner", "/site",
    ]  # fmt: skip


def words(option, *values):
    return [str(word) for value in values for word in (option, *value)]


@cache
def no_new_processes():
    """A seccomp program: threads yes; processes, namespaces, tracing no. (RLIMIT_NPROC does not bind root.)"""
    import pyseccomp as s

    program, no, thread = s.SyscallFilter(s.ALLOW), s.ERRNO(1), 0x10000
    for call in ("fork", "vfork", "unshare", "setns", "ptrace"):
        program.add_rule(no, call)
    program.add_rule(no, "clone", s.Arg(0, s.MASKED_EQ, thread, 0))
    program.add_rule(s.ERRNO(38), "clone3")  # "not there": the C library then uses clone
    with tempfile.TemporaryFile() as file:
        program.export_bpf(file)
        file.seek(0)
        return file.read()


UNSAFE = "Or --unsafe, which grades without a sandbox: for work that you would also run yourself."


def probe():
    """Unavailable, with the remedy, unless a job can run in the sandbox here."""
    found, why = system.bubblewrap()
    if not found:
        raise Unavailable(f"Grading runs other people's code, walled off by bubblewrap. {why} {UNSAFE}")
    try:
        no_new_processes()
    except Exception as e:
        raise Unavailable(
            f"The sandbox needs the library libseccomp ({e}): apt-get install libseccomp2. {UNSAFE}"
        ) from e
    messages, end = run({"cells": [[0, ""]], "calls": {}, "library": {}}, unsafe=False)
    if end or {"start": 0} not in messages:
        raise Unavailable(f"bubblewrap works, but Python does not start in it ({end or 'no answer'}). {UNSAFE}")
