"""Run the experiments behind the book's tables, or list them: `experiments NAME`, `experiments --list`."""

import subprocess
import sys

from coursekit import ROOT


def add_arguments(parser):
    sys.path.insert(0, str(ROOT))
    from experiments.__main__ import add_arguments

    add_arguments(parser)


def main(args):
    words = [args.name] if args.name else []
    words += ["--list"] if args.list else []
    words += [f"--seeds={args.seeds}"] if args.seeds is not None else []
    words += [f"--cases={args.cases}"] if args.cases else []
    return subprocess.run([sys.executable, "-m", "experiments", *words], cwd=ROOT).returncode
