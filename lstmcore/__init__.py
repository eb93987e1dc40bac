"""Recurrent cells from scratch: `cells` says what a cell is, `numpy` and `torch` compute it, line by line alike.

Needs NumPy alone until `lstmcore.torch` or `lstmcore.plotting` is imported.
"""
