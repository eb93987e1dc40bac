# %% [markdown]
# # The cell of 1997
#
# About 30 minutes. You need one step of an LSTM: [the exercise before](../03_lstm/lstm_step.ipynb).
#
# The first LSTM (Hochreiter & Schmidhuber, 1997) had no forget gate, and squashed by other functions than tanh. Here
# you write it, run its gradient round the carousel, and count its weights as the paper does.

# %%
from typing import Any, NamedTuple

import numpy as np

from lstmcore import check
from lstmcore.cells.lstm1997 import Gates, State
from lstmcore.numpy.ops import sigmoid


class Squashed(NamedTuple):
    g: Any
    h: Any


# %% [markdown]
# ## 1. Two squashing functions
#
# Both are logistic functions, stretched and moved: $g(a) = 4\,\sigma(a) - 2$ for what is written and
# $h(a) = 2\,\sigma(a) - 1$ for what is shown (eqs. 5 and 4 of the paper's appendix).


# %% answer="squash"
def squash(a):
    """a, of any shape -> Squashed(g(a), h(a))."""
    ### BEGIN SOLUTION
    return Squashed(4 * sigmoid(a) - 2, 2 * sigmoid(a) - 1)
    ### END SOLUTION


# %% test="squash" points=2
# σ(log 3) = 3/4: g = 3 - 2 = 1 and h = 3/2 - 1 = 1/2. At 0 both are 0.
got = Squashed(*squash(np.array([0.0, np.log(3)])))
check.close(got.g, [0, 1], "g", {"tanh stands for g": np.tanh([0, np.log(3)])})
check.close(got.h, [0, 0.5], "h", {"tanh stands for h": np.tanh([0, np.log(3)]), "σ stands for h": [0.5, 0.75]})
check.answer("03_lstm_1997/cell", squash)

# %% [markdown]
# ## 2. One step
#
# The gates arrive ready, as numbers: the input gate `i`, the candidate `g` (already squashed), the output gate `o`.
#
# $$c' = c + i \odot g \qquad h' = o \odot h(c')$$


# %% answer="memory_1997"
def memory_1997(gates, c):
    """gates i, g, o and the old c, all (B, H) -> the new State(h, c)."""
    ### BEGIN SOLUTION
    c = c + gates.i * gates.g
    return State(gates.o * (2 * sigmoid(c) - 1), c)
    ### END SOLUTION


# %% test="memory_1997" points=3
# From c = 0 with i = 1 and g = log 3: c' = log 3, so h(c') = 1/2, and half of it is shown.
new = State(*memory_1997(Gates(np.array([[1.0]]), np.array([[np.log(3)]]), np.array([[0.5]])), np.array([[0.0]])))
check.close(new.c, [[np.log(3)]], "c")
check.close(new.h, [[0.25]], "h", {"h = o * tanh(c)": [[0.4]], "h = o + h(c)": [[1.0]]})
check.answer("03_lstm_1997/cell", memory_1997)

# %% [markdown]
# ## 3. The carousel
#
# Over T steps only the memory carries an error back: what would pass through the gates is cut off. So the gradient
# that arrives at $c_0$ is the sum of what comes in through $h(c_t)$ at each step, and none of it shrinks on its way:
#
# $$\frac{\partial L}{\partial c_0} = \sum_t dh_t \odot o_t \odot h'(c_t)$$
#
# with $h'(a) = 2\,\sigma(a)\,(1 - \sigma(a))$.


# %% answer="carousel"
def carousel(os, cs, dhs):
    """Of each step the gate os, the memory cs after it, and dhs, dL/dh: all (T, B, H) -> dL/dc_0 (B, H)."""
    ### BEGIN SOLUTION
    s = sigmoid(cs)
    return (dhs * os * 2 * s * (1 - s)).sum(axis=0)
    ### END SOLUTION


# %% test="carousel" points=3
# Memory 0 at both steps, so h' = 1/2; gates 1 and 1/2; dh = 1. So 1/2 + 1/4.
got = carousel(np.array([[[1.0]], [[0.5]]]), np.zeros((2, 1, 1)), np.ones((2, 1, 1)))
check.close(got, [[0.75]], "dL/dc_0", {"only the last step counts": [[0.25]], "h' is left out": [[1.5]]})
check.answer("03_lstm_1997/cell", carousel)

# %% [markdown]
# ## 4. How many weights?
#
# A memory block has one input gate, one output gate, and `size` cells. Every unit of every block (gates and cells)
# reads all inputs, and all gates and cells of the step before. The outputs read the cells. `biases` says how many units
# have a bias. Count the weights: Table 10 of the paper prints them for every task.
#
# <details><summary>Hint: by hand</summary>
#
# Task 6a: 8 inputs, 4 outputs, 2 blocks of 2. There are 4 cells and 4 gates, so 8 units that read 8 inputs and 8 units,
# and 4 outputs that read 4 cells.
# </details>


# %% answer="weights_1997"
def weights_1997(inputs, outputs, blocks, size, biases):
    """How many weights the net has, biases included."""
    ### BEGIN SOLUTION
    cells = blocks * size
    units = cells + 2 * blocks
    return units * (inputs + units) + cells * outputs + biases
    ### END SOLUTION


# %% test="weights_1997" points=2
# Task 6a: 8 · (8 + 8) + 4 · 4 + 12 biases = 156, as the paper prints. Task 2c with a lag of 50 has no biases: 364.
check.close(weights_1997(8, 4, 2, 2, 12), 156, "weights of task 6a", {"gates are not read by gates": 124})
check.close(weights_1997(54, 2, 2, 1, 0), 364, "weights of task 2c")
check.answer("03_lstm_1997/cell", weights_1997)

# %% [markdown]
# ## What you built, at work
#
# A memory that only adds has no way to empty itself. Your step hears 300 random numbers, of mean zero, through an input
# gate that is open by a tenth; four units start alike and drift apart.

# %%
import matplotlib.pyplot as plt

from lstmcore.plotting import style

rng = np.random.default_rng(1)
try:
    state, cs = State(*np.zeros((2, 1, 4))), []
    for candidate in squash(rng.normal(size=(300, 1, 4)))[0]:
        state = State(*memory_1997(Gates(0.1 * np.ones((1, 4)), candidate, np.ones((1, 4))), state.c))
        cs.append(state.c[0])
except NotImplementedError:
    print("Write squash and memory_1997 above; then run this cell again: it shows how the memory drifts.")
else:
    style.use()
    fig, ax = plt.subplots()
    ax.plot(cs, color=style.Q["c"], lw=1.2)
    style.letter(ax, "c")
    ax.set_xlabel("step")
    style.describe(fig, "Four lines that start at zero and wander apart: nothing pulls a memory back.")
    plt.show()


# %% judge="squash"
def cases(rng):
    for shape, size, dtype in [((2, 3), 1, float), ((4,), 1, float), ((3, 2), 1, np.float32), ((2, 5), 1e3, float)]:
        yield ((size * rng.normal(size=shape)).astype(dtype),)


def oracle(a):
    return Squashed(4 * sigmoid(a) - 2, 2 * sigmoid(a) - 1)


mistakes = {
    "tanh stands for both": lambda a: Squashed(np.tanh(a), np.tanh(a)),
    "g and h are swapped": lambda a: Squashed(*oracle(a)[::-1]),
    "σ is not moved down": lambda a: Squashed(4 * sigmoid(a), 2 * sigmoid(a)),
    "g is like h, 2σ - 1": lambda a: oracle(a)._replace(g=oracle(a).h),
    "h is σ itself": lambda a: oracle(a)._replace(h=sigmoid(a)),
    "g = 2 tanh(a), twice too steep": lambda a: oracle(a)._replace(g=2 * np.tanh(a)),
}
fair = {"by tanh of a half": lambda a: (2 * np.tanh(a / 2), np.tanh(a / 2))}


# %% judge="memory_1997"
def cases(rng):
    for B, H, dtype, size in [(1, 3, float, 1), (3, 2, float, 1), (2, 5, np.float32, 1), (4, 3, float, 1e3)]:
        i, o = rng.uniform(size=(2, B, H)).astype(dtype)
        g, c = rng.uniform(-2, 2, size=(2, B, H)).astype(dtype)
        yield Gates(i, g, o), size * c


def oracle(gates, c):
    c = c + gates.i * gates.g
    return State(gates.o * (2 * sigmoid(c) - 1), c)


def with_h(h):
    return lambda gates, c: oracle(gates, c)._replace(h=h(gates.o, c + gates.i * gates.g, c))


def with_c(new):
    def made(gates, c):
        c = new(gates, c)
        return State(gates.o * (2 * sigmoid(c) - 1), c)

    return made


mistakes = {
    "h = o * tanh(c)": with_h(lambda o, c, old: o * np.tanh(c)),
    "h = o + h(c)": with_h(lambda o, c, old: o + 2 * sigmoid(c) - 1),
    "h = o * c, without squashing": with_h(lambda o, c, old: o * c),
    "h = o * σ(c), not moved down": with_h(lambda o, c, old: o * sigmoid(c)),
    "h = o * h(c) takes the old c": with_h(lambda o, c, old: o * (2 * sigmoid(old) - 1)),
    "the old c is not kept: c = i * g": with_c(lambda s, c: s.i * s.g),
    "i is left out: c = c + g": with_c(lambda s, c: c + s.g),
    "c forgets as much as it writes: (1 - i) * c + i * g": with_c(lambda s, c: (1 - s.i) * c + s.i * s.g),
    "g is squashed a second time": with_c(lambda s, c: c + s.i * (4 * sigmoid(s.g) - 2)),
}
fair = {
    "by tanh of a half": lambda gates, c: (gates[2] * np.tanh((c + gates[0] * gates[1]) / 2), c + gates[0] * gates[1])
}


# %% judge="carousel"
def cases(rng):
    for T, B, H, dtype in [
        (3, 1, 2, float),
        (4, 2, 3, float),
        (1, 3, 2, float),
        (5, 2, 4, np.float32),
        (6, 4, 2, float),
    ]:
        o, (c, dh) = rng.uniform(size=(T, B, H)).astype(dtype), rng.normal(size=(2, T, B, H)).astype(dtype)
        yield o, c * np.where(T == 6, 1e3 ** rng.integers(2, size=c.shape), 1).astype(dtype), dh


def oracle(os, cs, dhs):
    return (dhs * os * 2 * sigmoid(cs) * (1 - sigmoid(cs))).sum(axis=0)


mistakes = {
    "only the last step counts": lambda os, cs, dhs: oracle(os[-1:], cs[-1:], dhs[-1:]),
    "only the first step counts": lambda os, cs, dhs: oracle(os[:1], cs[:1], dhs[:1]),
    "the steps are averaged, not summed": lambda os, cs, dhs: oracle(os, cs, dhs) / len(os),
    "h' is left out": lambda os, cs, dhs: (dhs * os).sum(axis=0),
    "o is left out": lambda os, cs, dhs: oracle(np.ones_like(os), cs, dhs),
    "tanh' stands for h'": lambda os, cs, dhs: (dhs * os * (1 - np.tanh(cs) ** 2)).sum(axis=0),
    "σ' stands for h', without the 2": lambda os, cs, dhs: oracle(os, cs, dhs) / 2,
}
fair = {"with einsum": lambda os, cs, dhs: np.einsum("tbh,tbh,tbh->bh", dhs, os, (1 - np.tanh(cs / 2) ** 2) / 2)}


# %% judge="weights_1997"
def cases(rng):
    for _ in range(4):
        inputs, outputs, blocks = (int(n) for n in rng.integers(2, 12, size=3))
        yield inputs, outputs, blocks, int(rng.integers(2, 5)), int(rng.integers(1, 20))


def oracle(inputs, outputs, blocks, size, biases):
    units = blocks * (size + 2)
    return units * (inputs + units) + blocks * size * outputs + biases


mistakes = {
    "gates are not read by gates and cells": lambda i, o, b, s, n: b * (s + 2) * (i + b * s) + b * s * o + n,
    "the biases are left out": lambda i, o, b, s, n: oracle(i, o, b, s, 0),
    "the outputs read the gates too": lambda i, o, b, s, n: oracle(i, o, b, s, n) + 2 * b * o,
    "every cell has gates of its own": lambda i, o, b, s, n: 3 * b * s * (i + 3 * b * s) + b * s * o + n,
    "the recurrent weights are left out": lambda i, o, b, s, n: oracle(i, o, b, s, n) - (b * (s + 2)) ** 2,
    "there is one gate a block, not two": lambda i, o, b, s, n: b * (s + 1) * (i + b * (s + 1)) + b * s * o + n,
    "the outputs are left out": lambda i, o, b, s, n: oracle(i, 0, b, s, n),
}


def one_by_one(inputs, outputs, blocks, size, biases):
    units = [kind for _ in range(blocks) for kind in ["in", "out"] + ["cell"] * int(size)]
    reads = sum(inputs + len(units) for _ in units)
    return float(reads + outputs * units.count("cell") + biases)


fair = {"unit by unit, as a float": one_by_one}
