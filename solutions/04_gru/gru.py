# %% [markdown]
# # The pieces of a GRU
#
# About 25 minutes. You need the chapter's sections on the gates, and the exercise on the gates of an LSTM.
#
# A GRU has one state h and two gates. The reset gate r says how much of h the candidate n may read, the update gate z
# how much of h is kept. You write these pieces one at a time, with both forms of the candidate.
#
# Everything is a batch of rows: `x` is (B, D), `h` is (B, H). Every gate has weights of its own, `W_xr` (H, D),
# `W_hr` (H, H), `b_r` (H,). The last line of each test, `check.answer`, tries your function on inputs that you do not
# see, as grading does. Write for any B, D and H, and change no argument.

# %%
import numpy as np

from lstmcore import check
from lstmcore.numpy.ops import sigmoid

# %% [markdown]
# ## 1. Reset and update gate
#
# $$r = \sigma(W_{xr}\,x + W_{hr}\,h + b_r) \qquad z = \sigma(W_{xz}\,x + W_{hz}\,h + b_z)$$
#
# <details><summary>Hint</summary>
#
# The same line twice, with different weights. `x @ W_xr.T` is (B, H). Return both: `return r, z`.
# </details>


# %% answer="gates"
def gates(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z):
    """x (B, D), h (B, H), weights (H, D), (H, H), (H,) for r, then for z -> r (B, H), z (B, H)."""
    ### BEGIN SOLUTION
    r = sigmoid(x @ W_xr.T + h @ W_hr.T + b_r)
    z = sigmoid(x @ W_xz.T + h @ W_hz.T + b_z)
    return r, z
    ### END SOLUTION


# %% test="gates" points=2
# All weights zero: r = σ(log 3) = 3/4, z = σ(-log 3) = 1/4.
zero = np.zeros((1, 1))
r, z = gates(zero, zero, zero, zero, np.array([np.log(3)]), zero, zero, np.array([-np.log(3)]))
check.close(r, [[3 / 4]], "r", {"r and z are swapped": [[1 / 4]], "tanh takes the place of σ": [[4 / 5]]})
check.close(z, [[1 / 4]], "z", {"1 - z is returned": [[3 / 4]]})
check.answer("04_gru/gru", gates)

# %% [markdown]
# ## 2. The candidate, reset before the product
#
# Cho et al. (2014, eq. 8) multiply the state by r first, and then by the weights:
#
# $$n = \tanh(W_{xn}\,x + W_{hn}\,(r \odot h) + b_n)$$


# %% answer="candidate_before"
def candidate_before(x, h, r, W_xn, W_hn, b_n):
    """x (B, D), h (B, H), r (B, H), W_xn (H, D), W_hn (H, H), b_n (H,) -> n (B, H)."""
    ### BEGIN SOLUTION
    return np.tanh(x @ W_xn.T + (r * h) @ W_hn.T + b_n)
    ### END SOLUTION


# %% test="candidate_before" points=1
# Two units that read each other. h = (log 2, 5) and r = (1, 0): unit 0 reads 0 · 5, unit 1 reads 1 · log 2.
swap = np.array([[0.0, 1.0], [1.0, 0.0]])
h, r, none = np.array([[np.log(2), 5.0]]), np.array([[1.0, 0.0]]), np.zeros((2, 1))
wrong = {"r is ignored": [[np.tanh(5), 3 / 5]], "r comes after the product": [[np.tanh(5), 0]]}
check.close(candidate_before(zero, h, r, none, swap, np.zeros(2)), [[0, 3 / 5]], "n", wrong)
check.answer("04_gru/gru", candidate_before)

# %% [markdown]
# ## 3. The candidate, reset after the product
#
# PyTorch and cuDNN multiply by the weights first, add a bias of its own, and then multiply by r:
#
# $$n = \tanh(W_{xn}\,x + b_n + r \odot (W_{hn}\,h + b_{hn}))$$


# %% answer="candidate_after"
def candidate_after(x, h, r, W_xn, W_hn, b_n, b_hn):
    """x (B, D), h (B, H), r (B, H), W_xn (H, D), W_hn (H, H), b_n (H,), b_hn (H,) -> n (B, H)."""
    ### BEGIN SOLUTION
    return np.tanh(x @ W_xn.T + b_n + r * (h @ W_hn.T + b_hn))
    ### END SOLUTION


# %% test="candidate_after" points=1
# The same two units: now r = (1, 0) closes what unit 1 reads, and unit 0 reads h[1] = log 2.
h = np.array([[5.0, np.log(2)]])
wrong = {"r is ignored": [[3 / 5, np.tanh(5)]], "r comes before the product": [[0, np.tanh(5)]]}
check.close(candidate_after(zero, h, r, none, swap, np.zeros(2), np.zeros(2)), [[3 / 5, 0]], "n", wrong)
check.answer("04_gru/gru", candidate_after)

# %% [markdown]
# ## 4. The new state
#
# z is the share of the old state that is kept:
#
# $$h' = (1 - z) \odot n + z \odot h$$


# %% answer="new_state"
def new_state(h, z, n):
    """All (B, H): the old state, the update gate, the candidate -> the new state (B, H)."""
    ### BEGIN SOLUTION
    return (1 - z) * n + z * h
    ### END SOLUTION


# %% test="new_state" points=1
# Keep three quarters of 4 and take one quarter of -1; then keep nothing.
h, z, n = np.array([[4.0, 3.0]]), np.array([[0.75, 0.0]]), np.array([[-1.0, 0.5]])
wrong = {"z and 1 - z are swapped": [[0.25, 3]], "n is added whole: n + z * h": [[2, 0.5]]}
check.close(new_state(h, z, n), [[2.75, 0.5]], "h", wrong)
check.answer("04_gru/gru", new_state)

# %% [markdown]
# ## 5. From one convention to the other
#
# Some papers write h' = (1 - z) ⊙ h + z ⊙ n. Given a GRU's weights in our convention, return those that give the same
# h' in the other one. `W_x` is (3H, D), `W_h` (3H, H), `b` (3H,), with rows in the order r, z, n.
#
# <details><summary>Hint</summary>
#
# σ(-a) = 1 - σ(a). Copy before you change anything: the caller still needs the old weights.
# </details>


# %% answer="flip"
def flip(W_x, W_h, b):
    """Weights in one convention -> W_x, W_h, b of the same shapes in the other."""
    ### BEGIN SOLUTION
    H = len(b) // 3
    sign = np.repeat([1, -1, 1], H).astype(b.dtype)
    return sign[:, None] * W_x, sign[:, None] * W_h, sign * b
    ### END SOLUTION


# %% test="flip" points=3
# One unit: rows r, z, n. Only the middle row changes its sign.
W_x, W_h, b = flip(np.array([[1.0], [2], [3]]), np.array([[4.0], [5], [6]]), np.array([7.0, 8, 9]))
check.close(W_x, [[1], [-2], [3]], "W_x", {"all rows are negated": [[-1], [-2], [-3]]})
check.close(W_h, [[4], [-5], [6]], "W_h", {"the first block, of r, is negated": [[-4], [5], [6]]})
check.close(b, [7, -8, 9], "b", {"the bias is left as it is": [7, 8, 9]})
check.answer("04_gru/gru", flip)

# %% [markdown]
# ## What you built, at work
#
# One unit with weights set by hand. A pulse on "write" closes z for a step; the state then takes the candidate.
# From step 20 on the value is another, and the state does not hear of it before the next pulse.

# %%
import matplotlib.pyplot as plt

from lstmcore.plotting import figures, style


def run(xs):
    h = np.zeros((1, 1))
    for x in xs:
        weights = np.zeros((1, 2)), np.zeros((1, 1)), np.array([6.0])
        r, z = gates(x, h, *weights, np.array([[0.0, -12.0]]), *weights[1:])
        n = candidate_after(x, h, r, np.array([[1.0, 0.0]]), np.array([[1.5]]), np.zeros(1), np.zeros(1))
        h = new_state(h, z, n)
        yield z.item(), n.item(), h.item()


xs = np.zeros((40, 1, 2))  # 40 steps, one example, (value, write)
xs[:20, 0, 0], xs[20:, 0, 0] = 0.8, -2
xs[[4, 12, 28], 0, 1] = 1
try:
    z, n, h = np.array(list(run(xs))).T
except NotImplementedError:
    print("Write the functions above; then run this cell again: it draws what they do with a sequence.")
else:
    style.use()
    fig = figures.bands([("z", "z", z), ("g", "n", n), ("h", "h", h)])
    style.describe(fig, "z falls to 0 at steps 4, 12 and 28; there h takes the candidate's value and holds it.")
    plt.show()

# %% judge="all"
from functools import partial
from typing import NamedTuple

from lstmcore import convert
from lstmcore.numpy import gru, gru_reset_before

SIZES = [(3, 4, 2, float, 1), (1, 2, 5, float, 1), (2, 5, 3, np.float32, 1), (4, 2, 3, float, 1e3)]


def inputs(rng, shapes):
    """x, h and what `shapes` asks for: unequal sizes, one row, float32 once, saturated once. "r" is a gate's value."""
    for B, D, H, dtype, size in SIZES:
        known = {"r": (B, H), "x": (H, D), "h": (H, H), "b": (H,)}
        arrays = [rng.normal(size=known[s]).astype(dtype) for s in shapes]
        arrays = [sigmoid(a) if s == "r" else a for s, a in zip(shapes, arrays, strict=True)]
        x, h = rng.normal(size=(B, D)).astype(dtype), rng.normal(size=(B, H)).astype(dtype)
        yield dtype(size) * x, h, *arrays


def total(x, h, W_x, W_h, b):
    return x @ W_x.T + h @ W_h.T + b


def by_rows(f):
    """Row by row, where the first three arguments, or the first two, are batches."""
    return lambda *args, k=3: np.concatenate(
        [f(*(a[b : b + 1] for a in args[:k]), *args[k:]) for b in range(len(args[0]))]
    )


# %% judge="gates"
cases = partial(inputs, shapes="xhbxhb")


class Pair(NamedTuple):
    r: np.ndarray
    z: np.ndarray


def oracle(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z):
    p = gru.Params(
        np.concatenate([W_xr, W_xz, W_xz]),
        np.concatenate([W_hr, W_hz, W_hz]),
        np.concatenate([b_r, b_z, b_z]),
        0 * b_z,
    )
    return Pair(*gru.gates(p, gru.State(h), x)[:2])


mistakes = {
    "the biases are left out": lambda x, h, W, U, b, *w: oracle(x, h, W, U, 0 * b, *w[:2], 0 * w[2]),
    "h is ignored": lambda x, h, *w: oracle(x, 0 * h, *w),
    "x is ignored": lambda x, h, *w: oracle(0 * x, h, *w),
    "r and z are returned in the other order": lambda *args: Pair(*oracle(*args)[::-1]),
    "z is made with r's weights": lambda x, h, *w: oracle(x, h, *w[:3], *w[:3]),
    "z and 1 - z are mixed up": lambda *args: oracle(*args)._replace(z=1 - oracle(*args).z),
    "tanh takes the sigmoid's place": lambda x, h, *w: Pair(np.tanh(total(x, h, *w[:3])), np.tanh(total(x, h, *w[3:]))),
    "the biases are added after the sigmoid": lambda x, h, W, U, b, *w: Pair(
        sigmoid(total(x, h, W, U, 0 * b)) + b, sigmoid(total(x, h, *w[:2], 0 * b)) + w[2]
    ),
}
fair = {
    "with tanh": lambda x, h, *w: tuple(0.5 + 0.5 * np.tanh(total(x, h, *v) / 2) for v in (w[:3], w[3:])),
    "one product": lambda x, h, *w: tuple(
        sigmoid(np.hstack([x, h]) @ np.hstack(v[:2]).T + v[2]) for v in (w[:3], w[3:])
    ),
}

# %% judge="candidate_before"
cases, hide = partial(inputs, shapes="rxhb"), [gru_reset_before.gates]


def oracle(x, h, r, W, U, b):
    return np.tanh(x @ W.T + (r * h) @ U.T + b)


mistakes = {
    "r is ignored": lambda x, h, r, *w: oracle(x, h, 1 + 0 * r, *w),
    "r comes after the product": lambda x, h, r, W, U, b: np.tanh(x @ W.T + r * (h @ U.T) + b),
    "1 - r takes the place of r": lambda x, h, r, *w: oracle(x, h, 1 - r, *w),
    "b_n is left out": lambda x, h, r, W, U, b: oracle(x, h, r, W, U, 0 * b),
    "b_n is added outside the tanh": lambda x, h, r, W, U, b: oracle(x, h, r, W, U, 0 * b) + b,
    "r multiplies the bias too": lambda x, h, r, W, U, b: np.tanh(x @ W.T + (r * h) @ U.T + r * b),
    "tanh is applied twice": lambda *args: np.tanh(oracle(*args)),
    "σ takes the place of tanh": lambda x, h, r, W, U, b: sigmoid(x @ W.T + (r * h) @ U.T + b),
}
fair = {
    "with einsum": lambda x, h, r, W, U, b: np.tanh(
        np.einsum("bd,hd->bh", x, W) + np.einsum("bk,bk,hk->bh", r, h, U) + b
    ),
    "row by row": by_rows(oracle),
}

# %% judge="candidate_after"
cases, hide = partial(inputs, shapes="rxhbb"), [gru.gates]


def oracle(x, h, r, W, U, b, b_hn):
    return np.tanh(x @ W.T + b + r * (h @ U.T + b_hn))


mistakes = {
    "r is ignored": lambda x, h, r, *w: oracle(x, h, 1 + 0 * r, *w),
    "r comes before the product": lambda x, h, r, W, U, b, c: np.tanh(x @ W.T + b + (r * h) @ U.T + r * c),
    "r does not multiply b_hn": lambda x, h, r, W, U, b, c: oracle(x, h, r, W, U, b + c, 0 * c),
    "r multiplies b_n too": lambda x, h, r, W, U, b, c: oracle(x, h, r, W, U, 0 * b, b + c),
    "b_n and b_hn are swapped": lambda x, h, r, W, U, b, c: oracle(x, h, r, W, U, c, b),
    "b_hn is left out": lambda x, h, r, W, U, b, c: oracle(x, h, r, W, U, b, 0 * c),
    "tanh is applied twice": lambda *args: np.tanh(oracle(*args)),
    "1 - r takes the place of r": lambda x, h, r, *w: oracle(x, h, 1 - r, *w),
}
fair = {
    "with einsum": lambda x, h, r, W, U, b, c: np.tanh(
        np.einsum("bd,hd->bh", x, W) + b + r * c + np.einsum("bh,bk,hk->bh", r, h, U)
    ),
    "row by row": by_rows(oracle),
}


# %% judge="new_state"
def cases(rng):
    for shape, dtype in [((3, 2), float), ((1, 5), float), ((2, 4), np.float32), ((4, 3), float)]:
        h, z, n = rng.normal(size=(3, *shape)).astype(dtype)
        yield h, sigmoid(z), np.tanh(n)


def oracle(h, z, n):
    return (1 - z) * n + z * h


mistakes = {
    "z and 1 - z are swapped": lambda h, z, n: z * n + (1 - z) * h,
    "n is added whole: n + z * h": lambda h, z, n: n + z * h,
    "h is kept whole: (1 - z) * n + h": lambda h, z, n: (1 - z) * n + h,
    "the old state is lost: (1 - z) * n": lambda h, z, n: (1 - z) * n,
    "z multiplies both: z * n + z * h": lambda h, z, n: z * (n + h),
    "a tanh is put around the sum": lambda h, z, n: np.tanh(oracle(h, z, n)),
}
fair = {
    "one product": lambda h, z, n: n + z * (h - n),
    "with einsum": lambda h, z, n: np.einsum("kbh,kbh->bh", np.stack([1 - z, z]), np.stack([n, h])),
}


# %% judge="flip"
class Weights(NamedTuple):
    W_x: np.ndarray
    W_h: np.ndarray
    b: np.ndarray


def cases(rng):
    for D, H, dtype in [(4, 2, float), (1, 1, float), (3, 5, np.float32), (6, 3, float)]:
        yield tuple(rng.normal(size=shape).astype(dtype) for shape in [(3 * H, D), (3 * H, H), (3 * H,)])


def oracle(W_x, W_h, b):
    return Weights(*convert.flip_update(gru_reset_before.Params(W_x, W_h, b)))


def signs(*sign):
    return lambda W_x, W_h, b: Weights(
        *(np.concatenate([s * part for s, part in zip(sign, np.split(a, 3), strict=True)]) for a in (W_x, W_h, b))
    )


mistakes = {
    "all rows are negated": signs(-1, -1, -1),
    "the first block, of r, is negated": signs(-1, 1, 1),
    "the last block, of n, is negated": signs(1, 1, -1),
    "nothing is changed": signs(1, 1, 1),
    "the bias is left as it is": lambda W_x, W_h, b: oracle(W_x, W_h, b)._replace(b=b),
    "W_h is left as it is": lambda W_x, W_h, b: oracle(W_x, W_h, b)._replace(W_h=W_h),
    "the rows of z become 1 minus themselves": lambda *args: Weights(
        *(np.concatenate([r, 1 - z, n]) for r, z, n in (np.split(a, 3) for a in args))
    ),
}
fair = {
    "by slices of a copy": lambda *args: tuple(
        np.concatenate([a[: len(a) // 3], -a[len(a) // 3 : 2 * len(a) // 3], a[2 * len(a) // 3 :]]) for a in args
    ),
}
