"""The widgets by keyboard, by touch, without scripts and from a file; their numbers are lstmcore's."""

import re

import numpy as np
import pytest

from lstmcore import weights
from lstmcore.numpy import lstm
from lstmcore.scan import scan

PAGE = "03_lstm"


def points(root, part):
    d = root.locator(f'[data-part="{part}"]').get_attribute("d")
    return np.array(re.findall(r"([-\d.]+) ([-\d.]+)", d), dtype=float)


def gate(root, name):
    return root.locator(f'input[name="{name}"]')


def expected(root):
    """(c, h) of lstmcore's step for the values that the sliders have, g as the page draws it."""
    g = np.array(root.get_attribute("data-g").split(), dtype=float)
    i, f, o = (float(gate(root, name).input_value()) for name in "ifo")
    b = np.array([np.log(i / (1 - i)), np.log(f / (1 - f)), 0, np.log(o / (1 - o))])
    p = lstm.Params(np.array([[0.0], [0], [1], [0]]), np.zeros((4, 1)), b)
    states = scan(lstm.step, p, weights.zeros_state(lstm.State, 1, 1), np.arctanh(g)[:, None, None])[1:]
    return np.array([(s.c.item(), s.h.item()) for s in states]).T


@pytest.fixture
def explorer(visit):
    tab = visit(PAGE)
    yield tab.locator('[data-widget="gate-explorer"]')
    assert tab.complaints == []


@pytest.fixture
def half_life(visit):
    tab = visit(PAGE)
    yield tab.locator('[data-widget="half-life"]')
    assert tab.complaints == []


def test_the_keyboard_moves_the_gates_and_the_numbers_are_those_of_the_library(explorer):
    for name, key, times in [("i", "PageDown", 3), ("f", "ArrowLeft", 23), ("o", "ArrowRight", 9), ("f", "PageUp", 1)]:
        gate(explorer, name).focus()
        for _ in range(times):
            explorer.page.keyboard.press(key)
        c, h = expected(explorer)
        np.testing.assert_allclose(points(explorer, "c")[:, 1], c, atol=1e-4)
        np.testing.assert_allclose(points(explorer, "h")[:, 1], h, atol=1e-4)
    said = f"At step 19 the memory c is {c[-1]:.2f} and the state h is {h[-1]:.2f}."
    assert explorer.locator(".said").inner_text().replace("−", "-") == said
    assert gate(explorer, "f").locator("xpath=../../output").inner_text() == gate(explorer, "f").input_value()


@pytest.mark.parametrize(
    ("name", "sees", "holds"),
    [
        ("f", "c", lambda c, h: c[10] == 0 and c[9] > 0.5),
        ("i", "c", lambda c, h: (np.diff(c[3:]) < 0).all()),
        ("o", "h", lambda c, h: (h[:16] == 0).all() and h[16:].all()),
    ],
)
def test_a_gate_that_closes_for_some_steps(explorer, name, sees, holds):
    explorer.locator(f'select[name="when-{name}"]').focus()
    explorer.page.keyboard.press("ArrowDown")
    assert holds(points(explorer, "c")[:, 1], points(explorer, "h")[:, 1])


def test_the_half_life_is_that_of_the_equation(half_life):
    slider = gate(half_life, "bias")
    slider.focus()
    half_life.page.keyboard.press("Home")
    for bias in range(10):
        assert float(slider.input_value()) == pytest.approx(bias)
        f = 1 / (1 + np.exp(-bias))
        half = np.log(0.5) / np.log(f)
        log_n, left = points(half_life, "curve").T
        np.testing.assert_allclose(left, f**10**log_n, atol=1e-2)  # log_n is written with three digits
        told = re.search(r"f = ([\d.]+): .* after ([\d.]+) steps", half_life.locator(".said").inner_text())
        assert float(told[1]) == pytest.approx(f, abs=5e-4) and float(told[2]) == pytest.approx(half, rel=0.03)
        assert told[0] in slider.get_attribute("aria-valuetext")
        for _ in range(10):
            half_life.page.keyboard.press("ArrowRight")


def test_a_finger_moves_a_gate(browser, address):
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    tab = context.new_page()
    tab.goto(f"{address}/{PAGE}.html")
    explorer = tab.locator('[data-widget="gate-explorer"]')
    slider = gate(explorer, "f")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box["height"] >= 40 and box["x"] + box["width"] <= 390
    tab.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert float(slider.input_value()) == pytest.approx(0.5, abs=0.05)
    np.testing.assert_allclose(points(explorer, "c")[:, 1], expected(explorer)[0], atol=1e-4)
    context.close()


@pytest.mark.parametrize("name", ["gate-explorer", "half-life"])
def test_without_scripts_there_is_the_same_picture_and_its_sentence(browser, address, visit, name):
    context = browser.new_context(java_script_enabled=False)
    still = context.new_page()
    still.goto(f"{address}/{PAGE}.html")
    root, moved = (tab.locator(f'[data-widget="{name}"]') for tab in (still, visit(PAGE)))
    assert root.locator("svg").is_visible() and not root.locator("form").is_visible()
    assert moved.locator("form").is_visible()
    moved.locator("input").first.dispatch_event("change")  # the script draws the values it starts with
    for part in ("c", "h") if name == "gate-explorer" else ("curve",):
        np.testing.assert_allclose(points(moved, part), points(root, part), atol=2e-4)
    assert moved.locator(".said").inner_text() == root.locator(".said").inner_text()
    context.close()


def test_from_a_file_on_disk_it_moves_too(browser, site):
    tab = browser.new_page()
    tab.goto((site / f"{PAGE}.html").as_uri())
    assert tab.locator('[data-widget="half-life"] input').is_visible()
    tab.close()
