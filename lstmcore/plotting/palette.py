"""One colour per quantity, as a pair: (on the light page, on the dark page). No colour is written anywhere else.

The hues are Okabe & Ito's. Lightness is tuned so that the colours of one picture stay apart for the colour-blind;
tests/site/test_palette.py measures it. The gradient d is the page's ink and is always drawn dashed.
"""

COLOURS = {
    "i": ("#178a5c", "#55b98d"),  # input gate
    "f": ("#b8430a", "#e8743b"),  # forget gate
    "g": ("#d37f01", "#f7c23c"),  # candidate; the GRU calls it n
    "o": ("#1397e0", "#7fd3fb"),  # output gate
    "c": ("#c252a6", "#e585ca"),  # memory
    "h": ("#0b4596", "#3a80dd"),  # state
    "x": ("#4b5058", "#7b8188"),  # input
    "r": ("#776400", "#b09a2c"),  # reset gate
    "z": ("#159a8f", "#25c4ae"),  # update gate
    "d": ("#222832", "#ced6dd"),  # gradient
}
# a letter in text or code -> whose colour it has
LETTERS = {letter: letter for letter in COLOURS if letter != "d"} | {"n": "g"}
PAGES = ("#ffffff", "#121212")  # the page in light and dark mode
TEXT_SHARE = 0.7  # letters are this much colour and the rest ink: darker than a line, so that they can be read


def css():
    """The palette as CSS: --q-f for lines, --q-f-text for letters, the class q-f, and coloured letters in code."""
    rules = []
    for mode, selector in enumerate(("html", 'html[data-theme="dark"]')):
        lines = [f"--q-{q}: {pair[mode]};" for q, pair in COLOURS.items()]
        ink = "var(--pst-color-text-base)"
        lines += [f"--q-{q}-text: color-mix(in oklab, var(--q-{q}) {TEXT_SHARE:.0%}, {ink});" for q in COLOURS]
        rules.append(f"{selector} {{ {' '.join(lines)} }}")
    for q in COLOURS:
        rules.append(f".q-{q}, :is(.letters, .tag_letters) .q-code-{q} {{ color: var(--q-{q}-text) !important; }}")
    return "\n".join(rules) + "\n"
