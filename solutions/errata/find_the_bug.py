# %% [markdown]
# # Find the bug
#
# About 35 minutes. You need the chapters on the LSTM and the GRU. The page on errata tells the answers: read it later.
#
# Five short listings, all of which run, and all of which are wrong. The ideas are those of real texts about recurrent
# nets, where nobody saw them for years: a net with a wrong formula still learns something.
#
# Each listing is followed by a line that shows a symptom. Find what is wrong, and write the function as it should be;
# most lines of the listing can stay. Some listings have more than one bug.
#
# `hx` is the old state and the input in one row, `[h, x]`, so one matrix does for both: `W` is (H, H + D). The last
# line of each test, `check.answer`, tries your function on inputs that you do not see. Change no argument.

# %%
import numpy as np

from lstmcore import check
from lstmcore.numpy.ops import sigmoid

# %% [markdown]
# ## 1. A gate that learns nothing
#
# The GRU of Cho et al. (2014, eqs. 5–8), without biases:
#
# $$r = \sigma(W_r\,[h, x]) \qquad z = \sigma(W_z\,[h, x]) \qquad n = \tanh(W_n\,[r \odot h,\; x])$$
#
# $$h' = (1 - z) \odot n + z \odot h$$


# %%
def listing_1(x, h, W_r, W_z, W_n):
    hx = np.concatenate([h, x], axis=1)
    r = sigmoid(hx @ W_r.T)
    z = sigmoid(hx @ W_z.T)
    n = np.tanh(hx @ W_n.T)
    return (1 - z) * n + z * h


rng = np.random.default_rng(0)
x, h, W_r, W_z, W_n = (rng.normal(size=shape) for shape in [(3, 4), (3, 2), (2, 6), (2, 6), (2, 6)])
moved = listing_1(x, h, W_r + 1, W_z, W_n) - listing_1(x, h, W_r, W_z, W_n)
print("Symptom: add 1 to every weight of r, and h changes by", np.abs(moved).max())

# %% [markdown]
# <details><summary>Hint</summary>
#
# Go through the names on the left of each `=`. Which of them never stands on the right of a later line?
# </details>


# %% answer="gru_step"
def gru_step(x, h, W_r, W_z, W_n):
    """x (B, D), h (B, H), each W (H, H + D) -> the new h (B, H)."""
    ### BEGIN SOLUTION
    hx = np.concatenate([h, x], axis=1)
    r = sigmoid(hx @ W_r.T)
    z = sigmoid(hx @ W_z.T)
    n = np.tanh(np.concatenate([r * h, x], axis=1) @ W_n.T)
    return (1 - z) * n + z * h
    ### END SOLUTION


# %% test="gru_step" points=2
# One unit, x = 1. r = σ(log 3) = 3/4 and z = σ(0) = 1/2. With h = 4/3 log 2, r h = log 2, and n = tanh(log 2) = 3/5.
h, log3 = np.array([[4 / 3 * np.log(2)]]), np.log(3)
new = gru_step(np.ones((1, 1)), h, np.array([[0, log3]]), np.zeros((1, 2)), np.array([[1.0, 0.0]]))
wrong = {"r is computed and never used": (np.tanh(h) + h) / 2, "1 - r takes the place of r": (np.tanh(h / 4) + h) / 2}
check.close(new, (3 / 5 + h) / 2, "h", wrong)
check.answer("errata/find_the_bug", gru_step)

# %% [markdown]
# ## 2. A candidate out of bounds
#
# $$n = \tanh(W\,[r \odot h,\; x] + b)$$
#
# Here `hx` has the reset done already. A candidate lies between -1 and 1, and should come as near to both as it likes.


# %%
def listing_2(hx, W, b):
    n = np.tanh(hx @ W.T)
    return np.tanh(n) + b


far = np.array([[-100.0], [100.0]])
for b in (0.0, 0.5):
    low, high = listing_2(far, np.ones((1, 1)), np.array([b])).ravel()
    print(f"Symptom: with b = {b} the candidate lies between {low:.3f} and {high:.3f}")

# %% [markdown]
# <details><summary>Hint</summary>
#
# There are two bugs. tanh(1) is 0.762: what went through the tanh to get there? And where does b stand in the equation?
# </details>


# %% answer="candidate"
def candidate(hx, W, b):
    """hx (B, H + D), W (H, H + D), b (H,) -> n (B, H)."""
    ### BEGIN SOLUTION
    return np.tanh(hx @ W.T + b)
    ### END SOLUTION


# %% test="candidate" points=2
# b = log 2. For hx = 0, n = tanh(log 2) = 3/5; for hx = log 2, n = tanh(2 log 2) = (4 - 1/4) / (4 + 1/4) = 15/17.
n = candidate(np.array([[0.0], [np.log(2)]]), np.ones((1, 1)), np.log([2.0]))
wrong = {
    "b stands outside the tanh": [[np.log(2)], [3 / 5 + np.log(2)]],
    "tanh is applied twice": np.tanh([[3 / 5], [15 / 17]]),
    "tanh is applied twice and b stands outside": [[np.log(2)], [np.tanh(3 / 5) + np.log(2)]],
}
check.close(n, [[3 / 5], [15 / 17]], "n", wrong)
check.answer("errata/find_the_bug", candidate)

# %% [markdown]
# ## 3. Weights from elsewhere
#
# The listing is right in one convention, and you are given weights of the other. They come from PyTorch, whose z is the
# share of the *old* state:
#
# $$z = \sigma(W_z\,[h, x] + b_z) \qquad h' = (1 - z) \odot n + z \odot h$$


# %%
def listing_3(hx, h, n, W_z, b_z):
    z = sigmoid(hx @ W_z.T + b_z)
    return (1 - z) * h + z * n


h, n = np.array([[1.0]]), np.array([[0.0]])
for b_z in (5.0, -5.0):
    kept = listing_3(np.zeros((1, 2)), h, n, np.zeros((1, 2)), np.array([b_z])).item()
    print(f"Symptom: b_z = {b_z:+} was set to {'keep' if b_z > 0 else 'renew'} the state; {kept:.0%} of it is kept")

# %% [markdown]
# <details><summary>Hint</summary>
#
# Two ways lead there: change the last line, or the sign of what goes into σ, since σ(-a) = 1 - σ(a). All of it.
# </details>


# %% answer="new_state"
def new_state(hx, h, n, W_z, b_z):
    """hx (B, H + D), h (B, H), n (B, H), W_z (H, H + D), b_z (H,) of PyTorch -> the new h (B, H)."""
    ### BEGIN SOLUTION
    z = sigmoid(hx @ W_z.T + b_z)
    return (1 - z) * n + z * h
    ### END SOLUTION


# %% test="new_state" points=1
# z = σ(log 3) = 3/4: three quarters of h = 4 are kept, one quarter of n = -1 is new.
new = new_state(np.zeros((1, 2)), np.array([[4.0]]), np.array([[-1.0]]), np.zeros((1, 2)), np.log([3.0]))
check.close(new, [[2.75]], "h", {"z is read as the share of the new": [[0.25]]})
check.answer("errata/find_the_bug", new_state)

# %% [markdown]
# ## 4. A bias that fits by chance
#
# Some texts put the examples of a batch in columns. All four gates of an LSTM, stacked in rows i, f, g, o:
#
# $$a = W\,[h, x] + b \qquad i, f, o = \sigma(a_i), \sigma(a_f), \sigma(a_o) \qquad g = \tanh(a_g)$$
#
# `hx` is (H + D, B) here, `W` (4H, H + D), and `b` (4H,).


# %%
def listing_4(hx, W, b):
    a = W @ hx + b
    i, f, g, o = np.split(a, 4)
    return sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)


for B in (3, 4, 1):
    try:
        said = f"i has shape {listing_4(np.zeros((2, B)), np.zeros((4, 2)), np.arange(4.0))[0].shape}"
    except ValueError as error:
        said = error
    print(f"Symptom: one unit, B = {B}: {said}")

# %% [markdown]
# The second shape is right, and the values are not: entry k of b should be added to row k, for every example.
#
# <details><summary>Hint</summary>
#
# NumPy lines shapes up from the right: (4H,) against (4H, B) is added along the last axis, B. Which shape of b would
# be added along the rows?
# </details>


# %% answer="gates"
def gates(hx, W, b):
    """hx (H + D, B), W (4H, H + D), b (4H,) -> i, f, g, o (H, B) each."""
    ### BEGIN SOLUTION
    i, f, g, o = np.split(W @ hx + b[:, None], 4)
    return sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    ### END SOLUTION


# %% test="gates" points=4
# One unit, weights zero, b = (0, log 3, log 2, -log 3): i = 1/2, f = 3/4, g = 3/5, o = 1/4 for each of four examples.
b = np.array([0, np.log(3), np.log(2), -np.log(3)])
for B in (4, 2):
    made = gates(np.zeros((2, B)), np.zeros((4, 2)), b)
    for k, (name, value) in enumerate({"i": 1 / 2, "f": 3 / 4, "g": 3 / 5, "o": 1 / 4}.items()):
        along = np.tanh(b) if name == "g" else sigmoid(b)
        check.close(made[k], np.full((1, B), value), name, {"b is added along the batch": along[None]})
check.answer("errata/find_the_bug", gates)

# %% [markdown]
# ## 5. A closed gate that hides nothing
#
# The cell of 1997 (Hochreiter and Schmidhuber, eqs. 3–9), which has no forget gate, and whose squashing functions are
# no tanh. Examples are rows again:
#
# $$i = \sigma(W_i\,[h, x] + b_i) \qquad g = 4\,\sigma(W_g\,[h, x] + b_g) - 2 \qquad o = \sigma(W_o\,[h, x] + b_o)$$
#
# $$c' = c + i \odot g \qquad h' = o \odot (2\,\sigma(c') - 1)$$


# %%
def listing_5(hx, c, W_i, b_i, W_g, b_g, W_o, b_o):
    i = sigmoid(hx @ W_i.T + b_i)
    g = np.tanh(hx @ W_g.T + b_g)
    o = sigmoid(hx @ W_i.T + b_o)
    c = c + i * g
    return o + np.tanh(c), c


shut = listing_5(np.zeros((1, 2)), np.full((1, 1), 3.0), *3 * [np.zeros((1, 2)), np.full(1, -20.0)])[0].item()
print(f"Symptom: all gates are closed, and the cell shows {shut:.3f}")

# %% [markdown]
# <details><summary>Hint</summary>
#
# There are three bugs: one in a weight's name, one in a sign between two letters, and one in a function, twice.
# </details>


# %% answer="memory_cell"
def memory_cell(hx, c, W_i, b_i, W_g, b_g, W_o, b_o):
    """hx (B, H + D), c (B, H), each W (H, H + D), each b (H,) -> the new h (B, H), the new c (B, H)."""
    ### BEGIN SOLUTION
    i = sigmoid(hx @ W_i.T + b_i)
    g = 4 * sigmoid(hx @ W_g.T + b_g) - 2
    o = sigmoid(hx @ W_o.T + b_o)
    c = c + i * g
    return o * (2 * sigmoid(c) - 1), c
    ### END SOLUTION


# %% test="memory_cell" points=4
# hx = 1, no biases. i = σ(log 3) = 3/4, g = 4 · 3/4 - 2 = 1, o = σ(-log 3) = 1/4. With c = log 3 - 3/4 the new c is
# log 3, which is squashed to 2 · 3/4 - 1 = 1/2, and h = 1/4 · 1/2 = 1/8.
W, none = np.log([[3.0]]), np.zeros(1)
h, c = memory_cell(np.ones((1, 1)), W - 3 / 4, W, none, W, none, -W, none)
check.close(c, W, "c", {"tanh squashes": W - 3 / 4 + 3 / 4 * 4 / 5, "i is left out": W + 1 / 4})
check.close(h, [[1 / 8]], "h", {"o is made with W_i": [[3 / 8]], "o and the memory are added": [[3 / 4]]})
check.answer("errata/find_the_bug", memory_cell)

# %% [markdown]
# ## What you mended, at work
#
# The last listing and your cell over the same sequence. Pulses of the input write +1 and -1 into the memory, and the
# output gate opens only for steps 20–29 and 50–59. Which curve would you rather give to the next layer?

# %%
import matplotlib.pyplot as plt

from lstmcore.plotting import style

xs = np.zeros((60, 1, 3))  # 60 steps, one example, (write, value, show)
xs[[5, 12], 0, :2] = 1, 1
xs[40, 0, :2] = 1, -1
xs[20:30, 0, 2] = xs[50:, 0, 2] = 1


def shown(cell):
    h = c = np.zeros((1, 1))
    for x in xs:
        hx = np.concatenate([h, x[None, 0]], axis=1)
        write, value, show = (np.array([row]) for row in ([0.0, 12, 0, 0], [0.0, 0, 1.1, 0], [0.0, 0, 0, 12]))
        h, c = cell(hx, c, write, np.array([-6.0]), value, np.zeros(1), show, np.array([-6.0]))
        yield h.item()


try:
    mended = list(shown(memory_cell))
except NotImplementedError:
    print(
        "Mend the last listing; then run this cell again: it draws what the cell showed before and what it shows now."
    )
else:
    style.use()
    fig, axes = plt.subplots(2, sharex=True, sharey=True, figsize=(5.4, 3.2))
    for ax, line, title in zip(axes, (list(shown(listing_5)), mended), ("the listing", "mended"), strict=True):
        ax.axvspan(20, 29, alpha=0.15, color=style.Q["o"], lw=0)
        ax.axvspan(50, 59, alpha=0.15, color=style.Q["o"], lw=0)
        ax.plot(line, color=style.Q["h"])
        ax.set_title(title)
        style.letter(ax, "h")
    fig.subplots_adjust(hspace=0.35)
    axes[-1].set_xlabel("step (shaded: the output gate should be open)")
    style.describe(fig, "The listing's h follows the memory whether its gate is open or not; mended, h is 0 outside.")
    plt.show()

# %% judge="all"
from functools import partial
from itertools import combinations
from typing import NamedTuple

SIZES = [(3, 4, 2, float, 1), (1, 2, 5, float, 1), (2, 5, 3, np.float32, 1), (4, 2, 3, float, 1e3)]


def inputs(rng, shapes):
    """Arrays named by letters: unequal sizes, one row, float32 once, a saturated x once."""
    for B, D, H, dtype, size in SIZES:
        known = {"x": (B, D), "j": (B, H + D), "h": (B, H), "W": (H, H + D), "b": (H,)}
        yield tuple((rng.normal(size=known[s]) * (size if s in "xj" else 1)).astype(dtype) for s in shapes)


def total(hx, W, b):
    return np.einsum("bk,hk->bh", hx, W) + b


def by_rows(f, batches):
    """f on one example at a time; the first arguments are batches."""

    def one_by_one(*args):
        made = [f(*(a[k : k + 1] for a in args[:batches]), *args[batches:]) for k in range(len(args[0]))]
        return (
            tuple(map(np.concatenate, zip(*made, strict=True))) if isinstance(made[0], tuple) else np.concatenate(made)
        )

    return one_by_one


def bugs(names, build):
    """Every choice of these bugs, the most first: {"a and b": build({"a", "b"})}."""
    chosen = [choice for k in range(len(names), 0, -1) for choice in combinations(names, k)]
    return {" and ".join(choice): build(set(choice)) for choice in chosen}


# %% judge="gru_step"
cases = partial(inputs, shapes="xhWWW")


def made(n=lambda x, h, r, W: np.tanh(np.hstack([r * h, x]) @ W.T), new=lambda h, r, z, n: (1 - z) * n + z * h):
    def step(x, h, W_r, W_z, W_n):
        r, z = (sigmoid(np.hstack([h, x]) @ W.T) for W in (W_r, W_z))
        return new(h, r, z, n(x, h, r, W_n))

    return step


oracle = made()
mistakes = {
    "r is computed and never used": made(n=lambda x, h, r, W: np.tanh(np.hstack([h, x]) @ W.T)),
    "r comes after the product": made(n=lambda x, h, r, W: np.tanh(r * (np.hstack([h, x]) @ W.T))),
    "r multiplies the candidate, after its tanh": made(n=lambda x, h, r, W: r * np.tanh(np.hstack([h, x]) @ W.T)),
    "r multiplies the old state in the last line": made(
        n=lambda x, h, r, W: np.tanh(np.hstack([h, x]) @ W.T), new=lambda h, r, z, n: (1 - z) * n + z * r * h
    ),
    "1 - r takes the place of r": made(n=lambda x, h, r, W: np.tanh(np.hstack([(1 - r) * h, x]) @ W.T)),
    "r takes the place of h": made(n=lambda x, h, r, W: np.tanh(np.hstack([r, x]) @ W.T)),
    "r and z have each other's weights": lambda x, h, W_r, W_z, W_n: oracle(x, h, W_z, W_r, W_n),
    "z and 1 - z are swapped": made(new=lambda h, r, z, n: z * n + (1 - z) * h),
}
fair = {
    "split weights": made(n=lambda x, h, r, W: np.tanh((r * h) @ W[:, : r.shape[1]].T + x @ W[:, r.shape[1] :].T)),
    "in place on a copy": made(new=lambda h, r, z, n: n + z * (h - n)),
    "row by row": by_rows(oracle, 2),
}

# %% judge="candidate"
cases = partial(inputs, shapes="jWb")


def oracle(hx, W, b):
    return np.tanh(hx @ W.T + b)


mistakes = {
    "tanh is applied twice and b stands outside": lambda hx, W, b: np.tanh(oracle(hx, W, 0 * b)) + b,
    "tanh is applied twice": lambda hx, W, b: np.tanh(oracle(hx, W, b)),
    "b stands outside the tanh": lambda hx, W, b: oracle(hx, W, 0 * b) + b,
    "b stands between two tanh": lambda hx, W, b: np.tanh(oracle(hx, W, 0 * b) + b),
    "b is left out": lambda hx, W, b: oracle(hx, W, 0 * b),
    "tanh is applied twice and b is left out": lambda hx, W, b: np.tanh(oracle(hx, W, 0 * b)),
    "σ takes the place of tanh": lambda hx, W, b: sigmoid(hx @ W.T + b),
    "no tanh is left": total,
}
fair = {
    "with σ": lambda hx, W, b: 2 * sigmoid(2 * total(hx, W, b)) - 1,
    "the bias as one more weight": lambda hx, W, b: np.tanh(
        np.hstack([hx, np.ones_like(hx[:, :1])]) @ np.hstack([W, b[:, None]]).T
    ),
    "row by row": by_rows(oracle, 1),
}

# %% judge="new_state"
cases = partial(inputs, shapes="jhhWb")


def oracle(hx, h, n, W_z, b_z):
    z = sigmoid(hx @ W_z.T + b_z)
    return (1 - z) * n + z * h


mistakes = {
    "z is read as the share of the new": lambda hx, h, n, W, b: oracle(hx, n, h, W, b),
    "W_z is negated and b_z is not, in the listing": lambda hx, h, n, W, b: oracle(hx, n, h, -W, b),
    "b_z is negated and W_z is not, in the listing": lambda hx, h, n, W, b: oracle(hx, n, h, W, -b),
    "tanh takes the place of σ": lambda hx, h, n, W, b: n + np.tanh(total(hx, W, b)) * (h - n),
    "b_z is left out": lambda hx, h, n, W, b: oracle(hx, h, n, W, 0 * b),
    "z multiplies both": lambda hx, h, n, W, b: sigmoid(total(hx, W, b)) * (h + n),
    "n is added whole": lambda hx, h, n, W, b: n + sigmoid(total(hx, W, b)) * h,
}
fair = {
    "all weights negated": lambda hx, h, n, W, b: (1 - sigmoid(total(hx, -W, -b))) * h + sigmoid(total(hx, -W, -b)) * n,
    "one product": lambda hx, h, n, W, b: n + sigmoid(total(hx, W, b)) * (h - n),
    "row by row": by_rows(oracle, 3),
}


# %% judge="gates"
class Four(NamedTuple):
    i: np.ndarray
    f: np.ndarray
    g: np.ndarray
    o: np.ndarray


def cases(rng):
    """Only sizes for which the listing runs, with wrong values: B = 4H, and B = 1. The visible test has another."""
    for H, D, B, dtype, size in [
        (1, 3, 4, float, 1),
        (3, 2, 1, float, 1),
        (2, 5, 8, np.float32, 1),
        (2, 1, 8, float, 1e3),
    ]:
        shapes = [(H + D, B), (4 * H, H + D), (4 * H,)]
        yield tuple((s * rng.normal(size=shape)).astype(dtype) for s, shape in zip((size, 1, 1), shapes, strict=True))


def squashed(a, order="ifgo"):
    made = {
        name: np.tanh(part) if name == "g" else sigmoid(part) for name, part in zip(order, np.split(a, 4), strict=True)
    }
    return Four(**made)


def oracle(hx, W, b):
    return squashed(W @ hx + b[:, None])


mistakes = {
    "b is added along the batch": lambda hx, W, b: squashed(W @ hx + b),
    "b is left out": lambda hx, W, b: squashed(W @ hx),
    "b is added after the squashing": lambda hx, W, b: Four(
        *(gate + part[:, None] for gate, part in zip(squashed(W @ hx), np.split(b, 4), strict=True))
    ),
    "only the first entry of b is used, for all rows": lambda hx, W, b: squashed(W @ hx + b[0]),
    "the rows are taken in Keras's order of names, i f o g": lambda hx, W, b: squashed(W @ hx + b[:, None], "ifog"),
    "i and f change places": lambda hx, W, b: squashed(W @ hx + b[:, None], "figo"),
    "g goes through σ": lambda hx, W, b: oracle(hx, W, b)._replace(g=sigmoid(np.split(W @ hx + b[:, None], 4)[2])),
    "o goes through tanh": lambda hx, W, b: oracle(hx, W, b)._replace(o=np.tanh(np.split(W @ hx + b[:, None], 4)[3])),
}
fair = {
    "rows and back": lambda hx, W, b: tuple(gate.T for gate in squashed_rows(hx.T @ W.T + b)),
    "the bias as one more weight": lambda hx, W, b: squashed(
        np.hstack([W, b[:, None]]) @ np.vstack([hx, 0 * hx[:1] + 1])
    ),
    "a loop over the examples": lambda hx, W, b: squashed(np.stack([W @ column + b for column in hx.T], axis=1)),
}


def squashed_rows(a):
    i, f, g, o = np.split(a, 4, axis=1)
    return sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)


# %% judge="memory_cell"
class Both(NamedTuple):
    h: np.ndarray
    c: np.ndarray


cases = partial(inputs, shapes="jhWbWbWb")
W_I, SUM, TANH = "o is made with W_i", "o and the memory are added", "tanh squashes"


def build(found):
    def cell(hx, c, W_i, b_i, W_g, b_g, W_o, b_o):
        i, o = sigmoid(total(hx, W_i, b_i)), sigmoid(total(hx, W_i if W_I in found else W_o, b_o))
        a = total(hx, W_g, b_g)
        c = c + i * (np.tanh(a) if TANH in found else 4 * sigmoid(a) - 2)
        show = np.tanh(c) if TANH in found else 2 * sigmoid(c) - 1
        return Both(o + show if SUM in found else o * show, c)

    return cell


oracle = build(set())
mistakes = {
    **bugs([W_I, SUM, TANH], build),
    "the old memory is shown": lambda hx, c, *w: oracle(hx, c, *w)._replace(
        h=sigmoid(total(hx, *w[4:])) * (2 * sigmoid(c) - 1)
    ),
    "the memory is not squashed": lambda hx, c, *w: oracle(hx, c, *w)._replace(
        h=sigmoid(total(hx, *w[4:])) * oracle(hx, c, *w).c
    ),
    "o has both W_i and b_i": lambda hx, c, *w: oracle(hx, c, *w[:4], *w[:2]),
    "h and c are returned in the other order": lambda *args: Both(*oracle(*args)[::-1]),
}
fair = {
    "with halved tanh": lambda hx, c, *w: (
        sigmoid(total(hx, *w[4:]))
        * np.tanh((c + sigmoid(total(hx, *w[:2])) * 2 * np.tanh(total(hx, *w[2:4]) / 2)) / 2),
        c + sigmoid(total(hx, *w[:2])) * 2 * np.tanh(total(hx, *w[2:4]) / 2),
    ),
    "row by row": by_rows(oracle, 2),
}
