"""Screenshots of every page, 1280 and 390 wide, light and dark, for people to look at: _build/shots/*.png.

Run as: python -m pytest tests/site/shots.py
"""

import pytest

from coursekit import ROOT

SHOTS = ROOT / "_build" / "shots"


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_shots(visit, pages, width, mode):
    SHOTS.mkdir(parents=True, exist_ok=True)
    for name in pages:
        tab = visit(name, width=width, mode=mode, scale=1 if width > 600 else 2)
        tab.set_viewport_size({"width": width, "height": tab.evaluate("document.documentElement.scrollHeight")})
        tab.wait_for_timeout(700)  # the theme's sidebar slides when the window grows
        tab.screenshot(path=SHOTS / f"{name}-{width}-{mode}.png")


def test_picture_for_the_readme(visit):
    """A part of the chapter as a reader sees it; copied to book/_static/page.png by hand when the look has changed."""
    tab = visit("03_lstm", width=1280)
    tab.set_viewport_size({"width": 1280, "height": 1040})
    tab.locator("#which-signals-control-the-memory").evaluate("e => scrollTo(0, e.offsetTop - 90)")
    tab.wait_for_timeout(700)
    tab.screenshot(path=SHOTS / "page.png")
