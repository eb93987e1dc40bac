"""Pictures that the reader can move.

    ```{widget} gate-explorer          or half-life
    :name: fig-explore
    Move the gates, and watch the memory and the state.
    ```

The page holds the picture at its first values, drawn here from lstmcore's numbers, and a sentence that says the same;
so it can be read without JavaScript. widgets.js shows the controls, and redraws. Lines are in the units of their data,
which the transform of their group turns into places: the script knows no places.
"""

import numpy as np
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from lstmcore import weights
from lstmcore.numpy import lstm
from lstmcore.scan import scan

STEPS, PULSES = 20, {2: 0.8, 7: 0.8, 13: -0.8}  # of the candidate g
FIRST = {"i": 0.8, "f": 0.9, "o": 0.7}
NAMES = {"i": "input gate", "f": "forget gate", "o": "output gate"}
CLOSED = {"i": ("5-19", "up to step 4"), "f": ("10-10", "all but step 10"), "o": ("0-15", "from step 16")}
BIAS = 4.6


def memory(i, f, o, g):
    """(c, h), each (T,): one unit whose gates stand still, by lstmcore's own step."""
    b = np.array([*(np.log(gate / (1 - gate)) for gate in (i, f)), 0, np.log(o / (1 - o))])
    p = lstm.Params(W_x=np.array([[0.0], [0], [1], [0]]), W_h=np.zeros((4, 1)), b=b)
    states = scan(lstm.step, p, weights.zeros_state(lstm.State, 1, 1), np.arctanh(g)[:, None, None])[1:]
    return np.array([(s.c.item(), s.h.item()) for s in states]).T


def path(xs, ys):
    return "M" + "L".join(f"{x:.3f} {y:.4f}" for x, y in zip(xs, ys, strict=True))


def line(q, part, d, extra=""):
    return f'<path class="line {extra}" style="--q: var(--q-{q})" data-part="{part}" d="{d}"/>'


def gate_explorer():
    t, g = np.arange(STEPS), np.array([PULSES.get(k, 0.0) for k in range(STEPS)])
    c, h = memory(**FIRST, g=g)
    bands, svg = {"g": (44, 28, [0]), "c": (150, 36, [0, 1]), "h": (232, 36, [0, 1])}, ""
    lines = {"g": "".join(f"M{k} 0V{v}" for k, v in enumerate(g) if v), "c": path(t, c), "h": path(t, h)}
    for q, (y, unit, ticks) in bands.items():
        svg += f'<g transform="translate(44 {y}) scale(24 -{unit})">'
        svg += "".join(f'<path class="grid" d="M0 {tick}H{STEPS - 1}"/>' for tick in ticks)
        svg += line(q, q, lines[q]) + "</g>"
        svg += f'<text class="letter" style="--q: var(--q-{q})" x="14" y="{y + 7}">{q}</text>'
        svg += "".join(f'<text class="quiet" x="516" y="{y - tick * unit + 5}">{tick}</text>' for tick in ticks)
    svg += "".join(f'<text class="quiet" x="{44 + 24 * k}" y="292">{k}</text>' for k in (0, 5, 10, 15, 19))
    svg += '<text class="quiet" x="272" y="318">step</text>'
    title = (
        "Three bands over twenty steps: pulses of the candidate g up at steps 2 and 7 and down at step 13, the memory "
        "c that adds them up and fades, the state h."
    )
    controls = ""
    for gate, value in FIRST.items():
        closed, when = CLOSED[gate]
        controls += slider(f"{NAMES[gate]} <i>{gate}</i>", gate, gate, 0, 1, 0.01, f"{value:.2f}")
        controls += f'<select name="when-{gate}" aria-label="when the {NAMES[gate]} is open">'
        controls += f'<option value="">at every step</option><option value="{closed}">{when}</option></select></div>'
    said = f"At step 19 the memory c is {c[-1]:.2f} and the state h is {h[-1]:.2f}.".replace("-", "−")
    return widget("gate-explorer", 540, 324, title, svg, controls, said, g=" ".join(map(str, g)))


def half_life():
    f = 1 / (1 + np.exp(-BIAS))
    log_n, half = np.linspace(0, 4, 161), np.log(0.5) / np.log(f)
    svg = '<g transform="translate(48 214) scale(115 -180)">'
    svg += '<path class="grid" d="M0 0H4M0 .5H4M0 1H4M0 0V1M1 0V1M2 0V1M3 0V1M4 0V1"/>'
    svg += line("d", "mark", f"M{np.log10(half):.3f} .5V0", "thin") + line("f", "curve", path(log_n, f**10**log_n))
    svg += "</g>"
    marks = [(0, "1"), (1, "10"), (2, "100"), (3, "1,000"), (4, "10,000")]
    svg += "".join(f'<text class="quiet" x="{48 + 115 * k}" y="237">{text}</text>' for k, text in marks)
    svg += "".join(
        f'<text class="quiet" x="32" y="{219 - 180 * y}">{text}</text>' for y, text in [(0, 0), (0.5, "½"), (1, 1)]
    )
    svg += '<text class="quiet" x="278" y="262">steps n</text>'
    svg += '<text class="quiet" style="text-anchor: start" x="20" y="16">what is left, fⁿ</text>'
    title = "The curve f to the power n, from one to zero, over one to ten thousand steps on a logarithmic axis."
    controls = slider("forget bias <i>b<sub>f</sub></i>", "bias", "f", 0, 9, 0.1, f"{BIAS:.1f}") + "</div>"
    said = f"Bias {BIAS}, f = {f:.3f}: half of the memory is left after {half:.0f} steps."
    return widget("half-life", 540, 270, title, svg, controls, said)


def slider(label, name, q, low, high, step, value):
    return (
        f'<div style="--q: var(--q-{q})"><label><span>{label}</span><input type="range" name="{name}" min="{low}" '
        f'max="{high}" step="{step}" value="{value}" autocomplete="off"></label><output>{value}</output>'
    )


def widget(kind, width, height, title, svg, controls, said, **data):
    held = "".join(f' data-{key}="{value}"' for key, value in data.items())
    svg = f'<svg class="diagram" viewBox="0 0 {width} {height}" role="img"><title>{title}</title>{svg}</svg>'
    controls = f'<form class="controls" hidden>{controls}</form><p class="said" role="status">{said}</p>'
    return f'<div class="widget" data-widget="{kind}"{held}>{svg}{controls}</div>'


DRAWN = {"gate-explorer": gate_explorer, "half-life": half_life}


class Widget(SphinxDirective):
    required_arguments, has_content = 1, True
    option_spec = {"name": directives.unchanged}  # noqa: RUF012

    def run(self):
        if self.arguments[0] not in DRAWN:
            raise self.error(f"There is no widget {self.arguments[0]}; there are {' and '.join(DRAWN)}.")
        figure = nodes.figure("", nodes.raw("", DRAWN[self.arguments[0]](), format="html"), classes=["q-widget"])
        caption, _ = self.state.inline_text(" ".join(self.content), self.lineno)
        figure += nodes.caption("", "", *caption)
        self.add_name(figure)
        self.env.note_dependency(__file__)
        return [figure]


def setup(app):
    app.add_directive("widget", Widget)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
