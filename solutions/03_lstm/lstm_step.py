# %% [markdown]
# # One step of an LSTM
#
# About 20 minutes. You need the gates, one by one: [the exercise before](../03_lstm_gates/gates.ipynb).
#
# Now all of it at once, as a library has it: one matrix product makes the four gates together. `p.W_x` is (4H, D),
# `p.W_h` (4H, H) and `p.b` (4H,); their rows are four blocks of H, stacked in the order i, f, g, o.
#
# $$
# \begin{aligned}
# a &= x\,W_x^\top + h\,W_h^\top + b \\
# i, f, o &= \sigma(a_i), \sigma(a_f), \sigma(a_o) \qquad g = \tanh(a_g) \\
# c' &= f \odot c + i \odot g \\
# h' &= o \odot \tanh(c')
# \end{aligned}
# $$
#
# `x` is (B, D); `state.h` and `state.c` are (B, H). A step stores nothing: it reads the old state and returns the new.
#
# <details><summary>Hint: the four blocks</summary>
#
# `np.split(a, 4, axis=-1)` cuts (B, 4H) into four times (B, H).
# </details>
# <details><summary>Hint: how far am I?</summary>
#
# Return `State(h, c)` with a wrong h: if c is right you already have half the points, and `check.answer` says so.
# </details>

# %%
import numpy as np

from lstmcore import check
from lstmcore.cells.lstm import Params, State
from lstmcore.numpy.ops import sigmoid


# %% answer="lstm_step"
def lstm_step(p, state, x):
    """p (W_x (4H, D), W_h (4H, H), b (4H,)), state (h, c) of (B, H) each, x (B, D) -> the new State(h, c)."""
    ### BEGIN SOLUTION
    i, f, g, o = np.split(x @ p.W_x.T + state.h @ p.W_h.T + p.b, 4, axis=-1)
    c = sigmoid(f) * state.c + sigmoid(i) * np.tanh(g)
    return State(sigmoid(o) * np.tanh(c), c)
    ### END SOLUTION


# %% test="lstm_step" points=4
# One unit, all weights zero: each gate is 1/2 and the candidate 0. So c = 1 · 1/2, and h = 1/2 · tanh(1/2).
p = Params(W_x=np.zeros((4, 1)), W_h=np.zeros((4, 1)), b=np.zeros(4))
new = lstm_step(p, State(h=np.zeros((1, 1)), c=np.ones((1, 1))), np.ones((1, 1)))
wrong = {"h = o + tanh(c)": [[0.5 + np.tanh(0.5)]], "h = o * c, without the tanh": [[0.25]]}
check.close(new.c, [[0.5]], "c", {"f is left out": [[1]], "the old c is not kept": [[0]]})
check.close(new.h, [[0.5 * np.tanh(0.5)]], "h", wrong)

# Gates from their biases: i = 3/4, f = 1/4, g = tanh(log 2) = 3/5, o = 1/2. So c = 1/4 · 1 + 3/4 · 3/5 = 7/10.
p = p._replace(b=np.array([np.log(3), -np.log(3), np.log(2), 0.0]))
new = lstm_step(p, State(h=np.zeros((1, 1)), c=np.ones((1, 1))), np.ones((1, 1)))
check.close(new.c, [[0.7]], "c", {"the rows of i and f are swapped": [[0.9]]})
check.answer("03_lstm/lstm_step", lstm_step)

# %% [markdown]
# ## What you built, at work
#
# `scan` takes any step, also yours, over a sequence. One unit hears 20 steps of noise, then silence, once for each bias
# of the forget gate. With bias 0 half of the memory goes at every step; with 5 there is 30 % of it left after 180.

# %%
import matplotlib.pyplot as plt

from lstmcore import weights
from lstmcore.plotting import style
from lstmcore.scan import scan

rng = np.random.default_rng(0)
xs = np.concatenate([rng.normal(size=(20, 1, 1)), np.zeros((180, 1, 1))])  # 20 steps of noise, then silence
p = weights.uniform(Params, 1, 1, rng)._replace(W_h=np.zeros((4, 1)))

try:
    memories = {
        f: [s.c.item() for s in scan(lstm_step, weights.gate_bias(p, f=f), State(*np.zeros((2, 1, 1))), xs)]
        for f in (0, 1, 5)
    }
except NotImplementedError:
    print("Write lstm_step above; then run this cell again: it draws what your step remembers.")
else:
    style.use()
    fig, ax = plt.subplots()
    for (f, c), dashes in zip(memories.items(), [":", "--", "-"], strict=True):
        ax.plot(c, dashes, color=style.Q["c"], label=f"forget bias {f}")
    style.letter(ax, "c")
    ax.set_xlabel("step")
    ax.legend()
    style.describe(fig, "With forget bias 0 and 1 the memory is gone soon after step 20; with 5 it stays.")
    plt.show()

# %% judge="lstm_step"
from lstmcore import weights
from lstmcore.numpy import lstm


def cases(rng):
    for B, D, H, dtype, size in [
        (1, 3, 2, float, 1),
        (3, 4, 2, float, 1),
        (2, 3, 5, np.float32, 1),
        (4, 2, 3, float, 1e3),
    ]:
        p = weights.uniform(Params, D, H, rng, dtype)
        h, c = rng.normal(size=(2, B, H)).astype(dtype)
        yield p, State(h, c), (size * rng.normal(size=(B, D))).astype(dtype)


def rows(p, order):
    """p with its blocks of rows taken in another order."""
    return Params(*(np.concatenate([np.split(a, 4)["ifgo".index(k)] for k in order]) for a in p))


def with_h(h):
    """A step whose c is right and whose h is h(o, c, old state)."""
    return lambda p, state, x: lstm.step(p, state, x)._replace(
        h=h(lstm.gates(p, state, x).o, lstm.step(p, state, x).c, state)
    )


def with_c(c):
    """A step whose c is c(gates, old c), and whose h follows from that."""

    def step(p, state, x):
        gates = lstm.gates(p, state, x)
        return State(gates.o * np.tanh(c(*gates, state.c)), c(*gates, state.c))

    return step


def with_sigmoid(p, state, x):
    """A step whose candidate goes through σ."""
    i, f, _, o = lstm.gates(p, state, x)
    c = f * state.c + i * lstm.gates(rows(p, "gfgo"), state, x).i
    return State(o * np.tanh(c), c)


oracle = lstm.step
mistakes = {
    "b is left out": lambda p, state, x: lstm.step(p._replace(b=0 * p.b), state, x),
    "the old h is ignored": lambda p, state, x: lstm.step(p, state._replace(h=0 * state.h), x),
    "x is ignored": lambda p, state, x: lstm.step(p, state, 0 * x),
    "the rows of i and f are swapped": lambda p, state, x: lstm.step(rows(p, "figo"), state, x),
    "the rows are taken in the order i, f, o, g": lambda p, state, x: lstm.step(rows(p, "ifog"), state, x),
    "h = o * c, without the tanh": with_h(lambda o, c, old: o * c),
    "h = o + tanh(c)": with_h(lambda o, c, old: o + np.tanh(c)),
    "f takes the place of o: h = f * tanh(c)": lambda p, state, x: lstm.step(p, state, x)._replace(
        h=lstm.gates(p, state, x).f * np.tanh(lstm.step(p, state, x).c)
    ),
    "h = o * tanh(c) takes the old c": with_h(lambda o, c, old: o * np.tanh(old.c)),
    "the old c is not kept: c = i * g": with_c(lambda i, f, g, o, c: i * g),
    "g goes through σ, not through tanh": with_sigmoid,
    "f is left out: c = c + i * g, the cell of 1997": with_c(lambda i, f, g, o, c: c + i * g),
    "i is left out: c = f * c + g": with_c(lambda i, f, g, o, c: f * c + g),
    "h and c are returned in the other order": lambda p, state, x: State(*lstm.step(p, state, x)[::-1]),
}


def einsum(p, state, x):
    a = np.einsum("bd,kd->bk", x, p.W_x) + np.einsum("bh,kh->bk", state.h, p.W_h) + p.b
    i, f, g, o = np.moveaxis(a.reshape(len(x), 4, -1), 1, 0)
    c = state.c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
    return np.tanh(c) / (1 + np.exp(-o)), c


def row_by_row(p, state, x):
    rows = [lstm.step(p, State(*(part[k : k + 1] for part in state)), x[k : k + 1]) for k in range(len(x))]
    return State(*map(np.concatenate, zip(*rows, strict=True)))


fair = {"with einsum and a sigmoid of one's own": einsum, "row by row": row_by_row}
