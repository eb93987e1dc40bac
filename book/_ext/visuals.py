"""The visual language on the pages.

    ```{diagram} lstm          a drawing from diagrams.py, put into the page as text, so that it follows the theme
    :lit: f                    quantities that stay bright; the rest is dimmed
    :name: fig-forget
    The forget gate scales the memory.
    ```

Also: palette.css, the letters \\qf, \\qc, … of equations, and the names i f g o c h x r z n in Python code, which get
a class of their own and are coloured in blocks with the class `letters` (a cell: the tag `letters`).
"""

from pathlib import Path

import diagrams
from docutils import nodes
from docutils.parsers.rst import directives
from IPython.lib.lexers import IPython3Lexer
from pygments.filter import Filter
from pygments.lexers import PythonLexer
from pygments.token import STANDARD_TYPES, Name
from sphinx.util.docutils import SphinxDirective

from lstmcore.plotting.palette import COLOURS, LETTERS, css


class Drawing(SphinxDirective):
    """A figure of what `html` draws, by functions of the file `drawn_by`; the directive's content is its caption."""

    required_arguments, has_content = 1, True
    option_spec = {"name": directives.unchanged}  # noqa: RUF012

    def run(self):
        try:
            html = self.html()
        except ValueError as error:
            raise self.error(str(error)) from error
        figure = nodes.figure("", nodes.raw("", html, format="html"))
        if self.content:
            caption, _ = self.state.inline_text(" ".join(self.content), self.lineno)
            figure += nodes.caption("", "", *caption)
        self.add_name(figure)
        self.env.note_dependency(self.drawn_by)
        return [figure]


class Diagram(Drawing):
    option_spec = Drawing.option_spec | {"lit": directives.unchanged}
    drawn_by = diagrams.__file__

    def html(self):
        key = f"diagram-{self.env.new_serialno('diagram')}"
        return diagrams.draw(self.arguments[0], key, self.options.get("lit", ""))


class Coloured(Filter):
    """The token Name `f` becomes Name.Qf, and so `<span class="n q-code-f">`."""

    def filter(self, lexer, stream):
        for kind, value in stream:
            yield (getattr(Name, f"Q{LETTERS[value]}") if kind in Name and value in LETTERS else kind), value


def with_letters(lexer):
    def start(self, **options):
        lexer.__init__(self, **options)
        self.add_filter(Coloured())

    return type(lexer.__name__ + "WithLetters", (lexer,), {"__init__": start})


def equation_letters(app, config):
    macros = {f"q{letter}": rf"\class{{q-{q}}}{{{letter}}}" for letter, q in LETTERS.items()}
    config.mathjax3_config = {
        "loader": {"load": ["[tex]/html"]},
        "tex": {"packages": {"[+]": ["html"]}, "macros": macros},
    }


def write_palette(app, error):
    if not error and app.builder.format == "html":
        (Path(app.outdir) / "_static" / "palette.css").write_text(css())


def setup(app):
    for q in COLOURS:
        STANDARD_TYPES[getattr(Name, f"Q{q}")] = f"n q-code-{q}"
    for alias, lexer in (("python", PythonLexer), ("ipython3", IPython3Lexer)):
        app.add_lexer(alias, with_letters(lexer))
    app.add_directive("diagram", Diagram)
    app.add_css_file("palette.css", priority=100)
    app.connect("config-inited", equation_letters, priority=100)  # before MyST-Parser adds its part
    app.connect("build-finished", write_palette)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
