"""Data that others measured, read from packages that carry the file: nothing is downloaded when it is used.

Every file is held against its SHA-256, so the numbers are the same everywhere. FILES says where each comes from and
under which licence. Arrays are as measured: split first, then scale by the training part's mean and spread.
"""

import gzip
import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lstmcore.tasks.batch import pad


class File(NamedTuple):
    package: str
    version: str  # a version that has this very file
    path: str
    sha256: str
    origin: str
    licence: str  # of the data


WIKI = "Quandl WIKI Prices, end-of-day prices of US stocks, 2000-03-01 to 2013-03-01"
DRYER = (
    "S. García-Muñoz, Batch process improvement using latent variable methods, PhD thesis, McMaster University, 2004"
)
VOWELS = "M. Kudo, J. Toyama & M. Shimbo, Pattern Recognition Letters 20 (1999); UCI repository, Japanese Vowels"
DIGITS = "E. Alpaydin & C. Kaynak (1998); UCI repository, Optical Recognition of Handwritten Digits, its test set"
FILES = {
    "stocks": File(
        "bokeh-sampledata",
        "2026.1",
        "bokeh_sampledata/_data/stocks.csv.gz",
        "5abadf99b2d394f920120a27de6f0df129859d71d4cfb0bf661bcc99446ab1fd",
        WIKI,
        "public domain (the publisher's word, recorded in the package's licenses/datasets.json)",
    ),
    "dryer": File(
        "process-improve",
        "2.2.0",
        "process_improve/datasets/batch/dryer.csv",
        "72822d9f6a9042353cb240fb8cc5bd7083ec874244a822eb64419f343d0ac7aa",
        DRYER,
        "MIT, as the package that publishes it; it names no other licence for the file",
    ),
    "vowels_train": File(
        "sktime",
        "1.2.0",
        "sktime/datasets/data/JapaneseVowels/JapaneseVowels_TRAIN.ts",
        "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd",
        VOWELS,
        "CC BY 4.0 (UCI repository)",
    ),
    "vowels_test": File(
        "sktime",
        "1.2.0",
        "sktime/datasets/data/JapaneseVowels/JapaneseVowels_TEST.ts",
        "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462",
        VOWELS,
        "CC BY 4.0 (UCI repository)",
    ),
    "digits": File(
        "scikit-learn",
        "1.9.1",
        "sklearn/datasets/data/digits.csv.gz",
        "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
        DIGITS,
        "CC BY 4.0 (UCI repository)",
    ),
}


class Stocks(NamedTuple):
    dates: Any  # (T,) datetime64[D]
    xs: Any  # (T, B, 6) float64, one B for each ticker
    tickers: tuple
    columns: tuple  # what the 6 are


class Batches(NamedTuple):
    xs: Any  # (T, B, D) float32, zeros after each end
    lengths: Any  # (B,)
    columns: tuple  # what the D are


class Labelled(NamedTuple):
    xs: Any  # (T, B, D) float32, zeros after each end
    target: Any  # (B,) class numbers
    lengths: Any  # (B,)


def stocks(*tickers):
    """Daily prices of stocks, 2000-03-01 to 2013-03-01: 3270 trading days. -> Stocks(dates, xs, tickers, columns).

    tickers  of AAPL, IBM, MSFT (all days; the default), GOOG (from 2004-08-19) and FB (from 2012-05-18)
    columns  open, high, low, close, volume, adjusted close. Only the last is free of jumps where a share was split;
             it was adjusted backwards from a later day than the last one here.
    float64, since returns are small differences. ValueError if a ticker is not there, or the days are not the same.
    """
    tickers = tickers or ("AAPL", "IBM", "MSFT")
    rows = [line.split(",") for line in gzip.decompress(_read("stocks")).decode().splitlines()[1:]]
    known = sorted({row[0] for row in rows})
    if unknown := sorted(set(tickers) - set(known)):
        raise ValueError(f"there is no ticker {', '.join(unknown)}; there are {', '.join(known)}.")
    days = [np.array([row[1] for row in rows if row[0] == t], "datetime64[D]") for t in tickers]
    for ticker, day in zip(tickers, days, strict=True):
        if not np.array_equal(day, days[0]):
            raise ValueError(f"{tickers[0]} has {len(days[0])} days and {ticker} {len(day)}; ask for them one by one.")
    xs = np.stack([np.array([row[2:] for row in rows if row[0] == t], float) for t in tickers], axis=1)
    return Stocks(days[0], xs, tickers, ("open", "high", "low", "close", "volume", "adjusted close"))


def dryer():
    """Ten sensors of an industrial batch dryer: 71 batches of 89 … 201 samples. -> Batches(xs, lengths, columns).

    An agricultural chemical is dried in a heated, stirred vessel, and its solvent gathers in a tank; each batch takes
    as long as it needs. Samples count as evenly spaced; neither their distance nor the units are recorded. Those who
    published the file put some batches together from pieces of the plant's record, and left some pieces out.
    """
    head, *lines = _read("dryer").decode().splitlines()
    table = np.array([line.split(",") for line in lines], np.float32)
    batch = table[:, 0]
    starts = np.flatnonzero(np.diff(batch)) + 1
    xs, lengths = pad(np.split(table[:, 1:11], starts))  # the column after these counts the samples
    return Batches(xs, lengths, tuple(head.split(",")[1:11]))


def japanese_vowels():
    """Nine men say "ae"; who is it? 270 and 370 utterances of 7 … 29 steps. -> (train, test), each a Labelled.

    xs holds 12 coefficients of linear prediction (LPC cepstrum) a step, target the speaker, 0 … 8. Thirty utterances
    of each speaker are for training, sorted by speaker; the test has 24 … 88 of each.
    """
    return tuple(_vowels(_read(part).decode()) for part in ("vowels_train", "vowels_test"))


def _vowels(text):
    rows = [line.split(":") for line in text.split("@data")[1].strip().splitlines()]
    xs, lengths = pad([np.array([d.split(",") for d in row[:-1]], np.float32).T for row in rows])
    return Labelled(xs, np.array([int(row[-1]) - 1 for row in rows]), lengths)


def digits():
    """1797 handwritten digits, 8 × 8 pixels from 0 to 1. -> images (1797, 8, 8) float32, labels (1797,)."""
    rows = gzip.decompress(_read("digits")).decode().splitlines()
    table = np.array([row.split(",") for row in rows], float)
    return (table[:, :64].reshape(-1, 8, 8) / 16).astype(np.float32), table[:, 64].astype(int)


def _read(name):
    """The file's bytes. ImportError if its package is not there, ValueError if it holds another file."""
    file = FILES[name]
    install = f"python -m pip install {file.package}=={file.version}"
    try:
        place = Path(distribution(file.package).locate_file(file.path))
    except PackageNotFoundError:
        raise ImportError(f"these data are in the package {file.package}, which is not installed: {install}") from None
    if not place.exists() or hashlib.sha256(place.read_bytes()).hexdigest() != file.sha256:
        raise ValueError(f"{file.path} is not the file that this course was written with: {install}")
    return place.read_bytes()
