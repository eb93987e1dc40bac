import argparse
import threading
import urllib.request
from types import SimpleNamespace

import pytest

from coursekit import book, serve


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course whose builder writes one page; .code is what it returns, .kept what it found of an earlier build."""
    site = tmp_path / "_build" / "html"
    builder = SimpleNamespace(code=0, kept=None)

    def run(command, **_):
        builder.kept = (site / "index.html").exists()
        (site / "_sources").mkdir(parents=True, exist_ok=True)
        (site / "_sources" / "index.md").write_text("")
        (site / "index.html").write_text("a page")
        (site / "a.mjs").write_text("1")
        return SimpleNamespace(returncode=builder.code)

    monkeypatch.setattr(book, "ROOT", tmp_path)
    monkeypatch.setattr(book, "SITE", site)
    monkeypatch.setattr(book, "MADE", tmp_path / "_build" / "made.txt")
    monkeypatch.setattr(book.subprocess, "run", run)
    (tmp_path / "book" / "_static").mkdir(parents=True)
    (tmp_path / "book" / "_static" / "custom.css").write_text("a {}")
    builder.root = tmp_path
    return builder


def test_a_build_says_how_many_pages_and_where(course, capsys):
    assert not book.main(None)
    said = capsys.readouterr().out
    assert "1 pages" in said
    assert str(book.SITE / "index.html") in said


def test_a_second_build_keeps_the_site_until_the_look_changes(course):
    book.main(None)
    book.main(None)
    assert course.kept
    (course.root / "book" / "_static" / "custom.css").write_text("b {}")
    book.main(None)
    assert not course.kept


def test_a_build_that_failed_is_repeated_in_full(course):
    course.code = 1
    assert book.main(None) == 1
    course.code = 0
    book.main(None)
    assert not course.kept


def test_a_port_that_is_taken_gives_the_next(course):
    with serve.server(0) as first, serve.server(first.server_port) as second:
        assert second.server_port > first.server_port


def test_a_port_that_does_not_exist_is_answered_with_a_sentence():
    with pytest.raises(SystemExit, match="No port from 99999"):
        serve.server(99999)


def test_serve_builds_what_is_missing_and_serves_scripts_as_scripts(course, monkeypatch):
    with serve.server(0) as site:
        book.main(argparse.Namespace())
        threading.Thread(target=site.serve_forever, daemon=True).start()
        with urllib.request.urlopen(f"http://127.0.0.1:{site.server_port}/a.mjs") as answer:
            assert answer.headers["Content-Type"] == "text/javascript"
            assert answer.read() == b"1"
        site.shutdown()
