"""A reader's path through the built book, in a real browser."""

import gzip
import json

import pytest
from axe_playwright_python.sync_playwright import Axe

CHAPTER = "03_lstm"
FIGURE = "figure:has(svg.q-figure)"


def test_from_the_front_page_to_the_chapter(visit):
    tab = visit("index")
    tab.get_by_role("link", name="Start with the LSTM").click()
    tab.wait_for_url(f"**/{CHAPTER}.html*")
    assert tab.get_by_role("heading", level=1).inner_text().startswith("The LSTM")
    assert tab.complaints == []


def test_figures_are_seen_and_have_captions(visit):
    tab = visit(CHAPTER)
    figures = tab.locator(FIGURE)
    assert figures.count() >= 5
    for figure in figures.all():
        figure.scroll_into_view_if_needed()
        box = figure.locator("svg").bounding_box()
        assert box["width"] > 300 and box["height"] > 100
        assert figure.locator(".caption-number").inner_text().startswith("Fig.")


def test_equations_are_typeset_and_numbered(visit):
    tab = visit(CHAPTER)
    tab.wait_for_selector("mjx-container")
    assert tab.locator("mjx-container[display=true]").count() >= 4
    assert tab.locator("mjx-merror").count() == 0
    assert tab.locator("span.eqno").count() >= 4
    f = tab.locator("mjx-container .q-f").first
    assert colour(f) != colour(tab.locator("mjx-container .q-i").first)


def test_tabs_switch_both_ways_and_together(visit):
    tab = visit(CHAPTER)
    sets = tab.locator(".sd-tab-set")
    for name, library in (("PyTorch", "torch.tanh"), ("NumPy", "np.tanh")):
        sets.first.locator("label", has_text=name).click()
        for one in sets.all():
            assert one.locator("input:checked + label").inner_text() == name
            assert library in one.locator(".sd-tab-content:visible").inner_text()
    visit.go(tab, CHAPTER)
    assert sets.first.locator("input:checked + label").inner_text() == "NumPy", "the choice is kept for the next page"


def test_search_finds_the_forget_gate(visit):
    tab = visit("index")
    tab.keyboard.press("Control+k")
    tab.locator("dialog input[type=search], .bd-search input:visible").first.fill("forget gate")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/search.html?q=forget*")
    found = tab.locator("#search-results li a").first
    found.wait_for()
    links = tab.locator("#search-results li a")
    assert any(CHAPTER in link.get_attribute("href") for link in links.all())
    assert tab.complaints == []


def test_an_exercise_can_be_downloaded(visit, pages):
    tab = visit(CHAPTER)
    links = tab.locator(".exercise a.download")
    assert links.count() >= 2
    for link in links.all():
        with tab.expect_download() as download:
            link.click()
        notebook = json.loads(download.value.path().read_text(encoding="utf-8"))
        assert notebook["nbformat"] == 4 and any(cell["cell_type"] == "code" for cell in notebook["cells"])


def test_dark_mode_changes_the_page_and_its_figures(visit):
    tab = visit(CHAPTER, mode="light")
    seen = [
        ("body", "background-color"),
        (f"{FIGURE} path[style*='--q-f']", "stroke"),
        (f"{FIGURE} text", "fill"),
        (".diagram .has-f path", "stroke"),
        ("mjx-container .q-f", "color"),
    ]
    light = [colour(tab.locator(what).first, name) for what, name in seen]
    button = tab.locator("button.theme-switch-button:visible")
    while tab.evaluate("document.documentElement.dataset.theme") != "dark":
        button.first.click()
    dark = [colour(tab.locator(what).first, name) for what, name in seen]
    for (what, _), before, after in zip(seen, light, dark, strict=True):
        assert before != after, f"{what} is {before} in both modes"
    assert tab.complaints == []


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_in_order(visit, pages, width, mode):
    tab = visit("index", width=width, mode=mode)
    for name in pages:
        visit.go(tab, name)
        assert tab.evaluate("document.documentElement.dataset.theme") == mode
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than the screen"
        ids = tab.evaluate("Array.from(document.querySelectorAll('[id]'), e => e.id)")
        assert len(ids) == len(set(ids)), f"{name} has ids twice: {sorted({i for i in ids if ids.count(i) > 1})}"
        assert tab.complaints == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, pages, width, mode):
    tab = visit("index", width=width, mode=mode)
    for name in pages:
        visit.go(tab, name)
        # without equations, which are most of the elements: their colours are held to by test_palette
        found = Axe().run(tab, {"exclude": [["mjx-container"]]}, {"resultTypes": ["violations"]})
        bad = [v for v in found.response["violations"] if v["impact"] in ("serious", "critical")]
        assert not bad, (name, [(v["id"], [node["target"] for node in v["nodes"]]) for v in bad])


def test_a_page_is_not_heavy(browser, address, pages):
    """1.5 MB at most, as a host that compresses sends it, to a reader who has nothing of it yet."""
    for name in pages:
        context, got = browser.new_context(), []
        tab = context.new_page()
        tab.on("response", lambda response, got=got: got.append(response))
        tab.goto(f"{address}/{name}.html", wait_until="networkidle")
        weight = sum(len(gzip.compress(response.body())) for response in got)
        assert len(got) > 5 and weight < 1.5e6, f"{name} weighs {weight / 1e6:.2f} MB"
        context.close()


def test_without_scripts_the_page_still_shows_its_figures(browser, address):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{address}/{CHAPTER}.html")
    assert tab.locator(FIGURE).first.is_visible()
    assert colour(tab.locator("body"), "background-color") == "rgb(255, 255, 255)"
    context.close()


def colour(locator, name="color"):
    return locator.evaluate(f"e => getComputedStyle(e).getPropertyValue('{name}')")
