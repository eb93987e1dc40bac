"""The built book, served at localhost, and a Chromium to look at it."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from coursekit import ROOT, system

SITE = ROOT / "_build" / "html"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


@pytest.fixture(scope="session")
def site():
    """The folder of the built book."""
    if not (SITE / "index.html").is_file():
        pytest.fail("there is no _build/html; `make book` builds it.")
    return SITE


@pytest.fixture(scope="session")
def pages(site):
    """The names of the book's own pages: those with a source."""
    return sorted(path.name.removesuffix(".md") for path in Path(site, "_sources").glob("*.md"))


@pytest.fixture(scope="session")
def address(site):
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    path, problem = system.chromium()
    if not path:
        pytest.skip(problem)
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser, address):
    """visit(page, width=, mode=) opens a page of the book. What the browser complained of is in tab.complaints."""
    contexts = []

    def open_tab(name="index", width=1280, mode="light", scale=1):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=mode, device_scale_factor=scale
        )
        context.set_default_timeout(60_000)  # milliseconds: a loaded machine is slow, not wrong
        contexts.append(context)
        tab = context.new_page()
        tab.complaints = []
        tab.on("console", lambda said: said.type == "error" and tab.complaints.append(f"console: {said.text}"))
        tab.on("pageerror", lambda error: tab.complaints.append(f"error: {error}"))
        tab.on("request", lambda asked: outside(asked.url) and tab.complaints.append(f"another host: {asked.url}"))
        tab.on("response", lambda got: got.status >= 400 and tab.complaints.append(f"{got.status}: {got.url}"))
        go(tab, name)
        return tab

    def go(tab, name):
        tab.goto(f"{address}/{name}.html", wait_until="load")
        tab.wait_for_function("!window.MathJax || window.MathJax.startup?.promise !== undefined")
        tab.evaluate("window.MathJax ? window.MathJax.startup.promise.then(() => 1) : 1")

    def outside(url):
        return not url.startswith((address, "data:", "blob:"))

    open_tab.go = go
    yield open_tab
    for context in contexts:
        context.close()
