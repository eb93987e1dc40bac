"""The palette can be read on both pages, and told apart by people with colour blindness."""

import warnings
from itertools import combinations

import numpy as np
import pytest

from lstmcore.plotting.palette import COLOURS, PAGES, TEXT_SHARE

with warnings.catch_warnings():  # of stray backslashes, when Python compiles it for the first time
    warnings.simplefilter("ignore")
    from colorspacious import cspace_convert

PICTURES = {"LSTM": "ifgochxd", "GRU": "rzghxd"}  # what is drawn together
EYES = [None, "deuteranomaly", "protanomaly", "tritanomaly"]
# Ottosson's OKLab, https://bottosson.github.io/posts/oklab/
TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)

every_mode = pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])


def rgb(text):
    return np.array([int(text[k : k + 2], 16) for k in (1, 3, 5)]) / 255


def linear(v):
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    """WCAG 2, from 1 to 21."""
    dim, bright = sorted(linear(v) @ [0.2126, 0.7152, 0.0722] for v in (a, b))
    return (bright + 0.05) / (dim + 0.05)


def mixed(a, b, share):
    """CSS color-mix in oklab."""
    lab = share * oklab(a) + (1 - share) * oklab(b)
    v = np.clip(np.linalg.solve(TO_LMS, np.linalg.solve(TO_LAB, lab) ** 3), 0, 1)
    return np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055)


def oklab(v):
    return TO_LAB @ np.cbrt(TO_LMS @ linear(v))


@every_mode
@pytest.mark.parametrize("q", COLOURS)
def test_lines_have_contrast_3_and_letters_four_and_a_half(q, mode):
    line, page, ink = rgb(COLOURS[q][mode]), rgb(PAGES[mode]), rgb(COLOURS["d"][mode])
    assert contrast(line, page) >= 3
    assert contrast(mixed(line, ink, TEXT_SHARE), page) >= 4.5


@every_mode
@pytest.mark.parametrize("eyes", EYES, ids=["normal", *EYES[1:]])
@pytest.mark.parametrize("picture", PICTURES)
def test_colours_of_one_picture_stay_apart(picture, eyes, mode):
    seen = {}
    for q in PICTURES[picture]:
        v = rgb(COLOURS[q][mode])
        if eyes:
            v = np.clip(cspace_convert(v, {"name": "sRGB1+CVD", "cvd_type": eyes, "severity": 100}, "sRGB1"), 0, 1)
        seen[q] = cspace_convert(v, "sRGB1", "CAM02-UCS")
    distance, pair = min((np.linalg.norm(seen[a] - seen[b]), a + b) for a, b in combinations(seen, 2))
    assert distance >= 10, f"{pair[0]} and {pair[1]} are {distance:.1f} apart"
