# %% [markdown]
# # A whole step of a GRU, both resets, there and back
#
# About 50 minutes. You need the chapter up to its four forms, and [the pieces of a GRU](gru.ipynb).
#
# You write the step that the chapter does not print, with the reset before the product, and its way back. Then you
# read weights as Keras stores them, with the reset after the product. `dh` is short for dLoss/dh; it has the shape of
# h. A batch has an example in each row: `x` is (B, D), `h` is (B, H).

# %%
from typing import Any, NamedTuple

import numpy as np

from lstmcore import check
from lstmcore.numpy.ops import sigmoid


class Forward(NamedTuple):
    h: Any
    r: Any
    z: Any
    n: Any


class Signals(NamedTuple):
    r: Any
    z: Any
    n: Any


class Step(NamedTuple):
    dW_x: Any
    dW_h: Any
    db: Any
    dh: Any
    dx: Any


class Ours(NamedTuple):
    W_x: Any
    W_h: Any
    b: Any
    b_hn: Any


# %% [markdown]
# ## 1. The step, reset before the product
#
# $$
# \begin{aligned}
# r &= \sigma(W_{xr}\,x + W_{hr}\,h + b_r) & n &= \tanh(W_{xn}\,x + W_{hn}\,(r \odot h) + b_n) \\
# z &= \sigma(W_{xz}\,x + W_{hz}\,h + b_z) & h' &= (1 - z) \odot n + z \odot h
# \end{aligned}
# $$
#
# The weights are stacked: the first H rows belong to r, the next to z, the last to n. Return the new state, and the
# gates as well: the way back needs them.
#
# <details><summary>Hint: why one product with W_h is not enough</summary>
#
# r and z read h, and n reads r ⊙ h, which is there only when r is. `np.split(W_h, 3)` gives the three blocks of rows.
# </details>


# %% answer="step_before"
def step_before(x, h, W_x, W_h, b):
    """x (B, D), h (B, H), W_x (3H, D), W_h (3H, H), b (3H,), rows r, z, n -> Forward(h, r, z, n), each (B, H)."""
    ### BEGIN SOLUTION
    xr, xz, xn = np.split(x @ W_x.T + b, 3, axis=1)
    W_hr, W_hz, W_hn = np.split(W_h, 3)
    r, z = sigmoid(xr + h @ W_hr.T), sigmoid(xz + h @ W_hz.T)
    n = np.tanh(xn + (r * h) @ W_hn.T)
    return Forward((1 - z) * n + z * h, r, z, n)
    ### END SOLUTION


# %% test="step_before" points=4
# Two units whose candidates read each other, h = (log 2, 5). The biases of r are 40 and -40, so r = (1, 0) and
# r ⊙ h = (log 2, 0): n = (tanh 0, tanh log 2) = (0, 3/5). All else is zero, so z = 1/2.
swap, none = np.array([[0.0, 1.0], [1.0, 0.0]]), np.zeros((2, 2))
h = np.array([[np.log(2), 5.0]])
bias = np.array([40.0, -40, 0, 0, 0, 0])
got = Forward(*step_before(np.zeros((1, 1)), h, np.zeros((6, 1)), np.vstack([none, none, swap]), bias))
check.close(got.z, [[0.5, 0.5]], "z", {"z has the bias of r": [[1, 0]]})
wrong = {"r comes after the product": [[np.tanh(5), 0]], "r is ignored": [[np.tanh(5), 3 / 5]]}
check.close(got.n, [[0, 3 / 5]], "n", wrong)
check.close(got.h, [[np.log(2) / 2, 2.8]], "h")
check.answer("04_gru/resets", step_before)

# %% [markdown]
# ## 2. Back to the three sums
#
# Let $a_r, a_z, a_n$ be the sums inside the two σ and the tanh. The new state has read z and n, and n has read r. So
# the signal of r comes last:
#
# $$
# \begin{aligned}
# da_n &= dh' \odot (1 - z) \odot (1 - n^2) \\
# da_z &= dh' \odot (h - n) \odot z \odot (1 - z) \\
# da_r &= (W_{hn}^\top\,da_n) \odot h \odot r \odot (1 - r)
# \end{aligned}
# $$
#
# The last line goes back through the product first, to $r \odot h$. With the reset after the product it would be
# another line.
#
# <details><summary>Hint: rows</summary>
#
# The equation is for one example, a column. With examples in rows $W^\top da$ is `da @ W`.
# </details>


# %% answer="signals"
def signals(h, r, z, n, dh_new, W_hn):
    """h, r, z, n and dh_new, the gradient of h', all (B, H); W_hn (H, H) -> Signals of the sums inside r, z and n."""
    ### BEGIN SOLUTION
    da_n = dh_new * (1 - z) * (1 - n**2)
    da_z = dh_new * (h - n) * z * (1 - z)
    da_r = (da_n @ W_hn) * h * r * (1 - r)
    return Signals(r=da_r, z=da_z, n=da_n)
    ### END SOLUTION


# %% test="signals" points=3
# One unit: h = 2, r = 1/2, z = 1/4, n = 1/2, dh' = 4, W_hn = 3.
# n: 4 · 3/4 · 3/4 = 9/4.  z: 4 · (2 - 1/2) · 3/16 = 9/8.  r: 9/4 · 3 · 2 · 1/4 = 27/8.
numbers = [np.array([[value]]) for value in (2.0, 0.5, 0.25, 0.5, 4.0)]
got = Signals(*signals(*numbers, np.array([[3.0]])))
wrong = {"the slope of the tanh is left out": [[3]], "z takes the place of 1 - z": [[3 / 4]]}
check.close(got.n, [[9 / 4]], "n", wrong)
check.close(got.z, [[9 / 8]], "z", {"the slope of σ is left out": [[6]], "h - n has the other sign": [[-9 / 8]]})
check.close(got.r, [[27 / 8]], "r", {"the slope of σ is left out": [[27 / 2]], "h is left out": [[27 / 16]]})
check.answer("04_gru/resets", signals)

# %% [markdown]
# ## 3. Back to all that the step read
#
# Stack the three signals as the weights are stacked: `da` is (B, 3H). With it
#
# $$db = da \qquad dW_x = da\;x^\top \qquad dx = W_x^\top da$$
#
# and sums over the batch for the weights. Two gradients are not as simple. The rows of $W_h$ have not all multiplied
# the same thing, and h has four readers: r, z, the product $r \odot h$, and the sum of the last line.
#
# <details><summary>Hint: the rows of n in dW_h</summary>
#
# They multiplied $r \odot h$, so their gradient is `da_n.T @ (r * h)`.
# </details>
# <details><summary>Hint: dh</summary>
#
# Four terms. Through r and z: `da_r @ W_hr` and `da_z @ W_hz`. Through the product: `da_n @ W_hn` arrives at r ⊙ h, so
# times r. And the state's own line: what multiplied h in h'?
# </details>


# %% answer="step_backward"
def step_backward(x, h, r, z, n, dh_new, W_x, W_h):
    """x (B, D); h, r, z, n, dh_new (B, H); W_x (3H, D), W_h (3H, H), rows r, z, n -> Step(dW_x, dW_h, db, dh, dx)."""
    ### BEGIN SOLUTION
    W_hr, W_hz, W_hn = np.split(W_h, 3)
    da_r, da_z, da_n = signals(h, r, z, n, dh_new, W_hn)
    da = np.concatenate([da_r, da_z, da_n], axis=1)
    dW_h = np.concatenate([da_r.T @ h, da_z.T @ h, da_n.T @ (r * h)])
    dh = da_r @ W_hr + da_z @ W_hz + (da_n @ W_hn) * r + dh_new * z
    return Step(da.T @ x, dW_h, da.sum(axis=0), dh, da @ W_x)
    ### END SOLUTION


# %% test="step_backward" points=5
# The unit above with x = 2 and weights 1, 2, 3 for r, z, n, of the input and of the state.
# r ⊙ h = 1.  dh: 27/8 · 1 + 9/8 · 2 + 9/4 · 3 · 1/2 + 4 · 1/4 = 10.  dx: 27/8 · 1 + 9/8 · 2 + 9/4 · 3 = 99/8.
column = np.array([[1.0], [2], [3]])
got = Step(*step_backward(np.array([[2.0]]), *numbers, column, column))
check.close(got.dW_x, [[27 / 4], [9 / 4], [9 / 2]], "dW_x")
check.close(got.dW_h, [[27 / 4], [9 / 4], [9 / 4]], "dW_h", {"n's rows are taken to have read h": got.dW_x})
check.close(got.db, [27 / 8, 9 / 8, 9 / 4], "db")
wrong = {"the state's own line is left out": [[9]], "r is left out": [[13.375]]}
check.close(got.dh, [[10]], "dh", wrong)
check.close(got.dx, [[99 / 8]], "dx")

# Is it the gradient of your step? Central differences know.
from lstmcore.cells.gru_reset_before import Params, State
from lstmcore.gradcheck import gradcheck


def forward(p, state, x):
    return State(Forward(*step_before(x, state.h, *p)).h)


def backward(p, state, x, dnew):
    gates = Forward(*step_before(x, state.h, *p))[1:]
    d = Step(*step_backward(x, state.h, *gates, dnew.h, p.W_x, p.W_h))
    return Params(d.dW_x, d.dW_h, d.db), State(d.dh), d.dx


rng = np.random.default_rng(0)
some = Params(rng.normal(size=(6, 4)), rng.normal(size=(6, 2)), rng.normal(size=6))
gradcheck(forward, backward, some, State(rng.normal(size=(3, 2))), rng.normal(size=(3, 4)))
check.answer("04_gru/resets", step_backward)

# %% [markdown]
# ## 4. The step, reset after the product, as Keras stores it
#
# Keras keeps the weights as *columns*, in the order z, r, n: `kernel` is (D, 3H), `recurrent` is (H, 3H). `bias` has
# two rows of 3H numbers. The first row is added to the product with x, the second to the product with h:
#
# $$
# n = \tanh\big(x\,W_n + b_n + r \odot (h\,U_n + c_n)\big)
# $$
#
# with W for the kernel, U for the recurrent kernel, b and c for the rows of the bias; r and z are σ of the same two
# sums, added. z = 1 keeps the old state, as before. Return h' alone.
#
# <details><summary>Hint</summary>
#
# Here one product with h does serve all three: make `x @ kernel + bias[0]` and `h @ recurrent + bias[1]`, then split
# both along their columns. No transpose is needed.
# </details>


# %% answer="step_keras"
def step_keras(x, h, kernel, recurrent, bias):
    """x (B, D), h (B, H), kernel (D, 3H), recurrent (H, 3H), bias (2, 3H), columns z, r, n -> the new h (B, H)."""
    ### BEGIN SOLUTION
    xz, xr, xn = np.split(x @ kernel + bias[0], 3, axis=1)
    hz, hr, hn = np.split(h @ recurrent + bias[1], 3, axis=1)
    z = sigmoid(xz + hz)
    n = np.tanh(xn + sigmoid(xr + hr) * hn)
    return z * h + (1 - z) * n
    ### END SOLUTION


# %% test="step_keras" points=2
# One unit, biases log 3 and -log 3: z = 3/4, r = 1/4. With h = 3 log 2 and a second bias of log 2 for n,
# r · (h + log 2) = log 2, so n = tanh(log 2) = 3/5.
log2, log3 = np.log(2), np.log(3)
got = step_keras(
    np.zeros((1, 1)),
    np.array([[3 * log2]]),
    np.zeros((1, 3)),
    np.array([[0.0, 0, 1]]),
    np.array([[log3, -log3, 0], [0, 0, log2]]),
)
wrong = {
    "the columns are read in the order r, z, n": [[0.75 * 63 / 65 + 0.75 * log2]],
    "z and 1 - z are swapped": [[0.75 * 3 / 5 + 0.75 * log2]],
    "r does not multiply the bias": [[0.25 * np.tanh(1.75 * log2) + 2.25 * log2]],
}
check.close(got, [[0.25 * 3 / 5 + 2.25 * log2]], "h", wrong)
check.answer("04_gru/resets", step_keras)

# %% [markdown]
# ## 5. From Keras's weights to ours
#
# Our form, and PyTorch's order: *rows*, r, z, n. `W_x` is (3H, D), `W_h` (3H, H). Where two biases are only ever added,
# `b` holds their sum. For n they are not: `b` holds the first, and `b_hn` (H,) the second. Both mean the same z, so no
# sign changes here.
#
# <details><summary>Hint</summary>
#
# Split each array into three blocks of columns, and put them together again in the other order. `.T` comes last.
# </details>


# %% answer="from_keras"
def from_keras(kernel, recurrent, bias):
    """kernel (D, 3H), recurrent (H, 3H), bias (2, 3H), columns z, r, n -> Ours(W_x, W_h, b, b_hn), rows r, z, n."""
    ### BEGIN SOLUTION
    H = len(recurrent)
    order = np.r_[H : 2 * H, :H, 2 * H : 3 * H]
    first, second = bias[:, order]
    b = np.concatenate([first[: 2 * H] + second[: 2 * H], first[2 * H :]])
    return Ours(kernel[:, order].T, recurrent[:, order].T, b, second[2 * H :])
    ### END SOLUTION


# %% test="from_keras" points=4
# One unit, one input: the columns change places, the biases 7 + 10 of z and 8 + 20 of r add up.
arrays = np.array([[1.0, 2, 3]]), np.array([[4.0, 5, 6]]), np.array([[7.0, 8, 9], [10, 20, 30]])
got = Ours(*from_keras(*arrays))
check.close(got.W_x, [[2], [1], [3]], "W_x", {"the blocks keep the order z, r, n": [[1], [2], [3]]})
check.close(got.W_h, [[5], [4], [6]], "W_h")
check.close(got.b, [28, 17, 9], "b", {"both biases of n are in b": [28, 17, 39], "the second row is lost": [8, 7, 9]})
check.close(got.b_hn, [30], "b_hn", {"b_hn is n's part of the first row": [9]})
check.answer("04_gru/resets", from_keras)

# %% [markdown]
# ## What you built, at work
#
# Your step_before and step_backward train a GRU of 12 units to recall a symbol over 10 others. It takes a few seconds.
# The update gate begins near 1: its bias is 3. Set it to 0: what changes?

# %%
import matplotlib.pyplot as plt

from lstmcore import tasks, weights
from lstmcore.cells.gru_reset_before import Params
from lstmcore.plotting import figures, style

H, bias_z, lag = 12, 3.0, 10
rng = np.random.default_rng(0)
p = weights.uniform(Params, 6, H, rng)
p.b[H : 2 * H] = bias_z
W_y, losses = rng.normal(size=(2, H)) / 4, []

try:
    for _ in range(200):
        xs, target = tasks.recall(rng, 16, lag)
        xs, states = xs.astype(float), [Forward(*np.zeros((4, 16, H)))]
        for x in xs:
            states.append(Forward(*step_before(x, states[-1].h, *p)))
        chance = np.exp(states[-1].h @ W_y.T)
        chance /= chance.sum(axis=1, keepdims=True)
        losses.append(-np.log(chance[np.arange(16), target]).mean())
        dy = (chance - np.eye(2)[target]) / 16
        dh, grads = dy @ W_y, [0, 0, 0, dy.T @ states[-1].h]
        for t in reversed(range(len(xs))):
            d = Step(*step_backward(xs[t], states[t].h, *states[t + 1][1:], dh, p.W_x, p.W_h))
            grads, dh = [*(a + b for a, b in zip(grads[:3], d[:3], strict=True)), grads[3]], d.dh
        size = np.sqrt(sum((g**2).sum() for g in grads))
        *moved, W_y = [a - 2 * g / max(size, 1) for a, g in zip([*p, W_y], grads, strict=True)]
        p = Params(*moved)
except NotImplementedError:
    print("Write step_before and step_backward above; then run this cell again: it trains a net with them.")
else:
    style.use()
    fig, ax = plt.subplots()
    figures.losses(ax, [losses], "z")
    ax.axhline(np.log(2), ls=":", color=style.INK, lw=1)
    ax.set(xlabel="update", ylabel="loss", ylim=(0, None))
    style.describe(fig, "The loss starts at log 2, a guess (dotted), and falls towards zero.")
    plt.show()

# %% judge="all"
from lstmcore import convert
from lstmcore.cells import gru as gru_cell
from lstmcore.numpy import gru, gru_reset_before

SIZES = [(3, 4, 2, float, 1), (1, 2, 5, float, 1), (2, 5, 3, np.float32, 1), (4, 2, 3, float, 1e3), (2, 3, 1, float, 1)]


def there(x, h, W_x, W_h, b, order=(0, 1, 2), k_r=1, after=False, z_reads=None):
    """The step, with one thing done otherwise."""
    xs, Ws = np.split(x @ W_x.T + b, 3, axis=1), np.split(W_h, 3)
    (xr, xz, xn), (W_hr, W_hz, W_hn) = ([parts[k] for k in order] for parts in (xs, Ws))
    r = sigmoid(xr + h @ W_hr.T)
    z = sigmoid(xz + (z_reads(r, h) if z_reads else h) @ W_hz.T)
    k = r if k_r else 1
    n = np.tanh(xn + (k * (h @ W_hn.T) if after else (k * h) @ W_hn.T))
    return Forward((1 - z) * n + z * h, r, z, n)


def runs(rng):
    """x, h, W_x, W_h, b: unequal sizes, one row, one unit, float32 once, saturated once."""
    for B, D, H, dtype, size in SIZES:
        shapes = [(B, D), (B, H), (3 * H, D), (3 * H, H), (3 * H,)]
        x, *others = (rng.normal(size=shape).astype(dtype) for shape in shapes)
        yield dtype(size) * x, *others


def backs(rng):
    """x, h, r, z, n, dh_new, W_x, W_h of true steps; once the gradient is large, not the input."""
    for x, h, W_x, W_h, b in runs(rng):
        size = x.dtype.type(1e3 if abs(x).max() > 100 else 1)
        _, *gates = there(x / size, h, W_x, W_h, b)
        yield x / size, h, *gates, size * rng.normal(size=h.shape).astype(x.dtype), W_x, W_h


def to_sums(h, r, z, n, dh_new, W_hn, keep=None, slopes=(1, 1), gap=None):
    """The three signals, with one thing done otherwise."""
    da_n = dh_new * (1 - z if keep is None else keep) * (1 - n**2 if slopes[0] else 1)
    da_z = dh_new * (h - n if gap is None else gap) * (z * (1 - z) if slopes[1] else 1)
    da_r = (da_n @ W_hn) * h * (r * (1 - r) if slopes[1] else 1)
    return Signals(da_r, da_z, da_n)


def back(x, h, r, z, n, dh_new, W_x, W_h, own=None, through=(1, 1), read=None, r_dh=None, flip=False):
    """The step back, with one thing done otherwise. through: do the gates count in dh, does the candidate?"""
    W_hr, W_hz, W_hn = np.split(W_h, 3)
    s = to_sums(h, r, z, n, dh_new, W_hn)
    da = np.concatenate(s, axis=1)
    dW_h = np.concatenate([s.r.T @ h, s.z.T @ h, s.n.T @ (r * h if read is None else read)])
    V_r, V_z, V_n = (W.T for W in (W_hr, W_hz, W_hn)) if flip else (W_hr, W_hz, W_hn)
    dh = through[0] * (s.r @ V_r + s.z @ V_z) + through[1] * (s.n @ V_n) * (r if r_dh is None else r_dh)
    dh = dh + dh_new * (z if own is None else own)
    return Step(da.T @ x, dW_h, da.sum(axis=0), dh, da @ W_x)


def by_row(f, k):
    """f for each row of its first k arguments -> [the result of each row]."""
    return lambda *args: [f(*(a[b : b + 1] for a in args[:k]), *args[k:]) for b in range(len(args[0]))]


# %% judge="step_before"
cases, hide = runs, [gru_reset_before.step, gru_reset_before.gates]


def oracle(x, h, W_x, W_h, b):
    r, z, n = gru_reset_before.gates(gru_reset_before.Params(W_x, W_h, b), gru_reset_before.State(h), x)
    return Forward((1 - z) * n + z * h, r, z, n)


def with_h(new):
    def made(x, h, *w):
        right = oracle(x, h, *w)
        return right._replace(h=new(h, right.z, right.n))

    return made


mistakes = {
    "r comes after the product": lambda *a: there(*a, after=True),
    "r is ignored": lambda *a: there(*a, k_r=0),
    "the rows are read in the order z, r, n": lambda *a: there(*a, order=(1, 0, 2)),
    "z reads r * h, where it should read h": lambda *a: there(*a, z_reads=lambda r, h: r * h),
    "b is left out": lambda x, h, W, U, b: there(x, h, W, U, 0 * b),
    "z and 1 - z are swapped": with_h(lambda h, z, n: z * n + (1 - z) * h),
    "n is added whole: n + z * h": with_h(lambda h, z, n: n + z * h),
    "W_h is not transposed": lambda x, h, W, U, b: there(x, h, W, np.concatenate([V.T for V in np.split(U, 3)]), b),
    "h is ignored in the sums": lambda x, h, W, U, b: there(x, h, W, 0 * U, b),
}


def one_by_one(x, h, W_x, W_h, b):
    r, z = (
        0.5 + 0.5 * np.tanh((np.einsum("bd,hd->bh", x, W) + np.einsum("bk,hk->bh", h, U) + c) / 2)
        for W, U, c in list(zip(*(np.split(a, 3) for a in (W_x, W_h, b)), strict=True))[:2]
    )
    H = h.shape[1]
    n = np.tanh(np.hstack([x, r * h]) @ np.hstack([W_x, W_h])[2 * H :].T + b[2 * H :])
    return n + z * (h - n), r, z, n


fair = {
    "with einsum and tanh for σ": one_by_one,
    "row by row": lambda *a: [np.concatenate(part) for part in zip(*by_row(there, 2)(*a), strict=True)],
}

# %% judge="signals"
hide = [gru_reset_before.step_backward]


def cases(rng):
    for _, *given, _, W_h in backs(rng):
        yield *given, np.split(W_h, 3)[2]


def oracle(h, r, z, n, dh_new, W_hn):
    return to_sums(h, r, z, n, dh_new, W_hn)


def with_r(made):
    """The signals with another one for r; `made` gets the right n."""

    def wrong(h, r, z, n, dh_new, W_hn):
        right = oracle(h, r, z, n, dh_new, W_hn)
        return right._replace(r=made(h, r, z, n, dh_new, W_hn, right.n))

    return wrong


mistakes = {
    "z takes the place of 1 - z in n": lambda h, r, z, *a: to_sums(h, r, z, *a, keep=z),
    "h - n has the other sign": lambda h, r, z, n, *a: to_sums(h, r, z, n, *a, gap=n - h),
    "z is taken to multiply h alone, not h - n": lambda h, *a: to_sums(h, *a, gap=h),
    "the slope of the tanh is left out": lambda *a: to_sums(*a, slopes=(0, 1)),
    "the slopes of both σ are left out": lambda *a: to_sums(*a, slopes=(1, 0)),
    "W_hn is transposed once too often: da_n @ W_hn.T": with_r(lambda h, r, z, n, d, W, s: s @ W.T * h * r * (1 - r)),
    "the reset is taken after the product": with_r(lambda h, r, z, n, d, W, s: s * (h @ W.T) * r * (1 - r)),
    "h is left out of r": with_r(lambda h, r, z, n, d, W, s: s @ W * r * (1 - r)),
    "r's signal begins before the tanh: the slope of n is missing in it": with_r(
        lambda h, r, z, n, d, W, s: (d * (1 - z)) @ W * h * r * (1 - r)
    ),
    "r's signal misses W_hn": with_r(lambda h, r, z, n, d, W, s: s * h * r * (1 - r)),
}


def with_cosh(h, r, z, n, dh_new, W_hn):
    n_sum = (1 - z) * dh_new - (1 - z) * dh_new * n * n
    return np.einsum("bk,kh,bh,bh->bh", n_sum, W_hn, h, r - r * r), dh_new * (h - n) * (z - z * z), n_sum


fair = {
    "with einsum": with_cosh,
    "row by row": lambda *a: [np.concatenate(part) for part in zip(*by_row(to_sums, 5)(*a), strict=True)],
}

# %% judge="step_backward"
cases, hide = backs, [gru_reset_before.step_backward]


def oracle(x, h, r, z, n, dh_new, W_x, W_h):
    return back(x, h, r, z, n, dh_new, W_x, W_h)


def averaged(x, *others):
    d = oracle(x, *others)
    return d._replace(dW_x=d.dW_x / len(x), dW_h=d.dW_h / len(x), db=d.db / len(x))


def after(x, h, r, z, n, dh_new, W_x, W_h):
    """The way back of the other reset."""
    W_hn = np.split(W_h, 3)[2]
    s = to_sums(h, r, z, n, dh_new, W_hn)
    s = s._replace(r=s.n * (h @ W_hn.T) * r * (1 - r))
    da, da_h = np.concatenate(s, axis=1), np.concatenate([s.r, s.z, s.n * r], axis=1)
    return Step(da.T @ x, da_h.T @ h, da.sum(axis=0), da_h @ W_h + dh_new * z, da @ W_x)


def swapped(*args):
    """z's rows before r's in what is stacked."""
    d = oracle(*args)
    other = [np.concatenate([b, a, c]) for a, b, c in (np.split(part, 3) for part in d[:3])]
    return Step(*other, d.dh, d.dx)


stacked = "rzn"  # rows of the weights
mistakes = {
    "the rows of n in dW_h are taken to have read h, not r * h": lambda x, h, *a: back(x, h, *a, read=h),
    "the state's own line, dh_new * z, is left out of dh": lambda *a: back(*a, own=0),
    "1 - z multiplies dh_new in dh": lambda x, h, r, z, *a: back(x, h, r, z, *a, own=1 - z),
    "r is left out of the candidate's part of dh": lambda *a: back(*a, r_dh=1),
    "the paths through r and z are left out of dh": lambda *a: back(*a, through=(0, 1)),
    "the path through the candidate is left out of dh": lambda *a: back(*a, through=(1, 0)),
    "the blocks of W_h are transposed once too often in dh": lambda *a: back(*a, flip=True),
    "the reset is taken after the product": after,
    "the batch is averaged where it should be summed": averaged,
    "the gradients are stacked in the order z, r, n": swapped,
}


def einsum(x, h, r, z, n, dh_new, W_x, W_h):
    s = to_sums(h, r, z, n, dh_new, np.split(W_h, 3)[2])
    da, read, W = np.stack(s), np.stack([h, h, r * h]), np.stack(np.split(W_h, 3))
    dread = np.einsum("gbh,ghk->gbk", da, W)
    V = np.stack(np.split(W_x, 3))
    return (
        np.einsum("gbh,bd->ghd", da, x).reshape(W_x.shape),
        np.einsum("gbh,gbk->ghk", da, read).reshape(W_h.shape),
        da.sum(axis=1).ravel(),
        dread[0] + dread[1] + dread[2] * r + dh_new * z,
        np.einsum("gbh,ghd->bd", da, V),
    )


def rows(*args):
    parts = list(zip(*by_row(back, 6)(*args), strict=True))
    return [*(sum(part) for part in parts[:3]), *map(np.concatenate, parts[3:])]


fair = {"with einsum": einsum, "row by row": rows}

# %% judge="step_keras"
hide = [gru.step, gru.gates]


def cases(rng):
    for x, h, W_x, W_h, b in runs(rng):
        yield x, h, W_x.T, W_h.T, np.stack([b, rng.normal(size=b.shape).astype(b.dtype)])


def oracle(x, h, kernel, recurrent, bias):
    return gru.step(convert.from_keras(gru_cell, [kernel, recurrent, bias]), gru.State(h), x).h


def made(candidate, order=(0, 1, 2), new=lambda z, h, n: z * h + (1 - z) * n):
    def step(x, h, K, U, bias):
        xs, hs = (np.split(a, 3, axis=1) for a in (x @ K + bias[0], h @ U + bias[1]))
        (xz, xr, _), (hz, hr, _) = ([parts[k] for k in order] for parts in (xs, hs))
        z, r = sigmoid(xz + hz), sigmoid(xr + hr)
        H = h.shape[1]
        n = candidate(r, h, (x @ K)[:, 2 * H :], U[:, 2 * H :], *bias[:, 2 * H :])
        return new(z, h, np.tanh(n))

    return step


def sums(r, h, xn, U, b, c):
    return xn + b + r * (h @ U + c)


mistakes = {
    "the columns are read in the order r, z, n": made(sums, order=(1, 0, 2)),
    "r comes before the product": made(lambda r, h, xn, U, b, c: xn + b + (r * h) @ U + c),
    "r does not multiply the second bias": made(lambda r, h, xn, U, b, c: xn + b + r * (h @ U) + c),
    "r multiplies both biases": made(lambda r, h, xn, U, b, c: xn + r * (h @ U + b + c)),
    "r is ignored": made(lambda r, h, xn, U, b, c: xn + b + h @ U + c),
    "the rows of the bias are swapped": lambda x, h, K, U, bias: oracle(x, h, K, U, bias[::-1]),
    "the second row of the bias is left out": lambda x, h, K, U, bias: oracle(
        x, h, K, U, np.stack([bias[0], 0 * bias[1]])
    ),
    "z and 1 - z are swapped": made(sums, new=lambda z, h, n: z * n + (1 - z) * h),
}
fair = {
    "row by row": lambda *a: np.concatenate(by_row(made(sums), 2)(*a)),
    "with einsum": made(lambda r, h, xn, U, b, c: xn + b + r * c + np.einsum("bh,bk,kh->bh", r, h, U)),
}

# %% judge="from_keras"
hide = [convert.from_keras, convert.to_keras]


def cases(rng):
    for D, H, dtype, size in [(4, 2, float, 1), (1, 1, float, 1), (2, 5, np.float32, 1), (6, 3, float, 1e3)]:
        shapes = [(D, 3 * H), (H, 3 * H), (2, 3 * H)]
        yield tuple((size * rng.normal(size=shape)).astype(dtype) for shape in shapes)


def oracle(kernel, recurrent, bias):
    return Ours(*convert.from_keras(gru_cell, [kernel, recurrent, bias]))


def ordered(order, weights=True, biases=True):
    """Blocks in another order, of the weights, of the biases or of both."""

    def wrong(kernel, recurrent, bias):
        right = oracle(kernel, recurrent, bias)
        mixed = [np.concatenate([np.split(a, 3)[k] for k in order]) for a in right[:3]]
        W_x, W_h, b = (m if yes else a for m, a, yes in zip(mixed, right, (weights, weights, biases), strict=False))
        return Ours(W_x, W_h, b, right.b_hn)

    return wrong


def with_b(change):
    """`change` gets the first and the second row in our order -> b, b_hn."""

    def wrong(kernel, recurrent, bias):
        z, r, n = np.split(bias, 3, axis=1)
        return Ours(*oracle(kernel, recurrent, bias)[:2], *change(*np.concatenate([r, z, n], axis=1), n[1]))

    return wrong


def reshaped(kernel, recurrent, bias):
    H = len(recurrent)
    W_x, W_h = (a[:, np.r_[H : 2 * H, :H, 2 * H : 3 * H]].reshape(3 * H, -1) for a in (kernel, recurrent))
    return oracle(kernel, recurrent, bias)._replace(W_x=W_x, W_h=W_h)


def negated(kernel, recurrent, bias):
    return Ours(*convert.flip_update(gru.Params(*oracle(kernel, recurrent, bias))))


stacked = "rzn"  # rows of the weights
mistakes = {
    "the blocks keep the order z, r, n": ordered((1, 0, 2)),
    "the biases keep the order z, r, n": ordered((1, 0, 2), weights=False),
    "the weights keep the order z, r, n": ordered((1, 0, 2), biases=False),
    "the arrays are reshaped where they should be transposed": reshaped,
    "the second row of the bias is left out of b": with_b(lambda first, second, c: (first, c)),
    "both biases of n are in b, and b_hn is zero": with_b(lambda first, second, c: (first + second, 0 * c)),
    "n's second bias is counted twice, in b and in b_hn": with_b(lambda first, second, c: (first + second, c)),
    "the two biases of n are swapped": lambda K, U, bias: oracle(K, U, bias[::-1]),
    "the rows of z are negated, though both mean the same z": negated,
}


def by_blocks(kernel, recurrent, bias):
    z, r, n = np.split(bias, 3, axis=1)
    W_x, W_h = (np.vstack([b.T, a.T, c.T]) for a, b, c in (np.split(a, 3, axis=1) for a in (kernel, recurrent)))
    return W_x, W_h, np.hstack([r.sum(axis=0), z.sum(axis=0), n[0]]), n[1]


def by_hand(kernel, recurrent, bias):
    D, H = len(kernel), len(recurrent)
    W_x, W_h = np.swapaxes(kernel.reshape(D, 3, H), 0, 2), np.swapaxes(recurrent.reshape(H, 3, H), 0, 2)
    three = bias.reshape(2, 3, H)
    b = np.stack([three[:, 1].sum(axis=0), three[:, 0].sum(axis=0), three[0, 2]])
    flat = (np.moveaxis(W, 1, 0)[[1, 0, 2]].reshape(3 * H, -1) for W in (W_x, W_h))
    return *flat, b.ravel(), three[1, 2]


fair = {"block by block": by_blocks, "by reshaping to three axes": by_hand}
