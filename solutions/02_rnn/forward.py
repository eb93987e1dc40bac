# %% [markdown]
# # A recurrent net, forward
#
# About 25 minutes. You need the chapter up to its readouts, and `@` and broadcasting in NumPy.
#
# You write one step of a plain net, then run it over sequences in the two ways that it is used: with an answer after
# every step, and with one answer at the end. The sequences are stored *batch first* here, `xs` (B, T, D), as many
# data sets are; the chapter has time first.

# %%
import numpy as np

from lstmcore import check

# %% [markdown]
# ## 1. One step
#
# $$h' = \tanh(W_x\,x + W_h\,h + b)$$
#
# <details><summary>Hint: rows</summary>
#
# The equation is for one column. In a batch every example is a row: the product is `x @ W_x.T`.
# </details>


# %% answer="rnn_step"
def rnn_step(x, h, W_x, W_h, b):
    """x (B, D), h (B, H), W_x (H, D), W_h (H, H), b (H,) -> the new h (B, H)."""
    ### BEGIN SOLUTION
    return np.tanh(x @ W_x.T + h @ W_h.T + b)
    ### END SOLUTION


# %% test="rnn_step" points=2
# One unit, x = 1, h = 2: the sum is 3 · log 2 - 2 · log 2 + 0 = log 2, and tanh(log 2) = (2 - 1/2) / (2 + 1/2) = 3/5.
log2 = np.log([[2.0]])
new = rnn_step(np.array([[1.0]]), np.array([[2.0]]), 3 * log2, -log2, np.zeros(1))
check.close(new, [[3 / 5]], "h", {"the tanh is left out": log2})
# Now the bias makes all of it: tanh(log 3) = (3 - 1/3) / (3 + 1/3) = 4/5.
zero = np.zeros((1, 1))
check.close(rnn_step(zero, zero, log2, log2, np.log([3.0])), [[4 / 5]], "h", {"b is left out": [[0]]})
check.answer("02_rnn/forward", rnn_step)

# %% [markdown]
# ## 2. An answer after every step
#
# Carry the state from step to step and read each one: $y_t = W_y\,h_t + b_y$. Return all answers and the last state,
# so that someone could go on from there.
#
# <details><summary>Hint: the axes</summary>
#
# Step t of all sequences is `xs[:, t]`, (B, D). `np.stack(list_of_T, axis=1)` turns T times (B, K) into (B, T, K).
# </details>
# <details><summary>Hint: right at T = 1, wrong at T = 3?</summary>
#
# Then the state is not carried. Is the new h put back into the variable that the next round reads?
# </details>


# %% answer="all_outputs"
def all_outputs(xs, h, W_x, W_h, b, W_y, b_y):
    """xs (B, T, D), first h (B, H), the cell's weights, W_y (K, H), b_y (K,) -> ys (B, T, K), the last h (B, H)."""
    ### BEGIN SOLUTION
    ys = []
    for t in range(xs.shape[1]):
        h = rnn_step(xs[:, t], h, W_x, W_h, b)
        ys.append(h @ W_y.T + b_y)
    return np.stack(ys, axis=1), h
    ### END SOLUTION


# %% test="all_outputs" points=3
# x = 0 and b = 0, with weight 1: the state goes 1, tanh(1), tanh(tanh(1)). The readout doubles it and adds 1.
one = np.ones((1, 1))
ys, h = all_outputs(np.zeros((1, 2, 1)), one, one, one, np.zeros(1), 2 * one, np.ones(1))
once, twice = np.tanh(1), np.tanh(np.tanh(1))
wrong = {
    "the state is not carried": [[[2 * once + 1], [2 * once + 1]]],
    "the old state is read": [[[3], [2 * once + 1]]],
}
check.close(ys, [[[2 * once + 1], [2 * twice + 1]]], "ys", wrong)
check.close(h, [[twice]], "h", {"the state is not carried": [[once]]})
check.answer("02_rnn/forward", all_outputs)

# %% [markdown]
# ## 3. One answer, at the end
#
# Sequences of a batch are rarely equally long. They are padded to the longest with numbers that mean nothing, and
# `lengths` (B,) says where each one ends. Read each sequence after *its own* last step.
#
# <details><summary>Hint: one entry of each row</summary>
#
# From `hs` (B, T, H), `hs[np.arange(B), lengths - 1]` takes for each sequence the state after its last step.
# </details>


# %% answer="last_output"
def last_output(xs, lengths, h, W_x, W_h, b, W_y, b_y):
    """xs (B, T, D), lengths (B,) from 1 to T, the rest as above -> y (B, K): each sequence read at its own end."""
    ### BEGIN SOLUTION
    states = []
    for t in range(xs.shape[1]):
        h = rnn_step(xs[:, t], h, W_x, W_h, b)
        states.append(h)
    at_end = np.stack(states, axis=1)[np.arange(len(xs)), lengths - 1]
    return at_end @ W_y.T + b_y
    ### END SOLUTION


# %% test="last_output" points=3
# Two sequences of the same zeros, of length 1 and 2, as above.
y = last_output(np.zeros((2, 3, 1)), np.array([1, 2]), np.ones((2, 1)), one, one, np.zeros(1), 2 * one, np.ones(1))
padded = np.tanh(twice)
wrong = {"the padding is read too": [[2 * padded + 1], [2 * padded + 1]]}
check.close(y, [[2 * once + 1], [2 * twice + 1]], "y", wrong)
check.answer("02_rnn/forward", last_output)

# %% [markdown]
# ## What you built, at work
#
# One unit with weight 3 on its own state is a switch: it rests near 1 or near -1, and a pulse throws it over. So a
# plain net can remember a bit. Try 0.9 in place of 3.

# %%
import matplotlib.pyplot as plt

from lstmcore.plotting import figures, style

own_weight = np.array([[3.0]])
pulses = np.zeros((1, 60, 1))
pulses[0, [5, 30, 45], 0] = 6, -6, 6

try:
    states, _ = all_outputs(pulses, -one, one, own_weight, np.zeros(1), one, np.zeros(1))
except NotImplementedError:
    print("Write rnn_step and all_outputs above; then run this cell again: it draws what your net does.")
else:
    style.use()
    fig = figures.bands([("x", "x", pulses[0, :, 0]), ("h", "h", states[0, :, 0])])
    style.describe(fig, "Each pulse throws the state h to the pulse's side, near 1 or near -1, where it stays.")
    plt.show()

# %% judge="all"
from typing import NamedTuple

from lstmcore.numpy import rnn


def sizes(rng):
    """B, T, D, H, K, dtype, scale of x."""
    yield 2, 3, 4, 5, 3, float, 1
    yield 1, 5, 2, 3, 2, float, 1
    yield 4, 1, 3, 2, 5, float, 1
    yield 3, 4, 2, 6, 2, np.float32, 1
    yield 5, 4, 3, 2, 3, float, 1e3


def draw(rng, *shapes, dtype=float):
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def library(x, h, W_x, W_h, b):
    return rnn.step(rnn.Params(W_x, W_h, b), rnn.State(h), x).h


def carried(xs, h, *w, step=library):
    """The states after each step, (B, T, H)."""
    hs = []
    for t in range(xs.shape[1]):
        h = step(xs[:, t], h, *w)
        hs.append(h)
    return np.stack(hs, axis=1)


def read(h, W_y, b_y):
    return h @ W_y.T + b_y


# %% judge="rnn_step"
hide = [rnn.step, rnn.gates]


def cases(rng):
    for B, _, D, H, _, dtype, size in sizes(rng):
        x, *others = draw(rng, (B, D), (B, H), (H, D), (H, H), (H,), dtype=dtype)
        yield (size * x).astype(dtype), *others


def oracle(x, h, W_x, W_h, b):
    return library(x, h, W_x, W_h, b)


def total(x, h, W_x, W_h, b):
    return x @ W_x.T + h @ W_h.T + b


mistakes = {
    "b is left out": lambda x, h, W, U, b: library(x, h, W, U, 0 * b),
    "b is added after the tanh": lambda x, h, W, U, b: library(x, h, W, U, 0 * b) + b,
    "the tanh is left out": total,
    "a sigmoid takes the tanh's place": lambda *a: 0.5 + 0.5 * np.tanh(0.5 * total(*a)),
    "the old h is ignored": lambda x, h, *w: library(x, 0 * h, *w),
    "x is ignored": lambda x, h, *w: library(0 * x, h, *w),
    "W_h is not transposed: h @ W_h": lambda x, h, W, U, b: library(x, h, W, U.T, b),
    "the old h is added to the new one": lambda x, h, *w: h + library(x, h, *w),
}
fair = {
    "with einsum": lambda x, h, W, U, b: np.tanh(np.einsum("bd,hd->bh", x, W) + np.einsum("bk,hk->bh", h, U) + b),
    "row by row": lambda x, h, W, U, b: np.stack(
        [np.tanh(W @ one + U @ old + b) for one, old in zip(x, h, strict=True)]
    ),
    "one product": lambda x, h, W, U, b: np.tanh(np.hstack([x, h]) @ np.hstack([W, U]).T + b),
}


# %% judge="all_outputs"
class Outputs(NamedTuple):
    ys: np.ndarray
    h: np.ndarray


def cases(rng):
    for B, T, D, H, K, dtype, size in sizes(rng):
        xs, *others = draw(rng, (B, T, D), (B, H), (H, D), (H, H), (H,), (K, H), (K,), dtype=dtype)
        yield (size * xs).astype(dtype), *others


def from_states(hs, W_y, b_y):
    return Outputs(read(hs, W_y, b_y), hs[:, -1])


def oracle(xs, h, W_x, W_h, b, W_y, b_y):
    return from_states(carried(xs, h, W_x, W_h, b), W_y, b_y)


def not_carried(xs, h, W, U, b, W_y, b_y):
    steps = [library(xs[:, t], h, W, U, b) for t in range(xs.shape[1])]
    return from_states(np.stack(steps, axis=1), W_y, b_y)


def old_state(xs, h, W, U, b, W_y, b_y):
    hs = carried(xs, h, W, U, b)
    return Outputs(read(np.concatenate([h[:, None], hs[:, :-1]], axis=1), W_y, b_y), hs[:, -1])


def averaged(xs, h, *w):
    """The last state is the mean of all."""
    right = carried(xs, h, *w[:3])
    return Outputs(read(right, *w[3:]), right.mean(axis=1))


mistakes = {
    "the state is not carried": not_carried,
    "the old state is read, before each step": old_state,
    "the loop goes backward in time": lambda xs, *a: Outputs(
        oracle(xs[:, ::-1], *a).ys[:, ::-1], oracle(xs[:, ::-1], *a).h
    ),
    "b_y is left out": lambda *a: oracle(*a[:-1], 0 * a[-1]),
    "the first h is ignored": lambda xs, h, *w: oracle(xs, 0 * h, *w),
    "the readout goes through a tanh": lambda *a: Outputs(np.tanh(oracle(*a).ys), oracle(*a).h),
    "ys is (T, B, K), time first": lambda *a: Outputs(oracle(*a).ys.swapaxes(0, 1), oracle(*a).h),
    "h is the first h, as it came": lambda xs, h, *w: oracle(xs, h, *w)._replace(h=h),
    "h is the mean over all steps": averaged,
}


def row_by_row(xs, h, *w):
    each = [oracle(xs[k : k + 1], h[k : k + 1], *w) for k in range(len(xs))]
    return tuple(map(np.concatenate, zip(*each, strict=True)))


def filled(xs, h, W, U, b, W_y, b_y):
    ys = np.empty((*xs.shape[:2], len(b_y)))
    for t in range(xs.shape[1]):
        h = np.tanh(np.einsum("bd,hd->bh", xs[:, t], W) + h @ U.T + b)
        ys[:, t] = np.einsum("bh,kh->bk", h, W_y) + b_y
    return ys, h


fair = {"row by row": row_by_row, "into an empty array": filled}


# %% judge="last_output"
def cases(rng):
    for B, T, D, H, K, dtype, size in sizes(rng):
        xs, *others = draw(rng, (B, T, D), (B, H), (H, D), (H, H), (H,), (K, H), (K,), dtype=dtype)
        yield (size * xs).astype(dtype), rng.integers(1, max(2, T), size=B), *others


def at(xs, lengths, h, W_x, W_h, b, W_y, b_y, pick):
    hs = carried(xs, h, W_x, W_h, b)
    return read(pick(hs, lengths), W_y, b_y)


def own_end(hs, lengths):
    return hs[np.arange(len(hs)), lengths - 1]


def oracle(xs, lengths, h, W_x, W_h, b, W_y, b_y):
    return at(xs, lengths, h, W_x, W_h, b, W_y, b_y, own_end)


def before(xs, lengths, h, W, U, b, *y):
    hs = np.concatenate([h[:, None], carried(xs, h, W, U, b)], axis=1)
    return read(hs[np.arange(len(hs)), lengths - 1], *y)


def mean_so_far(hs, lengths):
    return np.stack([one[:n].mean(axis=0) for one, n in zip(hs, lengths, strict=True)])


mistakes = {
    "the padding is read too: the state after step T": lambda *a: at(*a, lambda hs, n: hs[:, -1]),
    "every sequence is read where the longest ends": lambda *a: at(*a, lambda hs, n: hs[:, n.max() - 1]),
    "every sequence is read where the shortest ends": lambda *a: at(*a, lambda hs, n: hs[:, n.min() - 1]),
    "the state is read one step too early": before,
    "the state is read one step too late": lambda *a: at(
        *a, lambda hs, n: hs[np.arange(len(hs)), np.minimum(n, hs.shape[1] - 1)]
    ),
    "the first step is read": lambda *a: at(*a, lambda hs, n: hs[:, 0]),
    "the mean over the steps is read": lambda *a: at(*a, mean_so_far),
    "b_y is left out": lambda *a: oracle(*a[:-1], 0 * a[-1]),
    "the first h is ignored": lambda xs, n, h, *w: oracle(xs, n, 0 * h, *w),
}


def held(xs, lengths, h, W, U, b, W_y, b_y):
    for t in range(xs.shape[1]):
        h = np.where((t < lengths)[:, None], np.tanh(xs[:, t] @ W.T + h @ U.T + b), h)
    return h @ W_y.T + b_y


fair = {
    "with states that are held after the end": held,
    "one sequence at a time": lambda xs, lengths, h, *w: np.concatenate(
        [oracle(xs[k : k + 1, :n], np.array([n]), h[k : k + 1], *w) for k, n in enumerate(lengths)]
    ),
}
