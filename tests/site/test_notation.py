"""The tables of the page on notation say what lstmcore.cells declares."""

import importlib
import re

from coursekit import ROOT

ROWS = [
    [cell.strip().strip("`$\\") for cell in line.strip().strip("|").split("|")]
    for line in (ROOT / "book" / "notation.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("|")
]
D, H = 3, 5
CELLS = {name: importlib.import_module(f"lstmcore.cells.{name.lower()}") for name in ("RNN", "LSTM", "GRU")}


def numbers(shape):
    """(4H, D) -> (20, 3)"""
    return eval(re.sub(r"(\d)H", r"\1*H", shape), {"D": D, "H": H})


def test_shapes_of_weights():
    said = {(row[0], row[1]): numbers(row[2]) for row in ROWS if row[0] in CELLS and len(row) == 4}
    declared = {
        (name, field): shape
        for name, cell in CELLS.items()
        for field, shape in cell.Params.shapes(D, H)._asdict().items()
    }
    assert said == declared


def test_order_of_gates():
    for row in ROWS:
        if row[0] in CELLS and len(row) == 4:
            gates = row[3].split(", ")
            assert tuple(gates) == (("n",) if row[1] == "b_hn" else CELLS[row[0]].Gates._fields)
        elif row[0] == "here":
            assert tuple(row[2].split(", ")) == CELLS[row[1]].Gates._fields


def test_every_gate_and_state_has_its_row():
    named = {row[1] for row in ROWS if len(row) == 4 and row[0] not in CELLS}
    for cell in CELLS.values():
        assert set(cell.Gates._fields) | set(cell.State._fields) <= named
