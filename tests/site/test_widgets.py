"""The pictures that move: by keyboard and touch they say what lstmcore computes; without scripts they stand still."""

import re

import numpy as np
import pytest

from lstmcore import scan, weights
from lstmcore.numpy import lstm

CHAPTER = "03_lstm"
WIDGETS = ("gates", "half-life")
G = np.zeros(24)
G[[3, 8, 13, 19]] = 1, 0.5, 1, -1


def cell(i, f, o):
    """Gates (T,) -> c, h (T,) of the library's cell. Each gate's wire carries what its sigmoid or tanh needs."""
    wires = [np.clip(np.log(gate) - np.log1p(-gate), -40, 40) for gate in np.clip([i, f, o], 1e-18, 1 - 1e-16)]
    xs = np.stack([wires[0], wires[1], np.arctanh(np.clip(G, -1 + 1e-15, 1 - 1e-15)), wires[2]], axis=-1)
    p = lstm.Params(W_x=np.eye(4), W_h=np.zeros((4, 1)), b=np.zeros(4))
    states = scan.scan(lstm.step, p, weights.zeros_state(lstm.State, 1, 1), xs[:, None])
    return np.array([[s.c.item(), s.h.item()] for s in states[1:]]).T


def drawn(tab, name):
    """The values (T,) of a line of stairs; they begin and end at zero."""
    d = tab.locator(f"[data-widget=gates] [data-line={name}]").get_attribute("d")
    return np.array([float(v) for v in re.findall(r"V([^HV]+)", d)])[:-1]


def said(tab, widget):
    return tab.locator(f"[data-widget={widget}] .said").inner_text().replace("−", "-")


def press(control, *keys):
    control.focus()
    for key in keys:
        control.page.keyboard.press(key)


def slider(tab, label, widget="gates"):
    return tab.locator(f"[data-widget={widget}]").get_by_role("slider", name=label)


def test_gates_moved_by_keyboard_give_what_the_library_gives(visit):
    tab = visit(CHAPTER)
    full = np.ones(24)

    def agrees(i, f, o):
        for name, want in zip("ifoch", (i, f, o, *cell(i, f, o)), strict=True):
            np.testing.assert_allclose(drawn(tab, name), want, atol=1e-4, err_msg=name)

    agrees(0.8 * full, 0.9 * full, 0.7 * full)
    press(slider(tab, "f forget gate"), "End", *["ArrowLeft"] * 3)
    press(slider(tab, "i input gate"), *["ArrowLeft"] * 5)
    press(slider(tab, "o output gate"), "Home", *["ArrowRight"] * 42)
    agrees(0.75 * full, 0.97 * full, 0.42 * full)

    steps = np.arange(24)
    for label in ("open at step 3 only", "closed at step 16", "closed up to step 19"):
        press(tab.get_by_role("checkbox", name=label), "Space")
    i, f, o = 0.75 * (steps == 3), 0.97 * (steps != 16), 0.42 * (steps >= 20)
    agrees(i, f, o)
    press(tab.get_by_role("checkbox", name="closed at step 16"), "Space")
    agrees(i, 0.97 * full, o)

    press(slider(tab, "step to read"), "End")
    c, h = cell(i, 0.97 * full, o)
    numbers = [float(v) for v in re.findall(r"-?\d+\.\d+", said(tab, "gates"))]
    want = [0.97, c[22], 0, 0, c[23], 0.42, np.tanh(c[23]), h[23]]
    np.testing.assert_allclose(numbers, want, atol=0.0051)
    assert tab.locator("[data-widget=gates] [data-line=mark]").get_attribute("d") == "M23 0V1"

    press(tab.get_by_role("button", name="Start again"), "Enter")
    tab.wait_for_function("document.querySelector('[data-widget=gates] .said').textContent.startsWith('Step 8')")
    agrees(0.8 * full, 0.9 * full, 0.7 * full)
    assert tab.complaints == []


def test_the_half_life_is_that_of_step_backward(visit):
    tab = visit(CHAPTER)
    control = slider(tab, "f forget gate", "half-life")
    widget = tab.locator("[data-widget=half-life]")
    n = np.array([int(v) for v in widget.get_attribute("data-n").split()])
    at = {0: (0.5, "1 step"), 10: (0.731, "2.2 steps"), 46: (0.99, "69 steps")}
    at |= {50: (0.9933, "103 steps"), 69: (0.999, "693 steps")}
    press(control, "Home")
    for place in range(71):
        if place in at:
            f, steps = at[place]
            p = lstm.Params(np.zeros((4, 1)), np.zeros((4, 1)), b=np.array([0, np.log(f / (1 - f)), 0, 0]))
            zero, d, left = np.zeros((1, 1)), lstm.State(h=np.zeros((1, 1)), c=np.ones((1, 1))), []
            for _ in range(1000):
                _, d, _ = lstm.step_backward(p, lstm.State(zero, zero), zero, d)
                left.append(d.c.item())
            points = widget.locator("[data-line=gradient]").get_attribute("d")[1:].split("L")
            x, y = np.array([point.split() for point in points], float).T
            np.testing.assert_allclose(x, np.log10(n), atol=1e-4)
            np.testing.assert_allclose(y, np.array(left)[n - 1], atol=1e-4)
            half = float(re.match("M(.+) 0.5h0", widget.locator("[data-line=half]").get_attribute("d"))[1])
            assert np.interp(10**half, np.arange(1, 1001), left) == pytest.approx(0.5, abs=0.01)
            assert said(tab, "half-life").startswith(f"f = {f}, a bias of ")
            assert f"half-life is {steps}." in said(tab, "half-life")
            shares = [f"{100 * left[k - 1]:.1f} %" if left[k - 1] >= 0.001 else "less than 0.1 %" for k in (10, 100)]
            assert f"{shares[0]} is left after 10 steps, {shares[1]} after 100" in said(tab, "half-life")
            assert control.get_attribute("aria-valuetext") == f"{f}, half-life {steps}"
        press(control, "ArrowRight")
    for _, (f, steps) in at.items():
        press(widget.get_by_role("button", name=str(f), exact=True), "Enter")
        assert f"half-life is {steps}." in said(tab, "half-life")
    assert tab.complaints == []


def test_a_finger_moves_them_on_a_phone(browser, address):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    tab = context.new_page()
    tab.goto(f"{address}/{CHAPTER}.html")
    for control in tab.locator("[data-widget] :is(input, button)").all():
        box = control.bounding_box()
        target = control.locator("xpath=ancestor-or-self::*[self::label or self::input or self::button][last()]")
        assert target.bounding_box()["height"] >= 43 or box["height"] >= 43, control.get_attribute("name")
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    slider(tab, "f forget gate").tap(position={"x": 14, "y": 20})
    tab.get_by_text("open at step 3 only").tap()
    i, f = drawn(tab, "i"), drawn(tab, "f")
    assert f.max() < 0.1 and np.flatnonzero(i).tolist() == [3]
    np.testing.assert_allclose(drawn(tab, "c"), cell(i, f, drawn(tab, "o"))[0], atol=1e-3)
    tab.get_by_role("button", name="0.999", exact=True).tap()
    assert "693 steps" in said(tab, "half-life")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_without_scripts_they_show_the_same_picture_and_sentence(visit, browser, address):
    moving = visit(CHAPTER)
    context = browser.new_context(java_script_enabled=False)
    still = context.new_page()
    still.goto(f"{address}/{CHAPTER}.html")
    for widget in WIDGETS:
        assert said(still, widget) == said(moving, widget) and len(said(still, widget)) > 60
        assert still.locator(f"[data-widget={widget}] svg").is_visible()
        assert not still.locator(f"[data-widget={widget}] form").is_visible()
        assert moving.locator(f"[data-widget={widget}] form").is_visible()
        lines = f"[data-widget={widget}] [data-line]"
        for a, b in zip(still.locator(lines).all(), moving.locator(lines).all(), strict=True):
            a, b = (re.findall(r"-?[\d.]+", path.get_attribute("d")) for path in (a, b))
            np.testing.assert_allclose(np.array(a, float), np.array(b, float), atol=1.1e-4)
    context.close()


def test_they_work_in_a_book_opened_from_disk(browser, site):
    tab = browser.new_page()
    tab.goto((site / f"{CHAPTER}.html").as_uri())
    before = drawn(tab, "c")
    press(slider(tab, "f forget gate"), "Home")
    assert (drawn(tab, "c") != before).any()
    tab.close()


def test_they_follow_the_switch_of_the_theme_and_ask_for_nothing_more(visit):
    tab = visit(CHAPTER, mode="light")
    stroke = "e => getComputedStyle(e).stroke"
    lines = tab.locator("[data-widget] :is([data-line=c], [data-line=gradient], [data-line=half])")
    light = [line.evaluate(stroke) for line in lines.all()]
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    while tab.evaluate("document.documentElement.dataset.theme") != "dark":
        tab.locator("button.theme-switch-button:visible").first.click()
    press(slider(tab, "i input gate"), "Home")
    assert len(light) == 3
    assert all(line.evaluate(stroke) != before for line, before in zip(lines.all(), light, strict=True))
    assert asked == [] and tab.complaints == []


def test_nothing_moves_by_itself_and_other_pages_do_not_pay(site):
    script, look = ((site / "_static" / f"widgets.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
    assert len(script) + len(look) < 10_000
    assert not re.search("transition|animation|requestAnimationFrame|setInterval", script + look)
    for path in site.glob("*.html"):
        page = path.read_text(encoding="utf-8")
        assert ("widgets.js" in page) == ("widgets.css" in page) == ("data-widget=" in page), path.name
