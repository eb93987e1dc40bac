"""The course's diagrams as SVG text: one function is one picture, on a grid of 10 units, 580 wide.

The first argument of a part says which quantities it belongs to: "c f" is the product f * c, drawn in c's colour and
lit with c as well as with f; "c- o" is drawn in c's colour and lit with o alone. Where two lines meet there is a dot;
a crossing without a dot is no meeting. Wide lines carry the state, thin lines a signal. The colours and the dimming
are in figures.css.
"""

from functools import partial

GATES = {
    "f": (110, "σ", "forget"),
    "i": (210, "σ", "input"),
    "g": (310, "tanh", "candidate"),
    "o": (410, "σ", "output"),
}
SUBSCRIPTS = {1: "₁", 2: "₂", 3: "₃", "T": '<tspan class="sub" dy="5">T</tspan>'}


def part(quantities, body):
    names = quantities.split()
    lit_by = " ".join(f"has-{q}" for q in names if not q.endswith("-"))
    return f'<g class="part {lit_by}" style="--q: var(--q-{names[0].rstrip("-")})">{body}</g>'


def wire(quantities, *points, head=True, dot=False, wide=False, dash=False, curve=10):
    """A line with rounded corners through the points. `head`: an arrow at its end; `dot`: it starts on another line."""
    path = "M{} {}".format(*points[0])
    for before, (x, y), after in zip(points, points[1:], points[2:], strict=False):
        path += " L{} {} Q{} {} {} {}".format(*toward((x, y), before, curve), x, y, *toward((x, y), after, curve))
    end = points[-1]
    stop = toward(end, points[-2], 7) if head else end
    classes = "wire" + " wide" * wide + " dash" * dash
    body = f'<path class="{classes}" d="{path} L{stop[0]} {stop[1]}"/>'
    if dot:
        body += '<circle class="head" cx="{}" cy="{}" r="4"/>'.format(*points[0])
    if head:
        (tip_x, tip_y), (base_x, base_y) = toward(end, points[-2], -1), toward(end, points[-2], 10)
        side_x, side_y = (0, 6) if base_y == tip_y else (6, 0)
        body += f'<path class="head" d="M{tip_x} {tip_y}L{base_x - side_x} {base_y - side_y}'
        body += f'L{base_x + side_x} {base_y + side_y}z"/>'
    return part(quantities, body)


def toward(start, goal, distance):
    """The point `distance` from start on the way to goal (wires run along the axes)."""
    return tuple(s + distance * ((g > s) - (g < s)) for s, g in zip(start, goal, strict=True))


def box(quantities, x, y, function, name="", width=84, height=54):
    """A unit: its function and, below, its name."""
    body = f'<rect class="box" x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width}" height="{height}" rx="9"/>'
    body += f'<text class="function" x="{x}" y="{y - 3 if name else y + 6}">{function}</text>'
    body += f'<text class="word" x="{x}" y="{y + 18}">{name}</text>' if name else ""
    return part(quantities, body)


def operation(quantities, x, y, sign):
    """A product or a sum, element by element."""
    body = (
        f'<circle class="operation" cx="{x}" cy="{y}" r="13"/><text class="function" x="{x}" y="{y + 6}">{sign}</text>'
    )
    return part(quantities, body)


def letter(quantities, x, y, text):
    return part(quantities, f'<text class="letter" x="{x}" y="{y}">{text}</text>')


def lstm(first=False):
    """One step: c runs along the top, h and x along two rails below, which every gate reads. `first`: that of 1997."""
    gates = {q: gate for q, gate in GATES.items() if not (first and q == "f")}
    squash = "2σ − 1" if first else "tanh"
    parts = [
        '<rect class="body" x="50" y="20" width="480" height="320" rx="16"/>',
        wire("h i f g o", (10, 300), (396, 300), head=False),
        wire("x i f g o", (30, 360), (30, 320), (424, 320), head=False),
    ]
    for q, (x, *_) in gates.items():
        last = q == "o"  # the rails end there: a bend, no dot
        parts.append(wire(f"h {q}", (x - 14, 300), (x - 14, 247), dot=not last))
        parts.append(wire(f"x {q}", (x + 14, 320), (x + 14, 247), dot=not last))
    parts += [
        *([wire("c", (10, 70), (246, 70), wide=True)] if first else FORGET),
        wire("c i g o", (274, 70), (570, 70), wide=True),
        wire("i", (210, 192), (210, 140), (246, 140)),
        wire("g", (310, 192), (310, 140), (274, 140)),
        operation("c i g", 260, 140, "×"),
        wire("c i g", (260, 126), (260, 84)),
        operation("c i g", 260, 70, "+"),
        wire("c- o", (480, 70), (480, 96), dot=True),
        box("c- o", 480, 113, squash, width=80 if first else 64, height=32),
        wire("c- o", (480, 130), (480, 166)),
        wire("o", (410, 192), (410, 180), (466, 180), curve=8),
        operation("h o", 480, 180, "×"),
        wire("h o", (480, 194), (480, 290), (570, 290), wide=True),
    ]
    for q, (x, function, name) in gates.items():
        parts.append(box(q, x, 220, "4σ − 2" if first and q == "g" else function, name))
    parts += [letter("c f", 26, 58, "c"), letter("c i g o", 552, 58, "c′"), letter("h i f g o", 26, 290, "h")]
    parts += [letter("h o", 552, 278, "h′"), letter("x i f g o", 52, 360, "x")]
    places = {"f": (94, 150), "i": (196, 160), "g": (326, 160), "o": (426, 168)}
    parts += [letter(q, *places[q], q) for q in gates]
    title, says = ("One step of the first LSTM", FIRST_SAYS) if first else ("One step of an LSTM", LSTM_SAYS)
    return 370, title, says, parts


FORGET = [
    wire("c f", (10, 70), (96, 70), wide=True),
    wire("c f", (124, 70), (246, 70), wide=True),
    wire("f", (110, 192), (110, 84)),
    operation("c f", 110, 70, "×"),
]
FIRST_SAYS = (
    "The memory c runs along the top, and nothing multiplies it: the product of the input gate i and the candidate g "
    "is added, which gives c prime. c prime, squashed, times the output gate o gives h prime. "
    "All three read h and x from two rails below."
)

LSTM_SAYS = (
    "The memory c runs along the top. It is multiplied by the forget gate f; then the product of the input gate i and "
    "the candidate g is added, which gives c prime. Tanh of c prime times the output gate o gives h prime. "
    "All four read h and x from two rails below."
)


def rnn():
    """A plain recurrent net, unrolled; the gradient d runs back along the same wires."""
    parts = []
    for step, x in {1: 120, 2: 240, 3: 360, "T": 500}.items():
        parts += [wire("x", (x, 240), (x, 178)), letter("x", x, 264, f"x{SUBSCRIPTS[step]}")]
        parts += [box("h", x, 150, "tanh", width=64), wire("h", (x, 123), (x, 66))]
        parts += [letter("h", x, 50, f"h{SUBSCRIPTS[step]}")]
    for start, end in ((30, 88), (152, 208), (272, 328), (440, 468)):
        parts.append(wire("h", (start, 150), (end, 150), wide=True))
    for start, end in ((206, 154), (326, 274), (466, 396)):
        parts.append(wire("d", (start, 166), (end, 166), dash=True))
    parts += [wire("h", (392, 150), (408, 150), wide=True, head=False), letter("h", 424, 154, "…")]
    parts += [letter("h", 40, 138, "h₀"), letter("h", 178, 138, "W"), letter("h", 298, 138, "W")]
    parts += [part("d", '<text class="word" x="430" y="190">∂L/∂h</text>')]
    return 280, "A recurrent net, unrolled in time", RNN_SAYS, parts


RNN_SAYS = (
    "The same cell is repeated for each step. Each step reads its input x and the state h of the step before, through "
    "the same weights W. The gradient runs back along the same path, dashed."
)


def cec():
    """Two self-loops, and what is left of a gradient that runs round them."""
    loops = ((30, "h", "a plain unit", "tanh", "× w", 0.62), (310, "c", "a carousel", "+", "× 1", 1.0))
    parts = []
    for x, q, name, function, factor, kept in loops:
        around = ((x + 146, 130), (x + 176, 130), (x + 176, 60), (x + 54, 60), (x + 54, 130), (x + 84, 130))
        parts += [f'<text class="word strong" x="{x + 115}" y="24">{name}</text>']
        parts += [wire(q, *around, wide=True), box(q, x + 115, 130, function, width=60, height=46)]
        parts += [box(q, x + 115, 60, factor, width=52, height=28)]
        for k in range(12):
            tall = 60 * kept**k
            bar = f'<rect class="bar" x="{x + 20 + 16 * k}" y="{258 - tall:.1f}" width="10" height="{tall:.1f}"/>'
            parts.append(part("d", bar))
        parts += [f'<text class="word quiet" x="{x + 115}" y="284">gradient, 1 … 12 steps back</text>']
    return 296, "A plain unit and the constant error carousel", CEC_SAYS, parts


CEC_SAYS = (
    "Left: a plain unit whose self-loop multiplies by w; the bars of the gradient shrink with every step back. "
    "Right: a unit that adds to itself with weight one; the bars stay equal."
)


def gru():
    """One step, reset after the product: h runs along the top; z and r read two rails, the candidate in two parts."""
    parts = [
        '<rect class="body" x="50" y="20" width="480" height="320" rx="16"/>',
        wire("h z r n", (70, 70), (70, 300), (116, 300), head=False, dot=True),  # in parts: lit as far as it is read
        wire("h r n", (116, 300), (218, 300), head=False),
        wire("h n", (218, 300), (334, 300), (334, 247)),
        wire("x z r n", (30, 360), (30, 320), (144, 320), head=False),
        wire("x r n", (144, 320), (246, 320), head=False),
        wire("x n", (246, 320), (446, 320), (446, 247)),
    ]
    for q, x in (("z", 130), ("r", 232)):
        parts += [wire(f"h {q}", (x - 14, 300), (x - 14, 247), dot=True)]
        parts += [wire(f"x {q}", (x + 14, 320), (x + 14, 247), dot=True)]
    parts += [
        wire("h z", (10, 70), (116, 70), wide=True),
        wire("h z", (144, 70), (432, 70), wide=True),
        wire("h z n", (460, 70), (570, 70), wide=True),
        wire("z", (130, 192), (130, 84)),
        operation("h z", 130, 70, "×"),
        wire("z", (130, 112), (162, 112), dot=True),
        box("z", 184, 112, "1−", width=44, height=30),
        wire("z", (206, 112), (432, 112)),
        wire("r", (232, 192), (232, 160), (320, 160)),
        wire("n r", (334, 192), (334, 174)),
        operation("n r", 334, 160, "×"),
        wire("n r", (348, 160), (390, 160), (390, 220), (404, 220), curve=8),
        wire("n", (446, 192), (446, 126)),
        operation("n z", 446, 112, "×"),
        wire("n z", (446, 98), (446, 84)),
        operation("h z n", 446, 70, "+"),
        box("z", 130, 220, "σ", "update"),
        box("r", 232, 220, "σ", "reset"),
        box("n", 334, 220, "Wh + b", "product"),
        box("n", 446, 220, "tanh", "candidate"),
        letter("h z", 26, 58, "h"),
        letter("h z n", 552, 58, "h′"),
        letter("x r z n", 52, 360, "x"),
        letter("z", 114, 160, "z"),
        letter("r", 216, 180, "r"),
        letter("n", 464, 172, "n"),
    ]
    return 370, "One step of a GRU", GRU_SAYS, parts


GRU_SAYS = (
    "The state h runs along the top. It is multiplied by the update gate z; then the candidate n times one minus z is "
    "added, which gives h prime. The reset gate r multiplies what the candidate reads of h, after the product with the "
    "weights. Both gates read h and x from two rails below."
)


def gru_resets():
    """The two ways to the candidate: the reset before, and after, the product with the weights."""
    parts = []
    for x, name, first, second in ((20, "reset before the product", "×", "W"), (310, "reset after it", "W", "×")):
        parts += [f'<text class="word strong" x="{x + 125}" y="24">{name}</text>', letter("h", x + 4, 86, "h")]
        parts += [wire("h", (x + 16, 80), (x + 42, 80)), letter("n", x + 244, 86, "n")]
        for at, sign in ((x + 64, first), (x + 124, second)):
            if sign == "W":
                parts.append(box("n", at, 80, "W", width=36, height=36))
            else:
                parts += [operation("r", at, 80, "×"), wire("r", (at, 140), (at, 95)), letter("r", at, 166, "r")]
        parts += [wire("r" if first == "×" else "n", (x + 82, 80), (x + 104, 80))]
        parts += [wire("n", (x + 143, 80), (x + 166, 80)), box("n", x + 192, 80, "tanh", width=50, height=36)]
        parts += [wire("n", (x + 218, 80), (x + 236, 80)), wire("x", (x + 192, 140), (x + 192, 99))]
        parts += [letter("x", x + 192, 166, "x")]
    return 180, "The two resets of a GRU", RESETS_SAY, parts


RESETS_SAY = (
    "Left: the state h is multiplied by the reset gate r, and then by the weights W. Right: h is multiplied by W, and "
    "then by r. Both then go with x through a tanh, which gives the candidate n."
)

ALL = {"gru": gru, "gru_resets": gru_resets, "lstm": lstm, "lstm1997": partial(lstm, True), "rnn": rnn, "cec": cec}


def draw(name, key, lit=""):
    """SVG text of a diagram. `lit` names the quantities that stay bright ("i g"); `key` makes its ids unique."""
    if name not in ALL:
        raise ValueError(f"there is no diagram {name!r}; it should be one of {', '.join(ALL)}.")
    height, title, says, parts = ALL[name]()
    classes = "diagram " + name + "".join(f" lit lit-{q}" for q in lit.split())
    if lit:
        title += ", lit: " + ", ".join(lit.split())
    return (
        f'<svg class="{classes}" viewBox="0 0 580 {height}" role="img" aria-labelledby="{key}-title {key}-says">'
        f'<title id="{key}-title">{title}</title><desc id="{key}-says">{says}</desc>\n' + "\n".join(parts) + "\n</svg>"
    )
