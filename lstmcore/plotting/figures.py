"""Ready-made figures. Each takes arrays, draws in the course's colours, and needs `style.describe` for its words."""

import numpy as np
from matplotlib import pyplot as plt

from lstmcore.plotting import style

ROW = 0.66  # height of a band, in inches


def bands(rows, steps=None):
    """Quantities over the steps of a sequence, one band each. -> figure

    rows   a list of (quantity, label, values (T,)), from top to bottom; the quantity gives the colour.
    steps  a word or letter for each step, in place of its number.
    """
    fig, axes = plt.subplots(
        len(rows), 1, figsize=(5.4, ROW * len(rows) + 0.5), sharex=True, squeeze=False, gridspec_kw={"hspace": 0.4}
    )
    for ax, (name, label, values) in zip(axes[:, 0], rows, strict=True):
        t = np.arange(len(values))
        ax.fill_between(t, values, step="mid", color=style.Q[name], alpha=0.25, lw=0)
        ax.plot(t, values, drawstyle="steps-mid", color=style.Q[name])
        low, high = min(0, np.floor(np.min(values))), max(1, np.ceil(np.max(values)))
        ax.set(ylim=(low - 0.08, high + 0.08), yticks=[low, high], xlim=(-0.5, len(t) - 0.5))
        if low < 0:
            ax.axhline(0, color=style.INK + "44", lw=0.8)
        ax.tick_params(labelbottom=ax is axes[-1, 0], length=2)
        word = len(label) > 2
        ax.set_ylabel(
            label,
            rotation=0,
            color=style.Q[name],
            fontsize=11 if word else 15,
            style="normal" if word else "italic",
            ha="right",
            va="center",
            labelpad=6,
        )
    if steps:
        axes[-1, 0].set_xticks(range(len(steps)), list(steps), fontsize=9)
        axes[-1, 0].tick_params(axis="x", length=0)
    else:
        axes[-1, 0].set_xlabel("step")
    fig.align_ylabels(axes)
    return fig


def losses(ax, runs, name):
    """Losses of several runs on an axis, each the mean of the last 10 updates, in the colour of a quantity."""
    for run in runs:
        smooth = np.convolve(run, np.full(10, 0.1), mode="valid")
        ax.plot(np.arange(10, len(run) + 1), smooth, color=style.Q[name], lw=1.4)
