"""The built pages, read as text."""

import json
import re

import pytest

from coursekit import ROOT

BOOK = ROOT / "book"
PAGES = re.findall(r"(?:root|file): (\S+)", (BOOK / "_toc.yml").read_text(encoding="utf-8"))


@pytest.fixture(params=PAGES)
def page(request, site):
    return (site / f"{request.param}.html").read_text(encoding="utf-8")


def test_figures_of_cells_are_inline_svg(page):
    for output in re.findall(r'<div class="cell_output.*?(?=<div class="cell |</section>)', page, flags=re.S):
        assert "<img" not in output, "a figure fell back to PNG: it should be inline SVG, see lstmcore.plotting.style"


def test_no_cell_shows_an_error_or_a_warning(page):
    for trace in ("Traceback (most recent call last)", "output traceback", 'class="output stderr', "Warning:"):
        assert trace not in page


def test_every_figure_is_described_and_has_a_number(page):
    for svg in re.findall(r"<svg [^>]*>", page):
        if "q-figure" in svg:
            assert re.search(r'role="img" aria-label="[^"]{40,}"', svg), svg
        elif "diagram" in svg:
            assert re.search(r'role="img" aria-labelledby="\S+-title \S+-says"', svg), svg
    drawn = len(re.findall(r'<svg class="(?:q-figure|diagram)', page))
    assert len(re.findall(r"<figcaption>\s*<p><span class=\"caption-number\">Fig\. \d+", page)) == drawn


def test_every_figure_of_a_cell_is_there(site):
    for path in (BOOK / f"{name}.md" for name in PAGES):
        asked = len(re.findall(r"style\.describe\(", path.read_text(encoding="utf-8")))
        page = (site / f"{path.stem}.html").read_text(encoding="utf-8")
        assert page.count('<svg class="q-figure"') == asked, path.name


def test_figures_wear_the_palette_as_variables(page):
    for svg in re.findall(r'<svg class="q-figure".*?</svg>', page, flags=re.S):
        assert "font-family: var(" in svg
        assert not re.search(r"(?<!, )#[0-9a-f]{6}\b", svg), "a colour is written as hex alone: it can't turn dark"
        assert "<style" not in svg, "a style inside an inline SVG reaches the whole page"


def test_pages_keep_to_words_for_colours():
    for path in BOOK.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"#[0-9a-fA-F]{6}\b|\\color\{", text), f"{path.name} names a colour; use style.Q or \\qf"


def test_the_chapter_has_what_a_chapter_has():
    words = {}  # of a chapter, which may have several pages: 03_lstm, 03_lstm_1997, …
    for path in BOOK.glob("[0-9]*.md"):
        text = path.read_text(encoding="utf-8")
        prose = re.sub(r"(?ms)^(`{3,}|\$\$).*?^\1.*?$|^---$.*?^---$", "", text)
        page = len(re.findall(r"[A-Za-z][\w'’-]*", prose))
        assert page <= 3500, f"{path.name} has {page} words"
        words[path.stem[:2]] = words.get(path.stem[:2], 0) + page
        assert ":class: summary language-ko" in text and re.search("[가-힣]", text)
        assert re.search(r"^After this chapter you can$", text, flags=re.M)
        assert "{exercise-card}" in text and "## Sources" in text and "(eq-" in text
    assert all(count >= 1500 for count in words.values()), words


CHOICE = re.compile(
    r'<details class="[^"]*\bchoice (right|wrong)">.*?<span class="sd-summary-text">(.*?)</span>'
    r'<span class="sd-summary-state.*?<div class="sd-summary-content[^>]*>(.*?)</details>',
    flags=re.S,
)


def test_each_page_of_a_chapter_asks_and_every_choice_is_answered(site):
    for path in BOOK.glob("[0-9]*.md"):
        page = (site / f"{path.stem}.html").read_text(encoding="utf-8")
        questions = page.split('<div class="question" role="group"')[1:]
        assert 3 <= len(questions) <= 5, f"{path.name} asks {len(questions)} questions"
        for question in questions:
            asked = re.search("<strong>(.*?)</strong>", question)[1]
            kinds, choices, answers = zip(*CHOICE.findall(question), strict=True)
            assert len(choices) >= 3 and len(choices) == question.count("<details"), asked
            assert kinds.count("right") == 1, f"{asked}: right are {kinds.count('right')} choices"
            for choice, answer in zip(choices, answers, strict=True):
                said = re.sub("<.*?>", "", answer).strip()
                assert len(said) > 20, f"{asked} {choice}: “{said}” says too little"


def test_a_choice_opens_by_keyboard_and_is_marked_without_scripts(browser, address):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{address}/03_lstm.html")
    for kind, sign in (("right", "✓"), ("wrong", "✗")):
        choice = tab.locator(f"details.choice.{kind}").first
        mark = "e => getComputedStyle(e, '::after').content"
        assert sign not in choice.locator(".sd-summary-text").evaluate(mark), "the answer shows before it is asked for"
        choice.locator("summary").focus()
        tab.keyboard.press("Enter")
        assert choice.locator(".sd-summary-content").is_visible()
        assert sign in choice.locator(".sd-summary-text").evaluate(mark)
    context.close()


def test_exercises_are_on_the_site_as_in_the_repository(site):
    notebooks = sorted(path.relative_to(ROOT) for path in (ROOT / "exercises").glob("*/*.ipynb"))
    assert notebooks
    for name in notebooks:
        assert json.loads((site / name).read_bytes()) == json.loads((ROOT / name).read_bytes())


def test_the_site_carries_no_more_of_mathjax_than_pages_load(site):
    files = [path for path in (site / "_static" / "mathjax").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 3e6
