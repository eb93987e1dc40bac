"""Matplotlib figures that belong to the page: inline SVG, real text, the palette as CSS variables.

`use()` sets the style. A figure is drawn once, with the light palette; `svg` then writes `var(--q-f, #hex)` for each
colour and `currentColor` for the ink, so one drawing follows the page's theme. Where the course's CSS is missing
(JupyterLab, Colab) the hex in the variable shows.
"""

import hashlib
import io
import re
from html import escape

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure

from lstmcore.plotting.palette import COLOURS

Q = {name: light for name, (light, _) in COLOURS.items()}  # Q["f"] is the forget gate's colour
INK = Q["d"]
LEVELS = 48  # of a colour map: from 50 on Matplotlib draws the bar as a bitmap, which can't follow the theme

RC = {
    "figure.figsize": (5.4, 2.6),  # natural size on a desktop, still legible on a phone
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": INK + "66",
    "xtick.color": INK + "99",
    "ytick.color": INK + "99",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": INK + "22",
    "grid.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "font.size": 11,
    "axes.labelsize": 11,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",
    "svg.hashsalt": "lstmcore",
}


def use():
    """Set the style, and show figures as inline SVG; their PNG stays beside it for the PDF of the book."""
    mpl.rcParams.update(RC)
    Figure._repr_html_ = svg  # a method: the inline backend drops every formatter registered for Figure as it starts


def describe(fig, text):
    """Say in words what one sees: read out in place of the figure. Without it `svg` refuses."""
    fig.set_label(text)
    return fig


def letter(ax, name, text=None):
    """Label the vertical axis with a quantity's letter, in its colour."""
    ax.set_ylabel(text or name, rotation=0, style="italic", color=Q[name], fontsize=15, labelpad=12, va="center")


def fade(name):
    """Colour map from nothing to a quantity's colour: zero is the page itself, light or dark."""
    rgb = to_rgb(Q[name])
    return LinearSegmentedColormap.from_list(f"fade-{name}", [(*rgb, 0), (*rgb, 1)], N=LEVELS)


def diverge(low, high):
    """The same with a sign: `low` below zero, nothing at zero, `high` above."""
    a, b = to_rgb(Q[low]), to_rgb(Q[high])
    stops = [(0, (*a, 1)), (0.5, (*a, 0)), (0.5, (*b, 0)), (1, (*b, 1))]
    return LinearSegmentedColormap.from_list(f"{low}-{high}", stops, N=LEVELS)


def svg(fig):
    """Figure -> inline SVG in the page's colours and fonts, with ids that no other figure has."""
    if not fig.get_label():
        raise ValueError("the figure has no description; it should have one: style.describe(fig, 'what one sees').")
    file = io.StringIO()
    fig.savefig(file, format="svg", bbox_inches="tight", pad_inches=0.05, metadata={"Date": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.S)  # its style is for `*`: the page
    text = text.replace('<g id="QuadMesh', '<g shape-rendering="crispEdges" id="QuadMesh')  # no seams between cells
    text = re.sub(r'(<text style=")([^"]*)', _page_text, text)
    text = text.replace(INK, "currentColor")
    for name, colour in Q.items():
        text = re.sub(rf"(?<!, ){colour}", f"var(--q-{name}, {colour})", text)

    key = "fig-" + hashlib.sha1(text.encode()).hexdigest()[:6]
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda m: f' id="{key}-{m[1]}"' if m[1] in used else "", text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{key}-", text)
    return text.replace("<svg ", f'<svg class="q-figure" role="img" aria-label="{escape(fig.get_label())}" ', 1)


def _page_text(match):
    """Words in the page's font, letters (style="italic") in its mathematics font; a colour becomes the readable one."""
    start, rules = match.groups()
    family = "var(--math, serif)" if "italic" in rules else "var(--pst-font-family-base, sans-serif)"
    rules = re.sub(r"font-family: [^;]*", f"font-family: {family}", rules)
    for name, colour in Q.items():
        if name != "d":
            rules = rules.replace(colour, f"var(--q-{name}-text, {colour})")
    return start + rules
