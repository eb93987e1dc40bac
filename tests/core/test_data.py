"""The data are the files they claim to be, and the arrays are what other readers and the sources' own facts say."""

import csv
import gzip
import subprocess
import sys

import numpy as np
import pytest

from lstmcore import data


@pytest.mark.parametrize("name", data.FILES)
def test_every_file_is_there_unchanged_and_says_where_it_is_from(name):
    assert len(data._read(name)) > 20_000
    file = data.FILES[name]
    assert len(file.origin) > 30 and file.licence.startswith(("public domain", "MIT", "CC BY 4.0"))


def test_another_file_or_a_missing_package_is_one_sentence_with_the_remedy(monkeypatch):
    digits = data.FILES["digits"]
    for changed in [{"sha256": "0" * 64}, {"path": "sklearn/no_such_file"}]:
        monkeypatch.setitem(data.FILES, "digits", digits._replace(**changed))
        with pytest.raises(ValueError, match="is not the file .*: python -m pip install scikit-learn=="):
            data.digits()
    monkeypatch.setitem(data.FILES, "digits", digits._replace(package="no-such-package"))
    with pytest.raises(ImportError, match="in the package no-such-package, which is not installed: python -m pip"):
        data.digits()


def test_stocks_are_the_files_rows():
    table = list(csv.DictReader(gzip.decompress(data._read("stocks")).decode().splitlines()))
    got = data.stocks()
    assert got.xs.shape == (3270, 3, 6) and got.xs.dtype == np.float64 and got.tickers == ("AAPL", "IBM", "MSFT")
    assert (np.diff(got.dates) > np.timedelta64(0, "D")).all()
    assert [str(day) for day in got.dates[[0, -1]]] == ["2000-03-01", "2013-03-01"]
    for b, ticker in enumerate(got.tickers):
        rows = [row for row in table if row["Ticker"] == ticker]
        want = [[float(row[name]) for name in ("Open", "High", "Low", "Close", "Volume", "Adj Close")] for row in rows]
        assert np.array_equal(got.xs[:, b], want) and [row["Date"] for row in rows] == [str(d) for d in got.dates]
    opened, high, low, close = np.moveaxis(got.xs, -1, 0)[:4]
    assert (high >= np.maximum(opened, close) - 0.02).all() and (low <= np.minimum(opened, close) + 0.02).all()


def test_stocks_that_began_later_are_asked_for_alone():
    assert data.stocks("FB").xs.shape == (196, 1, 6)
    with pytest.raises(ValueError, match="AAPL has 3270 days and GOOG 2148; ask for them one by one"):
        data.stocks("AAPL", "GOOG")
    with pytest.raises(ValueError, match="there is no ticker XYZ; there are AAPL, FB, GOOG, IBM, MSFT"):
        data.stocks("XYZ")


def test_the_dryer_has_71_batches_of_ten_sensors_each_as_long_as_it_took():
    got = data.dryer()
    assert got.xs.shape == (201, 71, 10) and got.xs.dtype == np.float32 and got.columns[-1] == "DryerTemp"
    assert got.lengths.min() == 89 and got.lengths.max() == 201 and got.lengths.sum() == 9220
    table = np.loadtxt(data._read("dryer").decode().splitlines(), delimiter=",", skiprows=1)
    for b, n in enumerate(got.lengths):
        rows = table[table[:, 0] == b + 1]
        assert np.array_equal(rows[:, -1], np.arange(n))  # the file's own count of samples
        np.testing.assert_allclose(got.xs[:n, b], rows[:, 1:-1], rtol=1e-6)
        assert not got.xs[n:, b].any()


def test_vowels_are_those_of_the_repositorys_description():
    train, test = data.japanese_vowels()
    assert list(np.bincount(train.target)) == [30] * 9
    assert list(np.bincount(test.target)) == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    assert train.xs.shape == (26, 270, 12) and test.xs.shape == (29, 370, 12) and test.xs.dtype == np.float32
    for part in (train, test):
        assert part.lengths.min() == 7 and part.lengths.max() == len(part.xs)
        inside = np.arange(len(part.xs))[:, None] < part.lengths
        assert np.array_equal(part.xs.any(axis=-1), inside)
    rows = data._read("vowels_train").decode().split("@data")[1].split()
    for b in (0, 269):
        for d, column in enumerate(rows[b].split(":")[:-1]):
            want = np.array(column.split(","), np.float32)
            np.testing.assert_array_equal(train.xs[: train.lengths[b], b, d], want)


def test_digits_are_the_files_rows_scaled():
    images, labels = data.digits()
    table = np.loadtxt(gzip.decompress(data._read("digits")).decode().splitlines(), delimiter=",")
    assert images.shape == (1797, 8, 8) and images.dtype == np.float32 and images.min() == 0 and images.max() == 1
    np.testing.assert_array_equal(images[:, 2, 5] * 16, table[:, 2 * 8 + 5])
    assert np.array_equal(labels, table[:, -1])
    assert list(np.bincount(labels)) == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_reading_data_imports_none_of_the_packages_that_carry_them():
    ask = """
import sys
from lstmcore import data, tasks
data.stocks(), data.dryer(), data.japanese_vowels(), data.digits()
print(sorted({"torch", "pandas", "sklearn", "sktime", "process_improve", "bokeh_sampledata"} & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
