"""Pictures that a reader can move.

    ```{widget} gates
    :name: fig-try-gates
    The caption.
    ```

The page holds the picture and a sentence as they stand at first, drawn here with numbers from lstmcore: that is what
one sees where there is no JavaScript. _widgets/widgets.js, which only pages with a widget ask for, shows the controls
and draws again at each move. Inside a picture's <g> one unit is one step and a value of one, so that the script needs
to know no layout, and paths say numbers that a test can read.
"""

from pathlib import Path

import numpy as np
from visuals import Drawing

from lstmcore.numpy import lstm
from lstmcore.scan import scan
from lstmcore.weights import zeros_state

FOLDER = Path(__file__).parents[1] / "_widgets"

# the gates
PULSES = {3: 1, 8: 0.5, 13: 1, 19: -1}  # step -> candidate; 0 at all others
STEPS = 24
FIRST = {"i": 0.8, "f": 0.9, "o": 0.7}  # where the sliders stand
MARKED = 8
NAMES = {"i": "input gate", "f": "forget gate", "o": "output gate"}
CLOSED = {  # gate -> (words, steps at which it is 0 if the box is ticked)
    "i": ("open at step 3 only", [t for t in range(STEPS) if t != 3]),
    "f": ("closed at step 16", [16]),
    "o": ("closed up to step 19", list(range(20))),
}

# the half-life
SYLLABUS = (0.5, 0.731, 0.99, 0.9933, 0.999)
LONGEST = 1000


def run(i, f, g, o):
    """Four signals (T,) each -> c, h (T,): lstm.step with weights that hand each input on to its own gate."""
    p = lstm.Params(W_x=np.eye(4), W_h=np.zeros((4, 1)), b=np.zeros(4))
    xs = np.stack([logit(i), logit(f), np.arctanh(np.clip(g, -1 + 1e-15, 1 - 1e-15)), logit(o)], axis=-1)[:, None]
    states = scan(lstm.step, p, zeros_state(lstm.State, B=1, H=1), xs)[1:]
    return np.array([s.c for s in states]).ravel(), np.array([s.h for s in states]).ravel()


def logit(v):
    return np.log(np.maximum(v, 1e-15)) - np.log(np.maximum(1 - np.asarray(v), 1e-15))


def gradient_left(f):
    """dL/dc (LONGEST,) at 1, 2, … steps back, by lstm.step_backward with a forget gate that is always f."""
    p = lstm.Params(W_x=np.zeros((4, 1)), W_h=np.zeros((4, 1)), b=np.array([0, logit(f), 0, 0]))
    state, d = zeros_state(lstm.State, B=1, H=1), lstm.State(h=np.zeros((1, 1)), c=np.ones((1, 1)))
    left = []
    for _ in range(LONGEST):
        _, d, _ = lstm.step_backward(p, state, np.zeros((1, 1)), d)
        left.append(d.c.item())
    return np.array(left)


def half_life(f):
    return np.log(0.5) / np.log(f)


# ---- drawing: widgets.js writes the same paths and sentences


def stairs(values):
    """A flat piece for each step, from and to zero."""
    return "M-0.5 0" + "".join(f"V{round(v, 4):g}H{t + 0.5:g}" for t, v in enumerate(values)) + "V0"


def curve(steps, values):
    return "M" + "L".join(f"{round(np.log10(n), 4):g} {round(v, 4):g}" for n, v in zip(steps, values, strict=True))


def number(v):
    return f"{v:.2f}".replace("-", "−")


def text(x, y, words, anchor="middle", classes="quiet"):
    return f'<text class="{classes}" x="{x}" y="{y:g}" text-anchor="{anchor}">{words}</text>'


def unit(x, y, width, height, body):
    """Inside, one to the right is `width` wide and one up is `height` high."""
    return f'<g transform="translate({x} {y}) scale({width} {-height})">{body}</g>'


def draw_gates():
    left, wide, bottom = 66, 21, 402  # where step 0 stands; width of a step; end of the bands
    g = np.array([PULSES.get(t, 0) for t in range(STEPS)])
    signals = {name: np.full(STEPS, v) for name, v in FIRST.items()} | {"g": g}
    c, h = run(**signals)
    signals |= {"c": c, "h": h}

    parts = []
    bands = [  # where zero is, height of a one, the values at the axis
        ("g", 36, 22, (-1, 1)), ("i", 106, 26, (0, 1)), ("f", 154, 26, (0, 1)),
        ("c", 246, 26, (-1, 0, 1, 2)), ("o", 320, 26, (0, 1)), ("h", 368, 22, (-1, 1)),
    ]  # fmt: skip
    for name, zero, high, ticks in bands:
        grid = "".join(f"M-0.5 {v}H{STEPS - 0.5}" for v in {0, *ticks})
        line = f'<path class="stairs" data-line="{name}" d="{stairs(signals[name])}"/>'
        middle = zero - high * (ticks[0] + ticks[-1]) / 2
        parts += [f'<g style="--q: var(--q-{name})">', text(16, middle + 8, name, classes="letter")]
        parts += [text(48, zero - high * v + 5, f"{v}".replace("-", "−"), "end") for v in ticks]
        parts += [unit(left, zero, wide, high, f'<path class="grid" d="{grid}"/>{line}'), "</g>"]
    parts += [unit(left, bottom, wide, bottom, f'<path class="mark" data-line="mark" d="M{MARKED} 0V1"/>')]
    parts += [text(left + wide * t, bottom + 20, t) for t in range(0, STEPS, 5)]
    parts += [text(left + wide * (STEPS - 1), bottom + 20, "step")]

    t = MARKED
    i, f, o = (number(FIRST[name]) for name in "ifo")
    said = (
        f"Step {t}: c′ = f c + i g, h′ = o tanh c′\n"
        f"c′ = {f} × {number(c[t - 1])} + {i} × {number(g[t])} = {number(c[t])}\n"
        f"h′ = {o} × {number(np.tanh(c[t]))} = {number(h[t])}"
    )
    rows = ""
    for name, (words, steps) in CLOSED.items():
        label = f"<i>{name}</i> {NAMES[name]}"
        closed = f'<input type="checkbox" name="{name}-closed" value="{" ".join(map(str, steps))}">'
        row = slider("gates", name, label, f'max="1" step="0.01" value="{FIRST[name]}"', number(FIRST[name]))
        rows += f'<div style="--q: var(--q-{name})">{row}<label>{closed} {words}</label></div>'
    row = slider("gates", "step", "step to read", f'max="{STEPS - 1}" step="1" value="{t}"', t)
    rows += f'<div style="--q: var(--pst-color-text-muted)">{row}<button type="reset">Start again</button></div>'
    title = f"Six signals of a cell over {STEPS} steps"
    says = (
        "From top to bottom: the candidate g with four pulses, the gates i and f, the memory c, the gate o and the "
        "state h. A dashed line marks the step whose numbers stand below."
    )
    return bottom + 28, title, says, parts, rows, said, {"g": " ".join(f"{v:g}" for v in g)}


def draw_half_life():
    left, wide, zero, high = 48, 166, 216, 172  # a decade is `wide`
    biases = np.arange(0, 7.05, 0.1)
    fs = 1 / (1 + np.exp(-biases))
    for f in SYLLABUS:
        fs[np.abs(biases - logit(f)).argmin()] = f
    first = int(np.flatnonzero(fs == 0.99)[0])
    steps = np.unique(np.round(np.geomspace(1, LONGEST, 80)).astype(int))

    right = np.log10(LONGEST)
    left_of = {f: gradient_left(f) for f in SYLLABUS}
    halves = {f: np.log10(half_life(f)) for f in SYLLABUS}
    grid = f"M0 0H{right}M0 0.5H{right}M0 1H{right}" + "".join(f"M{k} 0V1" for k in range(4))
    body = f'<path class="grid" d="{grid}"/>'
    for f in SYLLABUS:
        body += f'<path class="still" d="{curve(steps, left_of[f][steps - 1])}"/>'
        body += f'<path class="mark" d="M{halves[f]:.4f} 0.5V1.06"/>'
    body += f'<path class="gradient" data-line="gradient" d="{curve(steps, left_of[0.99][steps - 1])}"/>'
    body += f'<path class="dot" data-line="half" style="--q: var(--q-f)" d="M{halves[0.99]:.4f} 0.5h0"/>'
    parts = [unit(left, zero, wide, high, body), text(left + wide * right, 14, "half-life in steps", "end")]
    for f, x in halves.items():
        aside = {0.99: -5, 0.9933: 5}.get(f, 0)  # these two stand close
        half = f"{half_life(f):.{1 if x < 1 else 0}f}".removesuffix(".0")
        parts.append(text(round(left + wide * x + aside), 31, half))
    parts += [text(38, zero - high * v + 5, word, "end") for v, word in ((0, "0"), (0.5, "½"), (1, "1"))]
    parts += [text(left + wide * k, zero + 22, f"{10**k:,}") for k in range(4)]
    parts += [text(left + wide * right / 2, zero + 46, "steps back")]

    after = [f"{100 * left_of[0.99][n - 1]:.1f} %" for n in (10, 100)]
    said = (
        f"f = 0.99, a bias of {number(logit(0.99))}: the half-life is {half_life(0.99):.0f} steps.\n"
        f"Of a gradient, {after[0]} is left after 10 steps, {after[1]} after 100."
    )
    row = slider("half-life", "f", "<i>f</i> forget gate", f'max="{len(fs) - 1}" step="1" value="{first}"', "0.99")
    places = {f: int(np.flatnonzero(fs == f)[0]) for f in SYLLABUS}
    buttons = "".join(f'<button type="button" value="{place}">{f}</button>' for f, place in places.items())
    rows = f'<div style="--q: var(--q-f)">{row}<span role="group" aria-label="set f to">{buttons}</span></div>'
    title = "How much of a gradient is left, over 1 to 1,000 steps back"
    says = (
        "Five curves f to the power n that fall from near 1 to 0, on a logarithmic axis of steps. They cross one half "
        "at 1, 2.2, 69, 103 and 693 steps, for f = 0.5, 0.731, 0.99, 0.9933 and 0.999. The sentence below tells of the "
        "curve that is drawn boldly."
    )
    data = {"f": " ".join(f"{f:.6g}" for f in fs), "n": " ".join(map(str, steps))}
    return zero + 54, title, says, parts, rows, said, data


def slider(widget, name, label, numbers, value):
    key = f"{widget}-{name}"
    return (
        f'<label for="{key}">{label}</label><input type="range" id="{key}" name="{name}" min="0" {numbers}>'
        f'<output for="{key}" aria-live="off">{value}</output>'
    )


ALL = {"gates": draw_gates, "half-life": draw_half_life}


def draw(name):
    if name not in ALL:
        raise ValueError(f"there is no widget {name!r}; it should be one of {', '.join(ALL)}.")
    height, title, says, parts, rows, said, data = ALL[name]()
    data = "".join(f' data-{key}="{value}"' for key, value in data.items())
    return (
        f'<div class="widget" data-widget="{name}"{data}>\n'
        f'<svg class="diagram" viewBox="0 0 580 {height:g}" role="img" aria-labelledby="{name}-title {name}-says">'
        f'<title id="{name}-title">{title}</title><desc id="{name}-says">{says}</desc>\n'
        + "\n".join(parts)
        + f'\n</svg>\n<p class="said" aria-live="polite">{said}</p>\n'
        f'<form hidden autocomplete="off" aria-label="{title}">\n{rows}\n</form>\n</div>'
    )


class Widget(Drawing):
    drawn_by = __file__

    def html(self):
        return draw(self.arguments[0])


def serve(app, config):
    config.html_static_path.append(str(FOLDER))


def ask_for_script(app, page, template, context, doctree):
    if 'class="widget"' in context.get("body", ""):
        app.add_js_file("widgets.js", loading_method="defer")
        app.add_css_file("widgets.css")


def setup(app):
    app.add_directive("widget", Widget)
    app.connect("config-inited", serve)
    app.connect("html-page-context", ask_for_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
