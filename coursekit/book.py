"""Build the book with Jupyter Book into _build/html: every cell is run, and every warning is an error."""

import hashlib
import os
import shutil
import subprocess
import sys
import time

from coursekit import ONE_THREAD, ROOT

SITE = ROOT / "_build" / "html"
MADE = ROOT / "_build" / "made.txt"  # of which look the last build was, and whether it passed
# Sphinx looks for changes in the pages; these change all pages. (book/_ext sees to lstmcore, on which cells depend.)
LOOK = ("_config.yml", "book/_toc.yml", "book/_static", "book/_ext", "book/_widgets", "book/references.bib")
COMMAND = ("build", "book", "--config", "_config.yml", "--path-output", ".", "-W", "-n", "--keep-going")


def add_arguments(parser):
    pass


def main(args):
    began = time.monotonic()
    look = digest(LOOK)
    if not MADE.exists() or MADE.read_text() != f"{look} passed":
        for folder in ("html", ".doctrees"):  # what cells printed stays in .jupyter_cache
            shutil.rmtree(SITE.with_name(folder), ignore_errors=True)
    MADE.parent.mkdir(exist_ok=True)
    # A build that failed is repeated in full: Sphinx warns of a page only when it reads it.
    MADE.write_text(f"{look} failed")
    start = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
    built = subprocess.run([sys.executable, "-c", start, *COMMAND], cwd=ROOT, env=os.environ | ONE_THREAD)
    if built.returncode:
        print("\nThe book has errors or warnings: they stand above.", file=sys.stderr)
        return 1
    MADE.write_text(f"{look} passed")
    pages = sum(1 for file in (SITE / "_sources").rglob("*") if file.is_file())
    print(f"\nThe book is built: {pages} pages in {time.monotonic() - began:.0f} s.")
    print(f"Open {SITE / 'index.html'} or type `make serve` (python3 -m coursekit serve).")


def digest(names):
    files = []
    for path in (ROOT / name for name in names):
        files += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path] * path.exists()
    total = hashlib.sha256()
    for file in files:
        if file.suffix != ".pyc":
            total.update(f"{file.relative_to(ROOT).as_posix()}\0".encode() + file.read_bytes() + b"\0")
    return total.hexdigest()
