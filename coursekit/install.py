"""Make .venv and fill it with what requirements.txt names, in the versions of constraints.txt.

PyTorch comes first: on Linux without an NVIDIA GPU from PyTorch's index of CPU builds, which are small. GPU=1 takes the
usual build, and a PyTorch that is already in .venv stays. What was interrupted goes on where it stopped.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from glob import glob
from pathlib import Path
from typing import NamedTuple

from coursekit import ROOT

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
FILES = ("requirements.txt", "constraints.txt", "pyproject.toml")  # a change in one of them makes .venv stale
BIN = "Scripts" if os.name == "nt" else "bin"


def add_arguments(parser):
    pass


def main(args):
    if fresh(ROOT):
        print("Everything is installed.")
    else:
        install(ROOT)


# ---- one visible step ------------------------------------------------------------------------------------------------


def step(what, command, log, env=None):
    """Run a command with a line of progress; what it prints goes to `log`, and its end is shown if it fails."""
    began, live = time.monotonic(), sys.stdout.isatty()
    print(f"{what} …", end="" if live else "\n", flush=True)
    with open(log, "ab") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT, env=env)
        try:
            while (code := wait(process, 1 if live else 15)) is None:
                show(f"{what} … {time.monotonic() - began:.0f} s: {last_line(log)}", live)
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
    show(f"{what}: {time.monotonic() - began:.0f} s" + ("" if code == 0 else ", failed"), live, end="\n")
    if code:
        tail = "\n".join(Path(log).read_text(errors="replace").splitlines()[-15:])
        raise SystemExit(f"{tail}\n\n{what} failed; the lines above are the end of {log}.")


def wait(process, seconds):
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def show(line, live, end=""):
    """One line, cut to the terminal's width; on a terminal it replaces the one before."""
    line = line[: shutil.get_terminal_size((120, 24)).columns - 1]
    print("\r\033[K" + line if live else line, end=end if live else "\n", flush=True)


def last_line(log):
    return next((s for line in reversed(Path(log).read_text(errors="replace").splitlines()) if (s := line.strip())), "")


# ---- .venv -----------------------------------------------------------------------------------------------------------


def python(root):
    return root / ".venv" / BIN / ("python.exe" if os.name == "nt" else "python")


def stamp(root):
    """What .venv/coursekit.txt says where .venv is complete: the state of the three files, and where it was made."""
    digest = hashlib.sha256()
    for name in FILES:
        digest.update((root / name).read_bytes() + b"\0")
    return f"{digest.hexdigest()}\n{root}\n"


def fresh(root):
    file = root / ".venv" / "coursekit.txt"
    return file.is_file() and file.read_text() == stamp(root) and os.path.exists(python(root))


def usable(root):
    """Whether .venv has a Python with pip and still lies where it was made (its programs hold that path)."""
    file = root / ".venv" / "coursekit.txt"
    moved = file.is_file() and file.read_text().splitlines()[1:] != [str(root)]
    return not moved and os.path.exists(python(root)) and has_pip(root)


def has_pip(root):
    return not subprocess.run([python(root), "-m", "pip", "--version"], capture_output=True).returncode


def install(root):
    """Make what is missing. The stamp is written last, so that an interrupted run is never taken for a complete one."""
    began, venv = time.monotonic(), root / ".venv"
    try:
        if not usable(root):
            make(root)
        (venv / "coursekit.txt").write_text(f"unfinished\n{root}\n")
        fill(root, venv / "install.log")
        (venv / "coursekit.txt").write_text(stamp(root))
    except OSError as error:
        raise SystemExit(f"Cannot install into {venv}: {error.strerror} ({error.filename}).") from None
    except KeyboardInterrupt:
        print("\nThe installation is not complete; the same command goes on with what is left.")
        raise
    print(f"Installed in {time.monotonic() - began:.0f} s.")


def make(root):
    if missing := [name for name in ("venv", "ensurepip") if not importlib.util.find_spec(name)]:
        raise SystemExit(
            f"This Python has no {' and no '.join(missing)}, so it cannot make .venv. "
            "On Debian and Ubuntu: apt install python3-venv. Then run the same command again."
        )
    if (root / ".venv").is_symlink():  # --clear would empty the folder that it leads to
        raise SystemExit(
            f"{root / '.venv'} is a link to {os.readlink(root / '.venv')}, which was not made for this folder. "
            "Remove the link, and the same command makes an environment here."
        )
    log = root / ".venv.log"  # outside, since --clear empties the folder
    base = getattr(sys, "_base_executable", sys.executable)  # never the Python of the .venv that is being cleared
    step("Making .venv", [base, "-m", "venv", "--clear", str(root / ".venv")], log)
    log.unlink()


def fill(root, log):
    # Compiling all that is installed takes most of the time; Python compiles what is used at its first import.
    pip = [str(python(root)), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    pip += ["--no-compile", "--progress-bar=off"]
    requirement = torch_requirement((root / "requirements.txt").read_text())
    constraints = root / "constraints.txt"
    if version := torch_there(root, requirement):
        print(f"PyTorch {version} is already there and stays.")
        constraints = root / ".venv" / "constraints.txt"
        constraints.write_text(keep_torch((root / "constraints.txt").read_text(), version))
    else:
        plan = torch_plan(sys.platform, has_gpu(), os.environ, reachable)
        print(plan.why)
        torch = [*pip, "-c", str(constraints), requirement]
        try:
            step("PyTorch", [*torch, *plan.options], log)
        except SystemExit:
            if not plan.options:
                raise
            print("So it comes from the usual package index; on Linux that build can be several gigabytes.")
            step("PyTorch", torch, log)
    step("The other packages", [*pip, "-c", str(constraints), "-r", str(root / "requirements.txt")], log)
    step("lstmcore and coursekit", [*pip, "--no-deps", "-e", str(root)], log)


# ---- PyTorch ---------------------------------------------------------------------------------------------------------


class Plan(NamedTuple):
    options: list  # for pip
    why: str


def torch_plan(platform, gpu, env, reachable):
    """Where PyTorch comes from. `reachable` is asked only where the CPU index would be used."""
    if platform != "linux":
        return Plan([], "PyTorch comes from the usual package index.")
    large = "PyTorch comes from the usual package index; on Linux that build can be several gigabytes."
    if env.get("GPU") == "1":
        return Plan([], f"GPU=1: {large}")
    if gpu:
        return Plan([], f"There is an NVIDIA GPU: {large}")
    if not reachable(CPU_INDEX):
        return Plan([], f"PyTorch's own index of CPU builds cannot be reached. {large}")
    # That index mirrors only some versions of what PyTorch needs, so these come with the other packages.
    return Plan(["--no-deps", "--index-url", CPU_INDEX], "No NVIDIA GPU: PyTorch comes from its index of CPU builds.")


def has_gpu():
    return bool(shutil.which("nvidia-smi") or glob("/dev/nvidia[0-9]*"))


def reachable(index):
    """Asked once and briefly: pip alone would try again for minutes."""
    try:
        with urllib.request.urlopen(f"{index}/torch/", timeout=5):
            return True
    except OSError:
        return False


def torch_requirement(requirements):
    return re.search(r"^torch\b[^-\n#]*", requirements, re.MULTILINE)[0].strip()


def torch_there(root, requirement):
    """The version of a PyTorch in .venv that satisfies the requirement, or ''."""
    ask = (
        "import sys, importlib.metadata as m; from pip._vendor.packaging.requirements import Requirement\n"
        "try: v = m.version('torch')\n"
        "except m.PackageNotFoundError: v = ''\n"
        "print(v if v and Requirement(sys.argv[1]).specifier.contains(v, prereleases=True) else '')"
    )
    found = subprocess.run([python(root), "-c", ask, requirement], capture_output=True, text=True, check=True)
    return found.stdout.strip()


def keep_torch(constraints, version):
    """The same constraints with the PyTorch that is there."""
    return re.sub(r"^torch==.*$", f"torch=={version}", constraints, flags=re.MULTILINE)


# ---- into .venv ------------------------------------------------------------------------------------------------------


def enter(words):
    """Go on inside .venv, complete and first on PATH, with the same words; return where we are already there."""
    if not fresh(ROOT):
        install(ROOT)
    programs = str(python(ROOT).parent)
    if programs not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = programs + os.pathsep + os.environ.get("PATH", "")
    if Path(sys.prefix).resolve() == (ROOT / ".venv").resolve():
        return
    command = [str(python(ROOT)), "-m", "coursekit", *words]
    sys.stdout.flush()
    if os.name == "nt":  # there exec returns to the shell too early
        raise SystemExit(subprocess.run(command).returncode)
    os.execv(command[0], command)
