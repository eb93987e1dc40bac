"""The questions of a section “Check yourself”: which choice is right is read from its answer's first word.

    **1. The forget gate is 0. The old memory**

    :::{dropdown} is kept
    The other way round: …
    :::
    :::{dropdown} is gone
    Right: …
    :::

A choice gets the class `right` or `wrong`, which custom.css marks once it is open, and stands in a group that has the
question as its name. No script: a choice is the browser's own <details>.
"""

from docutils import nodes
from sphinx_design.shared import is_component


class question(nodes.container):  # a plain container where a builder is not HTML's
    pass


def visit_question(writer, node):
    writer.body.append(f'<div class="question" role="group" aria-labelledby="{node["label"]}">')


def depart_question(writer, node):
    writer.body.append("</div>")


def mark(app, doctree):
    for section in list(doctree.findall(nodes.section)):
        if "check-yourself" in section["ids"]:
            for number, child in enumerate(list(section)):
                if isinstance(child, nodes.paragraph) and any(child.findall(nodes.strong)):
                    child["ids"].append(f"question-{number}")
                    box = question(label=f"question-{number}")
                    section.replace(child, box)
                    box += child
                elif is_component(child, "dropdown"):
                    right = child[1].astext().startswith("Right")  # [0] is the choice, [1] the first word about it
                    child["container_classes"] += ["choice", "right" if right else "wrong"]
                    section.remove(child)
                    box += child


def setup(app):
    app.add_node(question, html=(visit_question, depart_question))
    app.connect("doctree-read", mark)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
