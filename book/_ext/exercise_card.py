"""An exercise on a page, and all exercises beside the pages.

    ```{exercise-card} 03_lstm/lstm_step
    ```

Title and minutes are read from exercises/03_lstm/lstm_step.ipynb: its first heading, and the words "… minutes".
"""

import json
import re
import shutil
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]


class ExerciseCard(SphinxDirective):
    required_arguments = 1

    def run(self):
        name = f"exercises/{self.arguments[0]}.ipynb"
        path = ROOT / name
        if not path.is_file():
            raise self.error(f"there is no {name}; `python -m coursekit exercises build` writes it.")
        self.env.note_dependency(str(path))
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        title = re.search(r"^# +(?:Exercise[^:]*: *)?(.+)$", text, flags=re.M)
        minutes = re.search(r"(\d+) minutes", text)
        if not title or not minutes:
            raise self.error(f"{name} should have a heading `# …` and say how many minutes it takes: `25 minutes`.")

        up = "../" * self.env.docname.count("/")
        link = nodes.reference("", "Download the notebook", refuri=up + name, internal=True, classes=["download"])
        ways = nodes.paragraph("", f"About {minutes[1]} minutes. ")
        ways += [link, nodes.Text(", or type "), nodes.literal("", "make lab"), nodes.Text(" in a clone and open ")]
        ways += [nodes.literal("", name), nodes.Text(".")]
        head = nodes.title("", "", nodes.Text("Exercise: "), nodes.Text(title[1].strip()))
        return [nodes.admonition("", head, ways, classes=["exercise"], ids=[f"exercise-{path.stem.replace('_', '-')}"])]


def publish(app, error):
    """The notebooks go with the site, under the same path as in the repository."""
    if error or app.builder.format != "html":
        return
    for path in (ROOT / "exercises").glob("*/*.ipynb"):
        target = Path(app.outdir) / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def setup(app):
    app.add_directive("exercise-card", ExerciseCard)
    app.connect("build-finished", publish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
