import pytest
from problems import CELLS, of


@pytest.fixture(params=CELLS)
def cell(request):
    """One NumPy cell after the other."""
    return of("numpy", request.param)


@pytest.fixture(params=CELLS)
def twins(request):
    """(NumPy cell, PyTorch cell)."""
    return of("numpy", request.param), of("torch", request.param)
