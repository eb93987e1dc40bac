"""What a build does besides rendering pages: run cells afresh when the library changed, and keep the site small."""

import hashlib
import os
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
# all that a page asks for
MATHJAX_KEPT = ("tex-chtml.js", "input/tex/extensions/html.js", "output/chtml/fonts/woff-v2/")


def library_digest():
    """Changes with any line of lstmcore and any result: MyST-NB caches a page's output by its cells alone."""
    sources = sorted([*(ROOT / "lstmcore").rglob("*.py"), *(ROOT / "experiments" / "results").glob("*.json")])
    return hashlib.sha1(b"".join(path.read_bytes() for path in sources)).hexdigest()


def drop_stale_outputs(app, config):
    cache = Path(config.nb_execution_cache_path or Path(app.outdir).parent / ".jupyter_cache")
    stamp = cache.parent / ".lstmcore_digest"
    if not stamp.exists() or stamp.read_text() != config.lstmcore_digest:
        shutil.rmtree(cache, ignore_errors=True)
        cache.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(config.lstmcore_digest)


def each_script_once(app, page, template, context, doctree):
    """Sphinx 7.2 to 7.4 lists inline scripts twice, and `const` declared twice is an error on every page."""
    seen = {}
    for script in context.get("script_files", []):
        name = getattr(script, "filename", script) or ""  # None or "" where the script is inline
        seen.setdefault((name, getattr(script, "attributes", {}).get("body")), script)
    context["script_files"] = list(seen.values())


def a_list_has_items(app, page, template, context, doctree):
    """docutils puts the references into role="list", but gives each a role that is no list item's."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def thin_mathjax(app, error):
    """sphinx-mathjax-offline copies 24 MB, of which pages load one script, one extension and the fonts."""
    folder = Path(app.outdir) / "_static" / "mathjax"
    for path in folder.rglob("*"):
        if path.is_file() and not path.relative_to(folder).as_posix().startswith(MATHJAX_KEPT):
            path.unlink()
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def setup(app):
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # cells inherit it: small products run faster so, and the same on every machine
    os.environ["PYTHONPATH"] = str(ROOT)  # and can import `experiments`, which is not installed
    app.add_config_value("lstmcore_digest", library_digest(), "env", [str])  # "env": a change reads every page again
    app.connect("config-inited", drop_stale_outputs)
    app.connect("html-page-context", each_script_once, priority=900)
    app.connect("html-page-context", a_list_has_items)
    app.connect("build-finished", thin_mathjax)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
