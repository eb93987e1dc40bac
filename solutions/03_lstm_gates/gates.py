# %% [markdown]
# # The gates of an LSTM, one by one
#
# About 30 minutes. You need the chapter's section on the gates, and `@` and broadcasting in NumPy.
#
# An LSTM reads the input x and its own last output h, and decides with three numbers between 0 and 1, for every
# unit, what to forget (f), what to write (i) and what to show (o). You write these pieces one at a time.
#
# Everything is a batch of rows: `x` is (B, D), `h` and `c` are (B, H). Here every gate has weights of its own,
# `W_xf` (H, D), `W_hf` (H, H) and `b_f` (H,) for f; the chapter stacks them into one matrix.
#
# Below each answer stands a test. Its first lines you can check by hand; the last one, `check.answer`, tries your
# function on inputs that you do not see, as grading does. Write for any B, D and H, and change no argument.

# %%
import numpy as np

from lstmcore import check

# %% [markdown]
# ## 1. The sigmoid
#
# A gate is open (1), closed (0) or in between. The sigmoid turns any number into such a gate:
#
# $$\sigma(a) = \frac{1}{1 + e^{-a}}$$
#
# <details><summary>Hint: overflow</summary>
#
# `np.exp(1000)` is `inf`, with a warning; `1 / (1 + inf)` is 0, which is right. But `inf / (1 + inf)` is `nan`.
# Which form never divides by that? (σ(a) = ½ + ½ tanh(a/2) does not even warn.)
# </details>


# %% answer="sigmoid"
def sigmoid(a):
    """σ of every entry. a: array of any shape -> array of that shape."""
    ### BEGIN SOLUTION
    return 0.5 + 0.5 * np.tanh(0.5 * a)
    ### END SOLUTION


# %% test="sigmoid" points=1
# σ(0) = 1/2. At a = log 3, e^-a is 1/3, so σ = 1 / (1 + 1/3) = 3/4; at -log 3 it is 1/4.
check.close(sigmoid(np.array([0, np.log(3), -np.log(3)])), [1 / 2, 3 / 4, 1 / 4], "sigmoid")
check.answer("03_lstm_gates/gates", sigmoid)

# %% [markdown]
# ## 2. Its slope
#
# What a gate passes back to its weights is scaled by the sigmoid's slope, at most 1/4:
#
# $$\sigma'(a) = \sigma(a)\,(1 - \sigma(a))$$
#
# <details><summary>Hint</summary>
#
# `a` is what goes into the sigmoid, not what comes out of it. Call your `sigmoid` once and keep its value.
# </details>


# %% answer="dsigmoid"
def dsigmoid(a):
    """σ'(a) of every entry. a: array of any shape, before the sigmoid -> array of that shape."""
    ### BEGIN SOLUTION
    y = sigmoid(a)
    return y * (1 - y)
    ### END SOLUTION


# %% test="dsigmoid" points=1
# From the values above: 1/2 · 1/2 = 1/4, and 3/4 · 1/4 = 3/16 on both sides.
check.close(dsigmoid(np.array([0, np.log(3), -np.log(3)])), [1 / 4, 3 / 16, 3 / 16], "dsigmoid")
check.answer("03_lstm_gates/gates", dsigmoid)

# %% [markdown]
# ## 3. The forget gate
#
# How much of each memory is kept? A weighted sum of the input and the last output, through a sigmoid:
#
# $$f = \sigma(W_{xf}\,x + W_{hf}\,h + b_f)$$
#
# <details><summary>Hint: rows</summary>
#
# The equation is for one column x. In a batch every example is a row, so the product is `x @ W_xf.T`: (B, D) times
# (D, H) is (B, H). The bias (H,) is added to each row by broadcasting.
# </details>


# %% answer="forget_gate"
def forget_gate(x, h, W_xf, W_hf, b_f):
    """x (B, D), h (B, H), W_xf (H, D), W_hf (H, H), b_f (H,) -> f (B, H), between 0 and 1."""
    ### BEGIN SOLUTION
    return sigmoid(x @ W_xf.T + h @ W_hf.T + b_f)
    ### END SOLUTION


# %% test="forget_gate" points=1
# One unit, x = 1 and h = 2: the sum is log 3 · 1 - log 3 · 2 + 2 log 3 = log 3, so f = 3/4.
log3 = np.log([[3.0]])
f = forget_gate(np.array([[1.0]]), np.array([[2.0]]), W_xf=log3, W_hf=-log3, b_f=2 * log3[0])
check.close(f, [[3 / 4]], "f", {"b_f is left out": [[1 / 4]], "h is ignored": [[27 / 28]], "x is ignored": [[1 / 2]]})
check.answer("03_lstm_gates/gates", forget_gate)

# %% [markdown]
# ## 4. The input gate and the candidate
#
# What could be written is the candidate g, between -1 and 1; how much of it is written is the gate i:
#
# $$i = \sigma(W_{xi}\,x + W_{hi}\,h + b_i) \qquad g = \tanh(W_{xg}\,x + W_{hg}\,h + b_g)$$
#
# <details><summary>Hint</summary>
#
# The same sum twice, with different weights and a different function around it. Return both: `return i, g`.
# </details>


# %% answer="input_and_candidate"
def input_and_candidate(x, h, W_xi, W_hi, b_i, W_xg, W_hg, b_g):
    """x (B, D), h (B, H), weights (H, D), (H, H), (H,) for i, then for g -> i (B, H), g (B, H)."""
    ### BEGIN SOLUTION
    i = sigmoid(x @ W_xi.T + h @ W_hi.T + b_i)
    g = np.tanh(x @ W_xg.T + h @ W_hg.T + b_g)
    return i, g
    ### END SOLUTION


# %% test="input_and_candidate" points=2
# All weights zero: only the biases count. i = σ(log 3) = 3/4; g = tanh(log 2) = (2 - 1/2) / (2 + 1/2) = 3/5.
zero = np.zeros((1, 1))
i, g = input_and_candidate(zero, zero, zero, zero, np.array([np.log(3)]), zero, zero, np.array([np.log(2)]))
check.close(i, [[3 / 4]], "i", {"tanh takes the place of σ": [[4 / 5]], "g comes first": [[3 / 5]]})
check.close(g, [[3 / 5]], "g", {"σ takes the place of tanh": [[2 / 3]]})
check.answer("03_lstm_gates/gates", input_and_candidate)

# %% [markdown]
# ## 5. The new memory
#
# Forget a part of the old memory, add a part of the candidate. The products are entry by entry:
#
# $$c' = f \odot c + i \odot g$$
#
# The sum is why gradients survive: along it, dc'/dc is just f.


# %% answer="cell_update"
def cell_update(c, f, i, g):
    """All (B, H): the old memory, the forget gate, the input gate, the candidate -> the new memory (B, H)."""
    ### BEGIN SOLUTION
    return f * c + i * g
    ### END SOLUTION


# %% test="cell_update" points=1
# Keep half of 4, write a quarter of -1: 2 - 1/4. Then keep all and write nothing: the memory stays.
c, f, i, g = np.array([[4.0, 3.0]]), np.array([[0.5, 1.0]]), np.array([[0.25, 0.0]]), np.array([[-1.0, 1.0]])
wrong = {"f is left out": [[3.75, 3]], "i is left out": [[1, 4]], "f and i are swapped": [[0.5, 1]]}
check.close(cell_update(c, f, i, g), [[1.75, 3]], "c", wrong)
check.answer("03_lstm_gates/gates", cell_update)

# %% [markdown]
# ## 6. The output
#
# What the cell shows of its new memory. It leaves the memory itself alone:
#
# $$o = \sigma(W_{xo}\,x + W_{ho}\,h + b_o) \qquad h' = o \odot \tanh(c')$$
#
# <details><summary>Hint</summary>
#
# The gate reads the old h; the tanh reads the new memory, which is given here. `*` between o and tanh, not `+`.
# </details>


# %% answer="output"
def output(x, h, c, W_xo, W_ho, b_o):
    """x (B, D), old h (B, H), new memory c (B, H), weights (H, D), (H, H), (H,) -> o (B, H), the new h (B, H)."""
    ### BEGIN SOLUTION
    o = sigmoid(x @ W_xo.T + h @ W_ho.T + b_o)
    return o, o * np.tanh(c)
    ### END SOLUTION


# %% test="output" points=2
# All weights zero: o = σ(log 3) = 3/4, and tanh(log 2) = 3/5, so h = 3/4 · 3/5 = 9/20.
o, h = output(zero, zero, np.array([[np.log(2)]]), zero, zero, np.array([np.log(3)]))
check.close(o, [[3 / 4]], "o", {"tanh takes the place of σ": [[4 / 5]]})
check.close(h, [[9 / 20]], "h", {"h = o + tanh(c)": [[27 / 20]], "h = o * c, without the tanh": [[3 / 4 * np.log(2)]]})
check.answer("03_lstm_gates/gates", output)

# %% [markdown]
# ## What you built, at work
#
# One unit with weights set by hand, and an input of two wires: a pulse on "write" opens the input gate, a pulse on
# "erase" closes the forget gate. Move the pulses, or set `b_f` to 1: how long does the memory last?

# %%
import matplotlib.pyplot as plt

from lstmcore.plotting import style

b_f = np.array([6.0])
xs = np.zeros((40, 1, 2))  # 40 steps, one example, (write, erase)
xs[5, 0, 0] = xs[28, 0, 1] = 1


def remember(xs):
    h = c = zero = np.zeros((1, 1))
    for x in xs:
        f = forget_gate(x, h, np.array([[0.0, -12.0]]), zero, b_f)
        i, g = input_and_candidate(
            x, h, np.array([[12.0, 0.0]]), zero, np.array([-6.0]), np.zeros((1, 2)), zero, np.array([1.5])
        )
        c = cell_update(c, f, i, g)
        _, h = output(x, h, c, np.zeros((1, 2)), zero, np.array([2.0]))
        yield i.item(), f.item(), c.item(), h.item()


try:
    lines = np.array(list(remember(xs))).T
except NotImplementedError:
    print("Write the six functions above; then run this cell again: it draws what they do with a sequence.")
else:
    style.use()
    fig, axes = plt.subplots(4, sharex=True, figsize=(5.4, 4))
    for ax, name, line in zip(axes, "ifch", lines, strict=True):
        ax.plot(line, color=style.Q[name], drawstyle="steps-mid")
        ax.set_ylim(-0.1, 1.1)
        style.letter(ax, name)
    axes[-1].set_xlabel("step")
    style.describe(fig, "i opens at step 5 and c jumps up; f closes at step 28 and c falls to zero; h follows c.")
    plt.show()

# %% judge="all"
from functools import partial
from typing import NamedTuple

from lstmcore.numpy import lstm, ops


def numbers(rng):
    for shape, dtype in [((5,), float), ((2, 3), np.float32), ((2, 1, 4), float)]:
        yield (rng.normal(size=shape).astype(dtype),)
    yield (np.array([[-1e3, 1e3], [30.0, -0.1]]),)


def inputs(rng, gates):
    """x, h and unstacked weights for some gates: unequal sizes, one row, float32 once, saturated once."""
    for B, D, H, dtype, size in [
        (3, 4, 2, float, 1),
        (1, 2, 5, float, 1),
        (2, 5, 3, np.float32, 1),
        (4, 2, 3, float, 1e3),
    ]:
        shapes = [(B, D), (B, H), *gates * [(H, D), (H, H), (H,)]]
        x, *others = [rng.normal(size=shape).astype(dtype) for shape in shapes]
        yield size * x, *others


def library(x, h, W_x, W_h, b):
    """The library's gates, with these weights in all four of them."""
    p = lstm.Params(np.tile(W_x, (4, 1)), np.tile(W_h, (4, 1)), np.tile(b, 4))
    return lstm.gates(p, lstm.State(h, h), x)


def total(x, h, W_x, W_h, b):
    return x @ W_x.T + h @ W_h.T + b


def einsum(x, h, W_x, W_h, b):
    return 1 / (1 + np.exp(-(np.einsum("bd,hd->bh", x, W_x) + np.einsum("bk,hk->bh", h, W_h) + b)))


# %% judge="sigmoid"
cases, oracle = numbers, ops.sigmoid
mistakes = {
    "the minus sign is left out: 1 / (1 + e^a)": lambda a: sigmoid(-a),
    "the 1 below is subtracted: 1 / (1 - e^-a)": lambda a: 1 / (1 - np.exp(-a)),
    "tanh(a) is taken in place of σ(a)": np.tanh,
    "a is not halved inside the tanh: ½ + ½ tanh(a)": lambda a: 0.5 + 0.5 * np.tanh(a),
    "e^a overflows: e^a / (1 + e^a)": lambda a: np.exp(a) / (1 + np.exp(a)),
    "the slope σ(a) (1 - σ(a)) is returned": dsigmoid,
}
fair = {
    "with exp": lambda a: 1 / (1 + np.exp(-a)),
    "entry by entry": np.vectorize(lambda a: 1 / (1 + np.exp(-float(a)))),
    "with two branches": lambda a: np.where(a < 0, np.exp(-abs(a)), 1) / (1 + np.exp(-abs(a))),
}

# %% judge="dsigmoid"
cases, hide = numbers, [ops.sigmoid, ops.dsigmoid]


def oracle(a):
    return ops.dsigmoid(ops.sigmoid(a))


mistakes = {
    "the product is made of a itself: a (1 - a)": ops.dsigmoid,
    "σ is applied twice": lambda a: oracle(sigmoid(a)),
    "the factor 1 - σ(a) is left out": sigmoid,
    "the factor σ(a) is left out": lambda a: sigmoid(-a),
    "the slope is tanh's, 1 - y², of y = σ(a)": lambda a: 1 - sigmoid(a) ** 2,
    "the sign is turned: σ(a) (σ(a) - 1)": lambda a: -oracle(a),
    "e^-a overflows: e^-a / (1 + e^-a)²": lambda a: np.exp(-a) / (1 + np.exp(-a)) ** 2,
}
fair = {"with cosh": lambda a: 0.25 / np.cosh(np.clip(a / 2, -300, 300)) ** 2}

# %% judge="forget_gate"
cases = partial(inputs, gates=1)


def oracle(*args):
    return library(*args).f


mistakes = {
    "b_f is left out": lambda x, h, W_x, W_h, b: oracle(x, h, W_x, W_h, 0 * b),
    "b_f is added after the sigmoid": lambda x, h, W_x, W_h, b: oracle(x, h, W_x, W_h, 0 * b) + b,
    "tanh takes the sigmoid's place": lambda *args: np.tanh(total(*args)),
    "the sigmoid is left out": total,
    "h is ignored": lambda x, h, *weights: oracle(x, 0 * h, *weights),
    "x is ignored": lambda x, h, *weights: oracle(0 * x, h, *weights),
    "x and h go through a sigmoid each": lambda x, h, W_x, W_h, b: sigmoid(x @ W_x.T) + sigmoid(h @ W_h.T + b),
    "f and 1 - f are mixed up": lambda *args: 1 - oracle(*args),
}
fair = {
    "with einsum": einsum,
    "row by row": lambda x, h, *w: np.stack([oracle(x[k : k + 1], h[k : k + 1], *w)[0] for k in range(len(x))]),
    "one product": lambda x, h, W_x, W_h, b: sigmoid(np.hstack([x, h]) @ np.hstack([W_x, W_h]).T + b),
}

# %% judge="input_and_candidate"
cases = partial(inputs, gates=2)


class Written(NamedTuple):
    i: np.ndarray
    g: np.ndarray


def oracle(x, h, *weights):
    return Written(library(x, h, *weights[:3]).i, library(x, h, *weights[3:]).g)


mistakes = {
    "σ and tanh are swapped": lambda x, h, *w: Written(library(x, h, *w[:3]).g, library(x, h, *w[3:]).i),
    "i and g are returned in the other order": lambda *args: Written(*oracle(*args)[::-1]),
    "the two gates' weights are swapped": lambda x, h, *w: oracle(x, h, *w[3:], *w[:3]),
    "g is made with i's weights": lambda x, h, *w: oracle(x, h, *w[:3], *w[:3]),
    "g goes through σ": lambda x, h, *w: oracle(x, h, *w)._replace(g=library(x, h, *w[3:]).i),
    "the biases are left out": lambda x, h, W, U, b, *w: oracle(x, h, W, U, 0 * b, *w[:2], 0 * w[2]),
    "h is ignored": lambda x, h, *w: oracle(x, 0 * h, *w),
}
fair = {"with einsum": lambda x, h, *w: (einsum(x, h, *w[:3]), 2 * einsum(x, h, *(2 * a for a in w[3:])) - 1)}


# %% judge="cell_update"
def cases(rng):
    for shape, dtype in [((3, 2), float), ((1, 5), float), ((2, 4), np.float32), ((4, 3), float)]:
        c, f, i, g = rng.normal(size=(4, *shape)).astype(dtype)
        yield 3 * c, ops.sigmoid(f), ops.sigmoid(i), np.tanh(g)


def oracle(c, f, i, g):
    return f * c + i * g


mistakes = {
    "f is left out: c + i * g, the cell of 1997": lambda c, f, i, g: c + i * g,
    "i is left out: f * c + g": lambda c, f, i, g: f * c + g,
    "f and i are swapped: i * c + f * g": lambda c, f, i, g: i * c + f * g,
    "the old memory is lost: i * g": lambda c, f, i, g: i * g,
    "a tanh is put around the sum": lambda c, f, i, g: np.tanh(f * c + i * g),
    "the two terms are multiplied": lambda c, f, i, g: f * c * i * g,
}
fair = {"with einsum": lambda c, f, i, g: np.einsum("kbh,kbh->bh", np.stack([f, i]), np.stack([c, g]))}


# %% judge="output"
class Shown(NamedTuple):
    o: np.ndarray
    h: np.ndarray


def cases(rng):
    for x, h, *weights in inputs(rng, gates=1):
        yield x, h, (2 * rng.normal(size=h.shape)).astype(h.dtype), *weights


def oracle(x, h, c, *weights):
    o = library(x, h, *weights).o
    return Shown(o, o * np.tanh(c))


mistakes = {
    "h = o * c, without the tanh": lambda x, h, c, *w: oracle(x, h, c, *w)._replace(h=library(x, h, *w).o * c),
    "h = o + tanh(c)": lambda x, h, c, *w: oracle(x, h, c, *w)._replace(h=library(x, h, *w).o + np.tanh(c)),
    "h = o * σ(c)": lambda x, h, c, *w: oracle(x, h, c, *w)._replace(h=library(x, h, *w).o * ops.sigmoid(c)),
    "tanh takes the sigmoid's place in o": lambda x, h, c, *w: Shown(
        library(x, h, *w).g, library(x, h, *w).g * np.tanh(c)
    ),
    "b_o is left out": lambda x, h, c, W, U, b: oracle(x, h, c, W, U, 0 * b),
    "o and h are returned in the other order": lambda *args: Shown(*oracle(*args)[::-1]),
    "the old h is ignored": lambda x, h, *args: oracle(x, 0 * h, *args),
}
fair = {"with einsum": lambda x, h, c, *w: (einsum(x, h, *w), einsum(x, h, *w) * np.tanh(c))}
