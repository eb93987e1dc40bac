"""Which files an experiment's result depends on, and their hash."""

import ast
import hashlib

import experiments
from coursekit import ROOT


def names():
    return sorted(path.stem for path in experiments.HERE.glob("[a-z]*.py"))


def source(module):
    """The file of a module of ours; None for other people's modules and for names that are not modules."""
    folders = {"experiments": experiments.HERE, "lstmcore": ROOT / "lstmcore"}
    top, *rest = module.split(".")
    path = folders.get(top, ROOT / "no").joinpath(*rest)
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def sources(name):
    """experiments/NAME.py and all of ours that it imports, directly or not; found in the text, so nothing is run."""
    found, queue = {}, [f"experiments.{name}"]
    while queue:
        module = queue.pop()
        if module in found or (file := source(module)) is None:
            continue
        found[module] = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(found[module])):
            if isinstance(node, ast.Import):
                queue += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                queue += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def fingerprint(name):
    """A hash of the sources, without blank lines and comments that have a line to themselves."""
    hashed = hashlib.sha256()
    for module, text in sorted(sources(name).items()):
        lines = [line.rstrip() for line in text.splitlines() if not line.lstrip().startswith("#")]
        hashed.update("\n".join([module, *filter(None, lines), ""]).encode())
    return hashed.hexdigest()[:16]
