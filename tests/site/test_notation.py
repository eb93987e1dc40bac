"""The tables of the page on notation say what lstmcore.cells declares, and what the converters are tested for."""

import importlib
import re

import pytest

from coursekit import ROOT

ROWS = [
    [re.sub(r"[`$\\]", "", cell).strip() for cell in line.strip().strip("|").split("|")]
    for line in (ROOT / "book" / "notation.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("|")
]
D, H, K = 3, 5, 3
FILES = {path.stem for path in (ROOT / "lstmcore" / "cells").glob("[a-z]*.py")}
CELLS = {name: importlib.import_module(f"lstmcore.cells.{name.lower()}") for name in ("RNN", "LSTM", "GRU")}
OTHERS = {
    row[0].split(":")[0]: row for row in ROWS if re.match(r"\w+:", row[0])
}  # file: what differs; rows, weights, state


def numbers(shape):
    """(4H, D) -> (20, 3)"""
    return eval(re.sub(r"(\d)H", r"\1*H", shape), {"D": D, "H": H, "k": K})


def matrix(head):
    """{source: its row} of the table whose first column is headed `head`."""
    start = next(k for k, row in enumerate(ROWS) if row[0] == head)
    rows = {}
    for row in ROWS[start + 2 :]:
        if len(row) != 6 or " of" in row[0]:
            break
        rows[row[0]] = row
    return rows


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


def test_every_gate_and_state_has_its_row():
    named = {row[1] for row in ROWS if len(row) == 4 and row[0] not in CELLS and row not in OTHERS.values()}
    for cell in CELLS.values():
        assert set(cell.Gates._fields) | set(cell.State._fields) <= named


def test_every_file_of_cells_has_its_row():
    assert set(OTHERS) | {name.lower() for name in CELLS} == FILES


@pytest.mark.parametrize("name", sorted(FILES - {name.lower() for name in CELLS}))
def test_a_cells_row_says_what_its_file_declares(name):
    cell, (_, rows, weights, state) = importlib.import_module(f"lstmcore.cells.{name}"), OTHERS[name]
    assert tuple(rows.split(", ")) == cell.Gates._fields
    assert tuple(state.split(", ")) == cell.State._fields
    said = {field: numbers(shape) for field, shape in re.findall(r"(\w+) (\([^)]*\))", weights)}
    assert said == cell.Params.shapes(D, H)._asdict()


def test_our_rows_in_the_matrix_are_the_cells():
    cells = importlib.import_module("lstmcore.cells.gru"), importlib.import_module("lstmcore.cells.gru_reset_before")
    rows = [matrix("LSTM of")["here"], matrix("GRU of")["here, after"], matrix("GRU of")["here, before"]]
    for row, cell in zip(rows, (CELLS["LSTM"], *cells), strict=True):
        assert tuple(row[1].split(", ")) == cell.Gates._fields and row[-1] == "ours"
    assert [len(cell.Params._fields) for cell in cells] == [4, 3]  # one bias, and b_hn; one bias


def test_what_is_said_to_be_tested_has_its_converter():
    """A row says tested just where lstmcore.convert has from_… for its library; the others say what they rest on."""
    from lstmcore import convert

    for row in [*matrix("LSTM of").values(), *matrix("GRU of").values()]:
        library = row[0].split()[0].strip(",").lower().replace("pytorch", "torch")
        assert (row[-1] == "tested") == hasattr(convert, f"from_{library}"), row
        assert row[-1] in ("ours", "tested", "cited") or row[-1].startswith("errata ")
