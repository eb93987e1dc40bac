# %% [markdown]
# # Backward through time
#
# About 45 minutes. You need the chapter's equations for one step back, and [a step forward](forward.ipynb).
#
# Four pieces make the gradient of a recurrent net: one step back, all steps back, a version that stops early, and a
# limit on its length. `dh` is short for dLoss/dh; it has the shape of h. A step forward was
#
# $$h' = \tanh(W_x\,x + W_h\,h + b)$$
#
# and its result `h_new` is at hand, so nothing needs to be computed again. Sequences are time first.

# %%
from typing import Any, NamedTuple

import numpy as np

from lstmcore import check


class Step(NamedTuple):
    dW_x: Any
    dW_h: Any
    db: Any
    dh: Any
    dx: Any


class Weights(NamedTuple):
    dW_x: Any
    dW_h: Any
    db: Any


class Sequence(NamedTuple):
    dW_x: Any
    dW_h: Any
    db: Any
    dh: Any


# %% [markdown]
# ## 1. One step back
#
# First through the tanh, then to all that the sum was made of. For one example,
#
# $$
# \begin{aligned}
# da &= dh' \odot (1 - h'^2) & dW_x &= da\;x^\top & dW_h &= da\;h^\top & db &= da \\
# & & dx &= W_x^\top da & dh &= W_h^\top da
# \end{aligned}
# $$
#
# A batch has an example in each row. The weights served them all, so their gradients are sums over the batch.
#
# <details><summary>Hint: shapes</summary>
#
# `da` is (B, H). Which product with `x` (B, D) is (H, D)? Which with `W_x` (H, D) is (B, D)?
# </details>
# <details><summary>Hint: dh has the right shape and is wrong</summary>
#
# `W_h` is square, so `da @ W_h` and `da @ W_h.T` both fit. Forward it was `h @ W_h.T`.
# </details>


# %% answer="step_backward"
def step_backward(x, h, h_new, dh_new, W_x, W_h):
    """x (B, D); h, h_new, dh_new (B, H); W_x (H, D), W_h (H, H) -> Step(dW_x, dW_h, db, dh, dx)."""
    ### BEGIN SOLUTION
    da = dh_new * (1 - h_new**2)
    return Step(dW_x=da.T @ x, dW_h=da.T @ h, db=da.sum(axis=0), dh=da @ W_h, dx=da @ W_x)
    ### END SOLUTION


# %% test="step_backward" points=5
# One unit with h' = 1/2 and dh' = 4: the slope is 3/4, so da = 3. With x = 2, h = -1, W_x = 5, W_h = 7:
five, seven = np.array([[5.0]]), np.array([[7.0]])
got = Step(*step_backward(np.array([[2.0]]), np.array([[-1.0]]), np.array([[0.5]]), np.array([[4.0]]), five, seven))
check.close(got.dW_x, [[6]], "dW_x", {"the slope is left out": [[8]]})
check.close(got.dW_h, [[-3]], "dW_h", {"h_new stands in for h": [[1.5]]})
check.close(got.db, [3], "db")
check.close(got.dh, [[21]], "dh")
check.close(got.dx, [[15]], "dx")

# Is it a gradient at all? Central differences know, for any size.
from lstmcore.cells.rnn import Params, State
from lstmcore.gradcheck import gradcheck


def forward(p, state, x):
    return State(np.tanh(x @ p.W_x.T + state.h @ p.W_h.T + p.b))


def backward(p, state, x, dnew):
    d = Step(*step_backward(x, state.h, forward(p, state, x).h, dnew.h, p.W_x, p.W_h))
    return Params(d.dW_x, d.dW_h, d.db), State(d.dh), d.dx


rng = np.random.default_rng(0)
some = Params(rng.normal(size=(2, 4)), rng.normal(size=(2, 2)), rng.normal(size=2))
gradcheck(forward, backward, some, State(rng.normal(size=(3, 2))), rng.normal(size=(3, 4)))
check.answer("02_rnn/bptt", step_backward)

# %% [markdown]
# ## 2. All steps back
#
# `hs` holds T + 1 states: `hs[t]` is what step t read, `hs[t + 1]` what it wrote. `dhs[t]` is the gradient of the loss
# at what step t wrote, from those who read it there. The step after it has read it too: both parts add up. And one
# set of weights served all steps.
#
# Return the weights' gradients, and that of the first state.
#
# <details><summary>Hint: the loop</summary>
#
# Go through `reversed(range(T))` with `dh = 0` before the first round. Each round begins with `dh + dhs[t]`.
# </details>


# %% answer="bptt"
def bptt(xs, hs, dhs, W_x, W_h):
    """xs (T, B, D), hs (T + 1, B, H), dhs (T, B, H) -> Sequence(dW_x, dW_h, db, dh): dh is of hs[0]."""
    ### BEGIN SOLUTION
    dW_x, dW_h, db = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(W_h[0])
    dh = np.zeros_like(hs[0])
    for t in reversed(range(len(xs))):
        d = step_backward(xs[t], hs[t], hs[t + 1], dh + dhs[t], W_x, W_h)
        dW_x, dW_h, db, dh = dW_x + d.dW_x, dW_h + d.dW_h, db + d.db, d.dh
    return Sequence(dW_x, dW_h, db, dh)
    ### END SOLUTION


# %% test="bptt" points=4
# One unit, two steps, states 1, 1/2, 0, weight 2, and a gradient of 1 at both states that were written.
# Last step: slope 1, da = 1, back goes 2. First: slope 3/4, da = (2 + 1) · 3/4 = 9/4, back goes 9/2.
xs, hs, dhs = np.ones((2, 1, 1)), np.array([1, 0.5, 0]).reshape(3, 1, 1), np.ones((2, 1, 1))
got = Sequence(*bptt(xs, hs, dhs, np.ones((1, 1)), 2 * np.ones((1, 1))))
wrong = {"nothing goes back from step to step": [1.75], "only the first step counts": [2.25]}
check.close(got.db, [3.25], "db", wrong)
check.close(got.dW_h, [[2.25 * 1 + 1 * 0.5]], "dW_h")
check.close(got.dh, [[4.5]], "dh")
check.answer("02_rnn/bptt", bptt)

# %% [markdown]
# ## 3. Stop early
#
# After every $k_1$ steps, take the losses of these $k_1$ steps, and no others, back through the last $k_2$ steps
# (or to the beginning, if it is nearer). Add up what the rounds give. Here $k_1 \le k_2$, and T is a multiple of $k_1$.
#
# <details><summary>Hint: the rounds</summary>
#
# A round that ends after `end` steps starts at `end - k2`, or at 0 if that is negative. Which states belong to
# `xs[start:end]`? And `dhs[start:end]` must be zero before `end - k1`; copy it before you change it.
# </details>


# %% answer="truncated_bptt"
def truncated_bptt(xs, hs, dhs, W_x, W_h, k1, k2):
    """As bptt, with the numbers k1 and k2 -> Weights(dW_x, dW_h, db)."""
    ### BEGIN SOLUTION
    total = Weights(np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(W_h[0]))
    for end in range(int(k1), len(xs) + 1, int(k1)):
        start = max(0, end - int(k2))
        new = dhs[start:end].copy()
        new[: end - int(k1) - start] = 0
        d = bptt(xs[start:end], hs[start : end + 1], new, W_x, W_h)
        total = Weights(*(a + b for a, b in zip(total, d[:3], strict=True)))
    return total
    ### END SOLUTION


# %% test="truncated_bptt" points=3
# The net above. With k1 = k2 = 1 no gradient goes back: db = 1 + 3/4. With k2 = 2 nothing is cut off.
got = Weights(*truncated_bptt(xs, hs, dhs, np.ones((1, 1)), 2 * np.ones((1, 1)), 1, 1))
check.close(got.db, [1.75], "db", {"it goes all the way back": [3.25]})
got = Weights(*truncated_bptt(xs, hs, dhs, np.ones((1, 1)), 2 * np.ones((1, 1)), 1, 2))
check.close(got.db, [3.25], "db", {"the losses of a round before count again": [4]})
check.answer("02_rnn/bptt", truncated_bptt)

# %% [markdown]
# ## 4. Not too long
#
# Take the three gradients as one long vector. If its norm is above `most`, make all of it shorter by one factor, so
# that the norm is `most`. If not, leave it alone.


# %% answer="clip"
def clip(dW_x, dW_h, db, most):
    """Three gradients and the largest norm allowed -> Weights(dW_x, dW_h, db)."""
    ### BEGIN SOLUTION
    norm = np.sqrt((dW_x**2).sum() + (dW_h**2).sum() + (db**2).sum())
    scale = float(min(1, most / norm)) if norm > 0 else 1
    return Weights(dW_x * scale, dW_h * scale, db * scale)
    ### END SOLUTION


# %% test="clip" points=2
# 1² + 2² + 2² = 9: the norm is 3. At most 1 makes a third of everything, at most 4 changes nothing.
three = np.array([[1.0]]), np.array([[2.0]]), np.array([2.0])
check.close(Weights(*clip(*three, 1.0)).dW_h, [[2 / 3]], "dW_h", {"each gradient is clipped alone": [[1]]})
check.close(Weights(*clip(*three, 4.0)).dW_h, [[2]], "dW_h", {"short gradients are made longer": [[8 / 3]]})
check.answer("02_rnn/bptt", clip)

# %% [markdown]
# ## What you built, at work
#
# Your `bptt` and `clip` train a net of 16 units to name the first of 11 symbols, by plain gradient descent. It takes a
# few seconds. Set the lag to 30; then `most` to 1000 as well: what changes?

# %%
import matplotlib.pyplot as plt

from lstmcore import tasks, weights
from lstmcore.cells.rnn import Params
from lstmcore.plotting import style

H, most, lag = 16, 1.0, 10
rng = np.random.default_rng(0)
p = weights.orthogonal(weights.uniform(Params, 6, H, rng), rng)
W_y, losses = rng.normal(size=(2, H)) / 4, []

try:
    for _ in range(150):
        xs, target = tasks.recall(rng, 16, lag)
        hs = np.zeros((lag + 2, 16, H))
        for t, x in enumerate(xs):
            hs[t + 1] = np.tanh(x @ p.W_x.T + hs[t] @ p.W_h.T + p.b)
        chance = np.exp(hs[-1] @ W_y.T)
        chance /= chance.sum(axis=1, keepdims=True)
        losses.append(-np.log(chance[np.arange(16), target]).mean())
        dy = (chance - np.eye(2)[target]) / 16
        dhs = np.zeros((lag + 1, 16, H))
        dhs[-1] = dy @ W_y
        d = clip(*bptt(xs.astype(float), hs, dhs, p.W_x, p.W_h)[:3], most)
        p = Params(*(a - 0.3 * b for a, b in zip(p, d, strict=True)))
        W_y -= 0.3 * dy.T @ hs[-1]
except NotImplementedError:
    print("Write the four functions above; then run this cell again: it trains a net with them.")
else:
    style.use()
    fig, ax = plt.subplots()
    ax.plot(losses, color=style.Q["h"])
    ax.axhline(np.log(2), color=style.INK, ls=":", lw=1)
    ax.set(xlabel="updates", ylabel="loss", ylim=(0, 1))
    style.describe(fig, "The loss begins a little above a guess, which is a dotted line, and falls to nearly zero.")
    plt.show()

# %% judge="all"
from lstmcore.numpy import bptt as library
from lstmcore.numpy import optim, rnn


def runs(rng):
    """xs, hs, dhs, W_x, W_h of true forward runs: unequal sizes, one row, one step, float32, saturated."""
    for T, B, D, H, dtype, size in [
        (4, 2, 3, 5, float, 1),
        (3, 1, 4, 2, float, 1),
        (1, 3, 2, 4, float, 1),
        (6, 4, 2, 3, np.float32, 1),
        (3, 2, 4, 3, float, 30),
    ]:
        W_x, W_h, b, h = (rng.normal(size=s).astype(dtype) for s in [(H, D), (H, H), (H,), (B, H)])
        xs, dhs = (size * rng.normal(size=(T, B, D))).astype(dtype), rng.normal(size=(T, B, H)).astype(dtype)
        hs = [np.tanh(h)]
        for x in xs:
            hs.append(np.tanh(x @ W_x.T + hs[-1] @ W_h.T / 2 + b))
        yield xs, np.stack(hs), dhs, W_x, W_h / 2


def one_back(x, h, h_new, dh_new, W_x, W_h, slope=None):
    da = dh_new * (1 - h_new**2 if slope is None else slope)
    return Step(da.T @ x, da.T @ h, da.sum(axis=0), da @ W_h, da @ W_x)


def all_back(xs, hs, dhs, W_x, W_h, order=reversed, back=1):
    """All steps; `back` scales what goes from step to step."""
    sums, dh = [np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(W_h[0])], np.zeros_like(hs[0])
    for t in order(range(len(xs))):
        d = one_back(xs[t], hs[t], hs[t + 1], back * dh + dhs[t], W_x, W_h)
        sums, dh = [a + b for a, b in zip(sums, d[:3], strict=True)], d.dh
    return Sequence(*sums, dh)


# %% judge="step_backward"
hide = [rnn.step_backward]


def cases(rng):
    for xs, hs, dhs, W_x, W_h in runs(rng):
        yield xs[0], hs[0], hs[1], dhs[0], W_x, W_h


def oracle(x, h, h_new, dh_new, W_x, W_h):
    return one_back(x, h, h_new, dh_new, W_x, W_h)


def averaged(x, *others):
    d = oracle(x, *others)
    return d._replace(dW_x=d.dW_x / len(x), dW_h=d.dW_h / len(x), db=d.db / len(x))


mistakes = {
    "the slope of the tanh is left out": lambda *a: one_back(*a, slope=1),
    "the slope is taken at the old h": lambda x, h, *a: one_back(x, h, *a, slope=1 - h**2),
    "the slope is 1 - h_new, without the square": lambda x, h, n, *a: one_back(x, h, n, *a, slope=1 - n),
    "the slope is a sigmoid's, h_new (1 - h_new)": lambda x, h, n, *a: one_back(x, h, n, *a, slope=n * (1 - n)),
    "tanh is applied to h_new once more": lambda x, h, n, *a: one_back(x, h, n, *a, slope=1 - np.tanh(n) ** 2),
    "W_h is transposed once too often: da @ W_h.T": lambda x, h, n, d, W, U: oracle(x, h, n, d, W, U)._replace(
        dh=one_back(x, h, n, d, W, U.T).dh
    ),
    "h_new stands in for h in dW_h": lambda x, h, n, d, W, U: oracle(x, n, n, d, W, U),
    "the batch is averaged where it should be summed": averaged,
    "dW_h is transposed: h.T @ da": lambda *a: oracle(*a)._replace(dW_h=oracle(*a).dW_h.T),
}


def einsum(x, h, h_new, dh_new, W_x, W_h):
    da = dh_new - dh_new * h_new * h_new
    return (
        np.einsum("bh,bd->hd", da, x),
        np.einsum("bh,bk->hk", da, h),
        np.einsum("bh->h", da),
        np.einsum("bh,hk->bk", da, W_h),
        np.einsum("bh,hd->bd", da, W_x),
    )


def by_row(x, h, h_new, dh_new, W_x, W_h):
    rows = [one_back(*(a[k : k + 1] for a in (x, h, h_new, dh_new)), W_x, W_h) for k in range(len(x))]
    parts = list(zip(*rows, strict=True))
    return [*(sum(part) for part in parts[:3]), *map(np.concatenate, parts[3:])]


fair = {"with einsum": einsum, "row by row": by_row}

# %% judge="bptt"
hide = [library.scan_backward, rnn.step_backward]
cases = runs


def oracle(xs, hs, dhs, W_x, W_h):
    return all_back(xs, hs, dhs, W_x, W_h)


def overwritten(xs, hs, dhs, W_x, W_h):
    dh = np.zeros_like(hs[0])
    for t in reversed(range(len(xs))):
        d = one_back(xs[t], hs[t], hs[t + 1], dh + dhs[t], W_x, W_h)
        dh = d.dh
    return Sequence(*d[:4])


def last_loss(xs, hs, dhs, *w):
    return oracle(xs, hs, np.concatenate([0 * dhs[:-1], dhs[-1:]]), *w)


def first_loss(xs, hs, dhs, *w):
    return oracle(xs, hs, np.concatenate([dhs[:1], 0 * dhs[1:]]), *w)


mistakes = {
    "nothing goes back from step to step": lambda *a: all_back(*a, back=0),
    "the weights' gradients are overwritten, not summed": overwritten,
    "only the last loss is taken": last_loss,
    "only the first loss is taken": first_loss,
    "the loop runs forward in time": lambda *a: all_back(*a, order=iter),
    "W_h is transposed once too often: da @ W_h.T": lambda xs, hs, dhs, W, U: oracle(xs, hs, dhs, W, U.T),
    "the gradients are averaged over the steps": lambda xs, *a: Sequence(
        *(part / len(xs) for part in oracle(xs, *a)[:3]), oracle(xs, *a).dh
    ),
    "hs[t + 1] stands in for hs[t] in dW_h": lambda xs, hs, *a: oracle(xs, hs, *a)._replace(
        dW_h=sum(da.T @ h for da, h in zip(signals(xs, hs, *a), hs[1:], strict=True))
    ),
}


def signals(xs, hs, dhs, W_x, W_h):
    """da of every step."""
    das, dh = [], 0
    for t in reversed(range(len(xs))):
        das.append((dh + dhs[t]) * (1 - hs[t + 1] ** 2))
        dh = das[-1] @ W_h
    return das[::-1]


def at_once(xs, hs, dhs, W_x, W_h):
    """All weight gradients in one product, after the loop."""
    da = np.stack(signals(xs, hs, dhs, W_x, W_h))
    return np.einsum("tbh,tbd->hd", da, xs), np.einsum("tbh,tbk->hk", da, hs[:-1]), da.sum(axis=(0, 1)), da[0] @ W_h


def each_loss(xs, hs, dhs, *w):
    """One backward run for each loss."""
    found = [oracle(xs[:t], hs[: t + 1], np.r_[0 * dhs[: t - 1], dhs[t - 1 : t]], *w) for t in range(1, len(xs) + 1)]
    return tuple(map(sum, zip(*found, strict=True)))


fair = {"one product after the loop": at_once, "one loss at a time": each_loss}

# %% judge="truncated_bptt"
hide = [library.truncated, library.scan_backward, rnn.step_backward]


def cases(rng):
    lengths = [(2, 4, 8), (3, 5, 9), (1, 3, 5), (2, 2, 6), (1, 1, 1)]
    for (xs, hs, dhs, W_x, W_h), (k1, k2, T) in zip(runs(rng), lengths, strict=True):
        B, D, H = xs.shape[1], xs.shape[2], hs.shape[2]
        xs, dhs = rng.normal(size=(T, B, D)).astype(xs.dtype), rng.normal(size=(T, B, H)).astype(xs.dtype)
        hs = list(hs[:1])
        for x in xs:
            hs.append(np.tanh(x @ W_x.T + hs[-1] @ W_h.T))
        yield xs, np.stack(hs), dhs, W_x, W_h, k1, k2


def rounds(xs, hs, dhs, W_x, W_h, k1, k2, counted=None):
    """`counted` losses of each round, k1 by default."""
    k1, k2 = int(k1), int(k2)
    for end in range(k1, len(xs) + 1, k1):
        start = max(0, end - k2)
        first = max(start, end - (counted or k1))
        new = np.concatenate([0 * dhs[start:first], dhs[first:end]])
        yield Weights(*all_back(xs[start:end], hs[start : end + 1], new, W_x, W_h)[:3])


def oracle(xs, hs, dhs, W_x, W_h, k1, k2):
    return Weights(*map(sum, zip(*rounds(xs, hs, dhs, W_x, W_h, k1, k2), strict=True)))


def summed(found):
    return Weights(*map(sum, zip(*found, strict=True)))


mistakes = {
    "k2 is ignored: it goes all the way back": lambda xs, *a: oracle(xs, *a[:-1], len(xs)),
    "k1 takes k2's place: the sequence is cut into pieces": lambda *a: oracle(*a[:-1], a[-2]),
    "k1 is ignored: a round after every step": lambda *a: oracle(*a[:-2], 1, a[-1]),
    "the losses of the rounds before count again": lambda *a: summed(rounds(*a, counted=int(a[-1]))),
    "only the last loss of each round is taken": lambda *a: summed(rounds(*a, counted=1)),
    "the rounds are overwritten, not summed": lambda *a: list(rounds(*a))[-1],
    "each round goes back k1 + k2 steps": lambda *a: oracle(*a[:-1], a[-2] + a[-1]),
    "the rounds are averaged": lambda xs, *a: Weights(*(g / (len(xs) // int(a[-2])) for g in oracle(xs, *a))),
}


def loss_by_loss(xs, hs, dhs, W_x, W_h, k1, k2):
    """Each loss walks back to where its round ends."""
    sums = [0, 0, 0]
    for t in range(len(xs)):
        end = (t // int(k1) + 1) * int(k1)
        dh = dhs[t]
        for s in range(t, max(0, end - int(k2)) - 1, -1):
            d = one_back(xs[s], hs[s], hs[s + 1], dh, W_x, W_h)
            sums, dh = [a + b for a, b in zip(sums, d[:3], strict=True)], d.dh
    return tuple(sums)


fair = {"loss by loss": loss_by_loss, "the rounds in reverse": lambda *a: summed(list(rounds(*a))[::-1])}

# %% judge="clip"
hide = [optim.clip_norm]


def cases(rng):
    for (_, _, _, W_x, W_h), most in zip(runs(rng), [1.0, 0.5, 100.0, 2.0, 1.5], strict=True):
        yield 2 * W_x, W_h, W_h[0] - 1, most
    yield np.zeros((2, 3)), np.zeros((2, 2)), np.zeros(2), 1.0


def scaled(*three, by=1):
    return Weights(*(a * by for a in three))


def norm(*three):
    return np.sqrt(sum((a**2).sum() for a in three))


def limited(*three, most, size):
    return scaled(*three, by=most / size if size > most else 1)


def oracle(dW_x, dW_h, db, most):
    return limited(dW_x, dW_h, db, most=most, size=norm(dW_x, dW_h, db))


mistakes = {
    "each gradient is clipped alone": lambda *a: Weights(*(g * min(1, a[-1] / norm(g)) for g in a[:-1])),
    "every entry is clipped, not the norm": lambda *a: Weights(*(np.clip(g, -a[-1], a[-1]) for g in a[:-1])),
    "short gradients are made longer": lambda *a: scaled(*a[:-1], by=a[-1] / norm(*a[:-1])),
    "the root is left out of the norm": lambda *a: limited(*a[:-1], most=a[-1], size=norm(*a[:-1]) ** 2),
    "the largest entry is taken for the norm": lambda *a: limited(
        *a[:-1], most=a[-1], size=max(abs(g).max() for g in a[:-1])
    ),
    "the sum of absolute values is taken for the norm": lambda *a: limited(
        *a[:-1], most=a[-1], size=sum(abs(g).sum() for g in a[:-1])
    ),
    "the norm becomes 1 where it should be most": lambda *a: scaled(
        *a[:-1], by=1 / norm(*a[:-1]) if norm(*a[:-1]) > a[-1] else 1
    ),
    "the gradients are divided by most": lambda *a: scaled(*a[:-1], by=1 / a[-1]),
}


def as_vector(dW_x, dW_h, db, most):
    size = np.linalg.norm(np.concatenate([dW_x.ravel(), dW_h.ravel(), db]))
    return [g / max(1, size / most) for g in (dW_x, dW_h, db)]


fair = {
    "as one long vector": as_vector,
    "with a small number below": lambda *a: scaled(*a[:-1], by=min(1, a[-1] / (norm(*a[:-1]) + 1e-12))),
}
