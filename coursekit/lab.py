"""Open the exercises in JupyterLab. Words after `--` go to JupyterLab as they are."""

import subprocess
import sys

from coursekit import ROOT
from coursekit.system import is_root

PASSES_ON = True


def add_arguments(parser):
    parser.add_argument("--no-browser", action="store_true", help="print the address and open no browser")


def main(args):
    command = [sys.executable, "-m", "jupyterlab", "--notebook-dir", str(ROOT / "exercises")]
    if args.no_browser:
        command.append("--no-browser")
    if is_root():  # in a container there is nobody else; JupyterLab listens to this machine alone
        command.append("--allow-root")
    return subprocess.run([*command, *args.rest], cwd=ROOT).returncode
