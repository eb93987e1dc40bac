"""`python3 -m coursekit NAME …` runs coursekit/NAME.py inside .venv, first making and filling it where needed.

This file and coursekit/__init__.py keep to the grammar of old Pythons, so that those can say what is missing.
"""

import argparse
import importlib
import sys

from coursekit import nearest

COMMANDS = {  # NAME is the module coursekit/NAME.py, with add_arguments(parser) and main(args)
    "install": "make .venv and fill it (the other commands do so by themselves)",
    "book": "build the book",
    "serve": "show the built book in a browser",
    "lab": "open the exercises in JupyterLab",
    "test": "run the tests, part by part",
    "experiments": "run an experiment behind the book's tables, or list them",
    "exercises": "build the notebooks from solutions/, or check that they are fresh",
    "check": "check your answers to an exercise in the terminal",
    "grade": "grade a folder of submissions, or a small class made up for a trial",
}


def too_old(version):
    """A sentence for Pythons that are too old, or None."""
    if tuple(version[:2]) >= (3, 11):
        return None
    return (
        "This is Python {}.{}; the course needs Python 3.11 or newer. "
        "Name a newer one: `python3.12 -m coursekit …` or `make … PYTHON=python3.12`."
    ).format(*version[:2])


def listing():
    lines = ["Usage: python3 -m coursekit NAME …", ""]
    lines += ["  {:<10} {}".format(*item) for item in COMMANDS.items()]
    return "\n".join([*lines, "", "`python3 -m coursekit NAME --help` tells the options of one."])


def arguments(name, module, words):
    """What was typed after NAME; words after `--` are left for another program (pytest, JupyterLab)."""
    parser = argparse.ArgumentParser(prog="python3 -m coursekit " + name, description=module.__doc__)
    module.add_arguments(parser)
    end = words.index("--") if "--" in words else len(words)
    args = parser.parse_args(words[:end])
    args.rest = words[end + 1 :]
    if args.rest and not getattr(module, "PASSES_ON", False):
        parser.error(f"{name} takes nothing after --")
    return args


def main(words):
    complaint = too_old(sys.version_info)
    if complaint:
        return complaint
    if not words or words[0] in ("-h", "--help", "help"):
        print(listing())
        return 0
    name = words[0]
    if name not in COMMANDS:
        return nearest(name, COMMANDS, "command")
    module = importlib.import_module("coursekit." + name)
    args = arguments(name, module, words[1:])  # before the installation: a mistyped option is told at once
    try:
        if name != "install":
            importlib.import_module("coursekit.install").enter(words)
        return module.main(args)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
