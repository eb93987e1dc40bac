# %% [markdown]
# # Learning as it goes: RTRL
#
# Advanced. About 30 minutes. You need [the gradient through time](bptt.ipynb).
#
# Real-time recurrent learning carries the derivative of every unit by every weight along with the state. To keep it
# short there is one sequence, no batch, and one matrix for all weights: with $v = (x, h, 1)$, stacked to one vector of
# V = D + H + 1 numbers,
#
# $$h' = \tanh(W\,v), \qquad W = (W_x \mid W_h \mid b).$$
#
# `P[k, i, j]` is the derivative of unit k by the weight `W[i, j]`: an array (H, H, V).

# %%
import numpy as np

from lstmcore import check

# %% [markdown]
# ## 1. The derivatives, one step on
#
# A weight acts on the new state in two ways: directly, as the factor of $v_j$ in unit i, and through the old state,
# which it has changed before:
#
# $$P'_{kij} = (1 - h_k'^2) \Big( \sum_m W_{h,km}\,P_{mij} + [k = i]\,v_j \Big)$$
#
# <details><summary>Hint: the sum</summary>
#
# `np.einsum("km,mij->kij", W_h, P)`, or `np.tensordot(W_h, P, axes=1)`.
# </details>
# <details><summary>Hint: [k = i]</summary>
#
# `np.eye(H)[:, :, None] * v` is (H, H, V): v where k = i, and 0 elsewhere.
# </details>


# %% answer="influence"
def influence(P, x, h, h_new, W_h):
    """P (H, H, D + H + 1), x (D,), old and new h (H,), W_h (H, H) -> the new P, of h_new."""
    ### BEGIN SOLUTION
    v = np.concatenate([x, h, np.ones_like(h[:1])])
    direct = np.eye(len(h), dtype=h.dtype)[:, :, None] * v
    return (1 - h_new**2)[:, None, None] * (np.tensordot(W_h, P, axes=1) + direct)
    ### END SOLUTION


# %% test="influence" points=4
# One unit: P = (1, 2, 3), W_h = 2, x = 4, h = 5, h' = 1/2. So P' = 3/4 · ((2, 4, 6) + (4, 5, 1)).
got = influence(np.array([[[1.0, 2, 3]]]), np.array([4.0]), np.array([5.0]), np.array([0.5]), np.array([[2.0]]))
wrong = {
    "the old P is left out": [[[3, 3.75, 0.75]]],
    "the slope is left out": [[[6, 9, 7]]],
    "v is left out": [[[1.5, 3, 4.5]]],
}
check.close(got, [[[4.5, 6.75, 5.25]]], "P", wrong)
check.answer("02_rnn/rtrl", influence)

# %% [markdown]
# ## 2. The gradient of a sequence
#
# Start with P = 0: no weight has had any influence yet. After each step, once P is of the new state, add
# $\sum_k dh_k\,P_{kij}$. `hs` holds T + 1 states: `hs[t]` is what step t read and `hs[t + 1]` what it wrote.
# `dhs[t]` is the gradient of the loss at what it wrote.
#
# The result is that of BPTT, in one pass forward.


# %% answer="rtrl"
def rtrl(xs, hs, dhs, W_h):
    """xs (T, D), hs (T + 1, H), dhs (T, H), W_h (H, H) -> dLoss/dW (H, D + H + 1)."""
    ### BEGIN SOLUTION
    H, V = len(W_h), xs.shape[1] + len(W_h) + 1
    P, dW = np.zeros((H, H, V), W_h.dtype), np.zeros((H, V), W_h.dtype)
    for t, x in enumerate(xs):
        P = influence(P, x, hs[t], hs[t + 1], W_h)
        dW = dW + np.tensordot(dhs[t], P, axes=1)
    return dW
    ### END SOLUTION


# %% test="rtrl" points=4
# One unit, states 0, 1/2, 0, weight 2, x = 1. P is 3/4 · (1, 0, 1), then 2 P + (1, 1/2, 1).
# With a gradient of 1 at both: (3/4 + 5/2, 1/2, 3/4 + 5/2).
got = rtrl(np.ones((2, 1)), np.array([[0], [0.5], [0]]), np.ones((2, 1)), np.array([[2.0]]))
wrong = {"P is not carried": [[1.75, 0.5, 1.75]], "only the last loss counts": [[2.5, 0.5, 2.5]]}
check.close(got, [[3.25, 0.5, 3.25]], "dW", wrong)
check.answer("02_rnn/rtrl", rtrl)

# %% [markdown]
# ## What you built, at work
#
# This net never stops to look back: it changes its weights after *every* step of an endless wave, and predicts the
# next value. At step 1,000 the wave becomes faster. Strictly, P belongs to weights that stand still; they move slowly
# enough here.

# %%
import matplotlib.pyplot as plt

from lstmcore.plotting import style

H, rng = 8, np.random.default_rng(0)
W, w_y, h = rng.normal(size=(H, H + 2)) / 2, np.zeros(H), np.zeros(H)
P = np.zeros((H, H, H + 2))
phase = np.cumsum(np.where(np.arange(2001) < 1000, 0.2, 0.45))
wave, errors = np.sin(phase), []

try:
    for now, following in np.stack([wave[:-1], wave[1:]], axis=1):
        new = np.tanh(W @ np.concatenate([[now], h, [1]]))
        P = influence(P, np.array([now]), h, new, W[:, 1:-1])
        error = w_y @ new - following
        W = W - 0.05 * np.tensordot(error * w_y, P, axes=1)
        w_y, h = w_y - 0.05 * error * new, new
        errors.append(abs(error))
except NotImplementedError:
    print("Write influence above; then run this cell again: it learns a wave, step by step.")
else:
    style.use()
    fig, ax = plt.subplots()
    ax.plot(np.arange(25, 2001), np.convolve(errors, np.full(25, 1 / 25), mode="valid"), color=style.Q["h"])
    ax.set(xlabel="step", ylabel="error, mean of 25 steps", ylim=(0, None))
    style.describe(fig, "The error falls from the start on, jumps at step 1,000, and falls again.")
    plt.show()

# %% judge="all"
from lstmcore.numpy import bptt, rnn
from lstmcore.numpy import rtrl as library


def runs(rng):
    """xs, hs, dhs, W_h of true forward runs: unequal sizes, one step, float32, saturated."""
    for T, D, H, dtype, size in [
        (5, 3, 4, float, 1),
        (3, 4, 2, float, 1),
        (1, 2, 3, float, 1),
        (4, 2, 5, np.float32, 1),
        (3, 2, 3, float, 10),
    ]:
        W_x, W_h, b, h = (rng.normal(size=s).astype(dtype) / 2 for s in [(H, D), (H, H), (H,), (H,)])
        xs, dhs = (size * rng.normal(size=(T, D))).astype(dtype), rng.normal(size=(T, H)).astype(dtype)
        hs = [h]
        for x in xs:
            hs.append(np.tanh(W_x @ x + W_h @ hs[-1] + b))
        yield xs, np.stack(hs), dhs, W_h


def direct(x, h, one=1):
    v = np.concatenate([x, h, [one]])
    return np.eye(len(h))[:, :, None] * v


def slope(h):
    return (1 - h**2)[:, None, None]


# %% judge="influence"
hide = [library.rtrl, library.jacobians]


def cases(rng):
    for xs, hs, _, W_h in runs(rng):
        P = rng.normal(size=(len(W_h), len(W_h), xs.shape[1] + len(W_h) + 1)).astype(W_h.dtype)
        yield P, xs[0], hs[0], hs[1], W_h


def oracle(P, x, h, h_new, W_h):
    return (slope(h_new) * (np.einsum("km,mij->kij", W_h, P) + direct(x, h))).astype(P.dtype)


mistakes = {
    "the slope is left out": lambda P, x, h, n, W: oracle(P, x, h, 0 * n, W),
    "the slope is taken at the old h": lambda P, x, h, n, W: oracle(P, x, h, h, W),
    "the slope scales v alone": lambda P, x, h, n, W: np.tensordot(W, P, axes=1) + slope(n) * direct(x, h),
    "the slope scales the old P alone": lambda P, x, h, n, W: slope(n) * np.tensordot(W, P, axes=1) + direct(x, h),
    "v is left out": lambda P, x, h, n, W: slope(n) * np.tensordot(W, P, axes=1),
    "the old P is left out": lambda P, x, h, n, W: slope(n) * direct(x, h),
    "W_h is transposed": lambda P, x, h, n, W: oracle(P, x, h, n, W.T),
    "v holds the new h": lambda P, x, h, n, W: slope(n) * (np.tensordot(W, P, axes=1) + direct(x, n)),
    "the 1 for the bias is missing in v": lambda P, x, h, n, W: (
        slope(n) * (np.tensordot(W, P, axes=1) + direct(x, h, one=0))
    ),
    "[k = i] is left out: v is added for every unit": lambda P, x, h, n, W: (
        slope(n) * (np.tensordot(W, P, axes=1) + np.concatenate([x, h, [1]]))
    ),
    "W_h is left out: the old P is added as it is": lambda P, x, h, n, W: oracle(P, x, h, n, np.eye(len(W))),
}


def by_unit(P, x, h, h_new, W_h):
    new = np.zeros(P.shape)
    for k in range(len(h)):
        new[k] = sum(W_h[k, m] * P[m] for m in range(len(h)))
        new[k, k] += np.concatenate([x, h, [1]])
        new[k] *= 1 - h_new[k] ** 2
    return new


def flat(P, x, h, h_new, W_h):
    """As one Jacobian product of matrices, (H, H) times (H, HV)."""
    J = (1 - h_new**2)[:, None] * W_h
    now = np.kron(np.diag(1 - h_new**2), np.concatenate([x, h, [1]]))
    return (J @ P.reshape(len(h), -1) + now).reshape(P.shape)


fair = {"unit by unit": by_unit, "as a product of matrices": flat}

# %% judge="rtrl"
hide = [library.rtrl, bptt.scan_backward, rnn.step_backward]
cases = runs


def carried(xs, hs, dhs, W_h, after=True, keep=1):
    """[what each loss adds]; `after`: P is updated before it is read."""
    P, found = np.zeros((len(W_h), len(W_h), xs.shape[1] + len(W_h) + 1)), []
    for t, x in enumerate(xs):
        new = slope(hs[t + 1]) * (np.tensordot(keep * W_h, P, axes=1) + direct(x, hs[t]))
        found.append(np.tensordot(dhs[t], new if after else P, axes=1))
        P = new
    return found


def oracle(xs, hs, dhs, W_h):
    """By BPTT, backward in time."""
    dW, dh = np.zeros((len(W_h), xs.shape[1] + len(W_h) + 1)), np.zeros(len(W_h))
    for t in reversed(range(len(xs))):
        da = (dh + dhs[t]) * (1 - hs[t + 1] ** 2)
        dW, dh = dW + np.outer(da, np.concatenate([xs[t], hs[t], [1]])), W_h.T @ da
    return dW.astype(W_h.dtype)


def h_first(xs, *a):
    x, h, one = np.split(oracle(xs, *a), [xs.shape[1], -1], axis=1)
    return np.concatenate([h, x, one], axis=1)


mistakes = {
    "P is read before it is updated": lambda *a: sum(carried(*a, after=False)),
    "P is not carried from step to step": lambda *a: sum(carried(*a, keep=0)),
    "only the last loss counts": lambda *a: carried(*a)[-1],
    "only the first loss counts": lambda *a: carried(*a)[0],
    "the steps are averaged": lambda *a: sum(carried(*a)) / len(a[0]),
    "W_h is transposed": lambda xs, hs, dhs, W: oracle(xs, hs, dhs, W.T),
    "the columns are in the order h, x, 1": h_first,
    "the gradient is transposed": lambda *a: oracle(*a).T,
}
fair = {
    "forward, in float64": lambda *a: sum(carried(*a)),
    "backward in time": lambda xs, hs, dhs, W_h: oracle(xs, hs, dhs, W_h),
}
