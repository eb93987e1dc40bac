"""Faults of one sign or one letter, planted in every cell one at a time: the tests of test_cells.py catch each.

Every + - * becomes another, every number grows by one, every letter of a gate, state or gradient becomes a neighbour's.
"""

import importlib.util
import inspect
import io
import tokenize
import types
from pathlib import Path

import pytest
from problems import CELLS, of

SIGNS = {"+": "-", "-": "+", "*": "+"}
LETTERS = ["i", "f", "g", "o", "r", "z", "n", "c", "h", "di", "df", "dg", "do", "dr", "dz", "dn", "dc"]


def suite_of_cells():
    spec = importlib.util.spec_from_file_location("cell_tests", Path(__file__).with_name("test_cells.py"))
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    return module


def faults(source):
    """(line, the source with one token changed)."""
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    lines, names = source.splitlines(keepends=True), {t.string for t in tokens}
    letters = [letter for letter in LETTERS if letter in names]
    for before, t, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if t.type == tokenize.OP and t.string in SIGNS:
            if before.string in ("=", ",", "("):  # axis=-1, which is axis=1 too; **options
                continue
            new = SIGNS[t.string]
        elif t.type == tokenize.NUMBER:
            new = str(int(t.string) + 1)
        elif t.type == tokenize.NAME and t.string in letters and after.string != "=" and before.string != ".":
            new = letters[letters.index(t.string) - 1]
        else:
            continue
        if new == t.string:
            continue
        (row, start), (_, end) = t.start, t.end
        line = lines[row - 1]
        changed = line[:start] + new + line[end:]
        yield f"{line.strip()} -> {changed.strip()}", "".join([*lines[: row - 1], changed, *lines[row:]])


def caught(suite, cell, name, source):
    mutant = types.ModuleType(cell.__name__)
    try:
        exec(compile(source, name, "exec"), vars(mutant))
        suite.test_the_twins_agree_in_values_gates_and_gradients((mutant, of("torch", name)), 2, 2, 3, 4)
    except Exception:  # a wrong shape and an unknown name are caught as well as a wrong value
        return True
    return False


@pytest.mark.parametrize("name", CELLS)
def test_every_planted_fault_is_caught(name):
    suite, cell = suite_of_cells(), of("numpy", name)
    source = inspect.getsource(cell)
    assert not caught(suite, cell, name, source)
    planted = list(faults(source))
    missed = [what for what, mutant in planted if not caught(suite, cell, name, mutant)]
    assert len(planted) >= 4 and not missed, f"{len(missed)} of {len(planted)} were not caught: {missed}"
