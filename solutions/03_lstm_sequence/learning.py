# %% [markdown]
# # How an LSTM learns
#
# About 45 minutes. You need one step of an LSTM: [the exercise before](../03_lstm/lstm_step.ipynb).
#
# A step back takes the gradients of what the step wrote, and gives the gradients of what it read. You write it in two
# pieces, run it back over a whole sequence, and begin it at a loss. `dx` is short for dLoss/dx; it has the shape of x.

# %%
from typing import Any, NamedTuple

import numpy as np

from lstmcore import check
from lstmcore.cells.lstm import Gates, Params, State
from lstmcore.numpy import lstm
from lstmcore.numpy.ops import softmax


class Read(NamedTuple):
    i: Any
    f: Any
    g: Any
    o: Any
    c: Any


class Readout(NamedTuple):
    loss: Any
    dW: Any
    db: Any
    dh: Any


# %% [markdown]
# ## 1. Back through the memory
#
# The step was
#
# $$c' = f \odot c + i \odot g \qquad h' = o \odot \tanh c'$$
#
# Two things read $c'$: the tanh, and the next step. So its whole gradient is
# $d\tilde c = dc' + dh' \odot o \odot (1 - \tanh^2 c')$. Return the gradients of the four gates and of the old memory.
#
# <details><summary>Hint: where is dc?</summary>
#
# `dc` is only what came from the next step. Add the part through the tanh first, then use the sum for i, f, g and c.
# </details>


# %% answer="memory_backward"
def memory_backward(gates, c, dh, dc):
    """gates and the old c, each (B, H); dh, dc: the gradients of the new h and c -> Read(di, df, dg, do, dc)."""
    ### BEGIN SOLUTION
    i, f, g, o = gates
    tanh_c = np.tanh(f * c + i * g)
    total = dc + dh * o * (1 - tanh_c**2)
    return Read(i=total * g, f=total * c, g=total * i, o=dh * tanh_c, c=total * f)
    ### END SOLUTION


# %% test="memory_backward" points=5
# A closed output gate and dh = 0 leave only dc = 1: di = g, df = c, dg = i, dc = f, do = 0.
one = np.ones((1, 1))
got = Read(*memory_backward(Gates(0.5 * one, 0.25 * one, 0.2 * one, 0 * one), 2 * one, 0 * one, one))
for name, value in [("i", 0.2), ("f", 2.0), ("g", 0.5), ("o", 0.0), ("c", 0.25)]:
    check.close(getattr(got, name), [[value]], f"d{name}")
check.answer("03_lstm_sequence/learning", memory_backward)

# %% [markdown]
# ## 2. Back over a sequence
#
# `lstm.step_backward(p, state, x, dnew)` gives `(dparams, dstate, dx)` for one step. For a sequence go from the last
# step to the first. At each step h has two readers as well: the loss, by `dhs[t]`, and the next step. The weights are
# the same at every step, so their gradients add up.
#
# `states` has T + 1 entries: `states[t]` is what step t read, `states[t + 1]` what it wrote.
#
# <details><summary>Hint: what goes into the last step?</summary>
#
# Nothing comes after it: its `dnew` is `State(h=dhs[-1], c=0)`, with zeros of the right shape.
# </details>
# <details><summary>Hint: adding Params</summary>
#
# `Params(*(a + b for a, b in zip(total, dparams)))`
# </details>


# %% answer="sequence_backward"
def sequence_backward(p, states, xs, dhs):
    """states: T + 1 State; xs (T, B, D); dhs (T, B, H) -> the gradients of the weights, a Params."""
    ### BEGIN SOLUTION
    total = Params(*(np.zeros_like(a) for a in p))
    dnew = State(h=np.zeros_like(dhs[0]), c=np.zeros_like(dhs[0]))
    for t in reversed(range(len(xs))):
        dnew = State(h=dnew.h + dhs[t], c=dnew.c)
        dparams, dnew, _ = lstm.step_backward(p, states[t], xs[t], dnew)
        total = Params(*(a + b for a, b in zip(total, dparams, strict=True)))
    return total
    ### END SOLUTION


# %% test="sequence_backward" points=6
# With all weights zero i = f = o = 1/2 and g = 0, so the memory, which starts at 1, is 1/2 and then 1/4.
# The gradient of b_o at one step is dh · tanh(c') · o (1 - o), and it adds up over the two steps.
p = Params(W_x=np.zeros((4, 1)), W_h=np.zeros((4, 1)), b=np.zeros(4))
states = [State(h=np.zeros((1, 1)), c=np.ones((1, 1)))]
for _ in range(2):
    states.append(lstm.step(p, states[-1], np.ones((1, 1))))
got = sequence_backward(p, states, np.ones((2, 1, 1)), np.ones((2, 1, 1)))
of_each_step = np.array([np.tanh(0.5) / 4, np.tanh(0.25) / 4])
wrong = {"only the last step counts": of_each_step[1], "only the first step counts": of_each_step[0]}
check.close(got.b[3], of_each_step.sum(), "db of the output gate", wrong)
check.answer("03_lstm_sequence/learning", sequence_backward)

# %% [markdown]
# ## 3. Where it begins: softmax and cross-entropy
#
# The net names a class: `y = W h + b` for each sequence, then a softmax. The loss is $-\log$ of the probability of the
# right class, averaged over the batch, and its gradient with respect to y is as simple as it could be:
# probability minus one for the right class, probability for the others, all divided by B.
#
# <details><summary>Hint: numbers up to a thousand</summary>
#
# $\log \mathrm{softmax}(y)_k = (y_k - m) - \log \sum_j e^{y_j - m}$ with $m$ the largest y: no number overflows, and
# no logarithm is taken of zero. `softmax` from lstmcore does the same inside.
# </details>


# %% answer="readout"
def readout(W, b, h, target):
    """W (K, H), b (K,), h (B, H), target (B,) of classes 0 … K - 1 -> Readout(loss, dW, db, dh)."""
    ### BEGIN SOLUTION
    y = h @ W.T + b
    m = y.max(axis=1, keepdims=True)
    log_p = y - m - np.log(np.exp(y - m).sum(axis=1, keepdims=True))
    every = np.arange(len(h))
    dy = softmax(y)
    dy[every, target] -= 1
    dy /= len(h)
    return Readout(-log_p[every, target].mean(), dy.T @ h, dy.sum(axis=0), dy @ W)
    ### END SOLUTION


# %% test="readout" points=4
# Zero weights, two classes: both have probability 1/2, the loss is log 2, and dy is -1/2 for the right class, 1/2 else.
got = Readout(*readout(np.zeros((2, 1)), np.zeros(2), np.ones((1, 1)), np.array([0])))
check.close(got.loss, np.log(2), "loss", {"the sign is the other one": -np.log(2), "the log is left out": 0.5})
check.close(got.db, [-0.5, 0.5], "db", {"the one of the right class is not taken off": [0.5, 0.5]})
check.answer("03_lstm_sequence/learning", readout)

# %% [markdown]
# ## What you built, at work
#
# Your readout and your sequence_backward train an LSTM to recall a symbol over 10 others. It takes a few seconds.

# %%
import matplotlib.pyplot as plt

from lstmcore import tasks, weights
from lstmcore.plotting import style
from lstmcore.scan import scan

rng = np.random.default_rng(0)
p = weights.gate_bias(weights.uniform(Params, 6, 12, rng), f=5, i=-3)
W, b, losses = rng.normal(size=(2, 12)) / 4, np.zeros(2), []
try:
    for _ in range(150):
        xs, target = tasks.recall(rng, 16, 10)
        xs = xs.astype(float)
        states = scan(lstm.step, p, State(*np.zeros((2, 16, 12))), xs)
        loss, dW, db, dh = readout(W, b, states[-1].h, target)
        dhs = np.zeros((11, 16, 12))
        dhs[-1] = dh
        grads = [*sequence_backward(p, states, xs, dhs), dW, db]
        size = np.sqrt(sum((g**2).sum() for g in grads))
        moved = [a - 2 * g / max(size, 1) for a, g in zip([*p, W, b], grads, strict=True)]
        p, W, b = Params(*moved[:3]), *moved[3:]
        losses.append(loss)
except NotImplementedError:
    print("Write readout and sequence_backward above; then run this cell again: it trains a net with them.")
else:
    style.use()
    fig, ax = plt.subplots()
    ax.plot(losses, color=style.Q["c"])
    ax.axhline(np.log(2), ls=":", color=style.INK)
    ax.set(xlabel="update", ylabel="loss", ylim=(0, None))
    style.describe(fig, "The loss starts at log 2, a guess (dotted), and falls towards zero.")
    plt.show()


# %% judge="memory_backward"
def cases(rng):
    for B, H, dtype, late in [(1, 3, float, 1), (3, 2, float, 1), (2, 5, np.float32, 1), (4, 3, float, 0)]:
        i, f, o = rng.uniform(size=(3, B, H)).astype(dtype)
        g, c, dh, dc = rng.normal(size=(4, B, H)).astype(dtype)
        yield Gates(i, f, np.tanh(g), o), c, dh, late * dc


def oracle(gates, c, dh, dc):
    i, f, g, o = gates
    tanh_c = np.tanh(f * c + i * g)
    total = dc + dh * o * (1 - tanh_c**2)
    return Read(i=total * g, f=total * c, g=total * i, o=dh * tanh_c, c=total * f)


def with_total(total):
    """The right products with another gradient of c'."""

    def made(gates, c, dh, dc):
        i, f, g, o = gates
        new = f * c + i * g
        t = total(gates, new, dh, dc)
        return Read(i=t * g, f=t * c, g=t * i, o=dh * np.tanh(new), c=t * f)

    return made


def changed(**how):
    def made(gates, c, dh, dc):
        right = oracle(gates, c, dh, dc)
        total = dc + dh * gates.o * (1 - np.tanh(gates.f * c + gates.i * gates.g) ** 2)
        return right._replace(**{name: f(gates, c, dh, total) for name, f in how.items()})

    return made


def old_in_both(gates, c, dh, dc):
    total = dc + dh * gates.o * (1 - np.tanh(c) ** 2)
    return Read(i=total * gates.g, f=total * c, g=total * gates.i, o=dh * np.tanh(c), c=total * gates.f)


mistakes = {
    "the gradient from the next step, dc, is left out": with_total(
        lambda s, c, dh, dc: dh * s.o * (1 - np.tanh(c) ** 2)
    ),
    "the path through the tanh is left out": with_total(lambda s, c, dh, dc: dc),
    "o is left out of the path through the tanh": with_total(lambda s, c, dh, dc: dc + dh * (1 - np.tanh(c) ** 2)),
    "tanh' is taken at the wrong place, 1 - c²": with_total(lambda s, c, dh, dc: dc + dh * s.o * (1 - c**2)),
    "tanh' is left out": with_total(lambda s, c, dh, dc: dc + dh * s.o),
    "i and g are swapped": changed(i=lambda s, c, dh, t: t * s.i, g=lambda s, c, dh, t: t * s.g),
    "the new c stands for the old one in df": changed(f=lambda s, c, dh, t: t * (s.f * c + s.i * s.g)),
    "f is left out of dc": changed(c=lambda s, c, dh, t: t),
    "do = dh * c', without the tanh": changed(o=lambda s, c, dh, t: dh * (s.f * c + s.i * s.g)),
    "the old c stands for the new one in do": changed(o=lambda s, c, dh, t: dh * np.tanh(c)),
    "the old c stands for the new one in both tanh": old_in_both,
}


def by_einsum(gates, c, dh, dc):
    i, f, g, o = gates
    new = np.einsum("bh,bh->bh", f, c) + np.einsum("bh,bh->bh", i, g)
    total = dc + dh * o / np.cosh(new) ** 2
    return [total * g, total * c, total * i, dh * np.tanh(new), total * f]


fair = {"with einsum, 1 / cosh² and a list": by_einsum}

# %% judge="sequence_backward"
from lstmcore import weights
from lstmcore.numpy.bptt import scan_backward
from lstmcore.scan import scan


def cases(rng):
    for T, B, D, H, dtype, size in [
        (1, 2, 3, 2, float, 1),
        (3, 1, 2, 3, float, 1),
        (5, 3, 4, 2, float, 1),
        (4, 2, 3, 5, np.float32, 1),
        (3, 2, 4, 3, float, 1e3),
    ]:
        p = weights.uniform(Params, D, H, rng, dtype)
        xs = (size * rng.normal(size=(T, B, D))).astype(dtype)
        states = scan(lstm.step, p, State(*rng.normal(size=(2, B, H)).astype(dtype)), xs)
        yield p, tuple(states), xs, rng.normal(size=(T, B, H)).astype(dtype)


def oracle(p, states, xs, dhs):
    return scan_backward(lstm.step_backward, p, states, xs, dhs)[0]


def loop(order=reversed, carry=lambda d: d, add=True, read=lambda t: t, loss=lambda t, T: True):
    """A sequence_backward with one thing done otherwise."""

    def made(p, states, xs, dhs):
        total = Params(*map(np.zeros_like, p))
        dnew = State(np.zeros_like(dhs[0]), np.zeros_like(dhs[0]))
        for t in order(range(len(xs))):
            dnew = State(dnew.h + dhs[t] * loss(t, len(xs)), dnew.c)
            dparams, dnew, _ = lstm.step_backward(p, states[read(t)], xs[t], dnew)
            dnew = carry(dnew)
            total = Params(*(a * add + b for a, b in zip(total, dparams, strict=True)))
        return total

    return made


mistakes = {
    "the loop runs forward in time": loop(order=iter),
    "the gradients of the steps are overwritten, not added": loop(add=False),
    "the state's gradient is not carried to the step before": loop(carry=lambda d: State(0 * d.h, 0 * d.c)),
    "the gradient of c is not carried to the step before": loop(carry=lambda d: State(d.h, 0 * d.c)),
    "the gradient of h is not carried to the step before": loop(carry=lambda d: State(0 * d.h, d.c)),
    "only the last step's loss counts": loop(loss=lambda t, T: t == T - 1),
    "each step reads the state that it wrote, states[t + 1]": loop(read=lambda t: t + 1),
}


def at_once(p, states, xs, dhs):
    pieces, dnew = [], State(dhs[-1], np.zeros_like(dhs[-1]))
    for t in range(len(xs) - 1, -1, -1):
        dparams, d, _ = lstm.step_backward(p, states[t], xs[t], dnew)
        pieces.append(dparams)
        dnew = State(d.h + dhs[t - 1], d.c)
    return tuple(sum(parts) for parts in zip(*pieces, strict=True))


fair = {"with a list of pieces, summed at the end": at_once}

# %% judge="readout"
from lstmcore.numpy import loss as losses


def cases(rng):
    for B, H, K, size, dtype in [
        (1, 2, 3, 1, float),
        (4, 3, 2, 1, float),
        (3, 5, 4, 1, np.float32),
        (2, 3, 4, 1e3, float),
    ]:
        W, b, h = rng.normal(size=(K, H)), rng.normal(size=K), size * rng.normal(size=(B, H))
        yield W.astype(dtype), b.astype(dtype), h.astype(dtype), rng.integers(K, size=B)


def oracle(W, b, h, target):
    loss, dy = losses.cross_entropy(h @ W.T + b, target)
    return Readout(loss, dy.T @ h, dy.sum(axis=0), dy @ W)


def with_dy(change):
    def made(W, b, h, target):
        loss, dy = losses.cross_entropy(h @ W.T + b, target)
        dy = change(dy, softmax(h @ W.T + b), target)
        return Readout(loss, dy.T @ h, dy.sum(axis=0), dy @ W)

    return made


def unguarded(W, b, h, target):
    e = np.exp(h @ W.T + b)
    p, every = e / e.sum(axis=1, keepdims=True), np.arange(len(h))
    right, dy = oracle(W, b, h, target), p.copy()
    dy[every, target] -= 1
    return right._replace(loss=-np.log(p[every, target]).mean(), dh=dy @ W / len(h))


mistakes = {
    "the loss is summed over the batch, not averaged": lambda W, b, h, t: oracle(W, b, h, t)._replace(
        loss=oracle(W, b, h, t).loss * len(h)
    ),
    "dy is not divided by B": with_dy(lambda dy, p, t: dy * len(dy)),
    "the one of the right class is not taken off": with_dy(lambda dy, p, t: p / len(p)),
    "dy has the other sign": with_dy(lambda dy, p, t: -dy),
    "b is left out": lambda W, b, h, t: oracle(W, 0 * b, h, t),
    "the mean is taken over the classes too": with_dy(lambda dy, p, t: dy / dy.shape[1]),
    "exp overflows: the largest y is not taken off first": unguarded,
    "the loss has the other sign": lambda W, b, h, t: oracle(W, b, h, t)._replace(loss=-oracle(W, b, h, t).loss),
}


def one_hot(W, b, h, target):
    y = np.einsum("bh,kh->bk", h, W) + b
    log_p = y - np.logaddexp.reduce(y, axis=1, keepdims=True)
    dy = (np.exp(log_p) - np.eye(len(W))[target]) / len(h)
    loss = -(log_p * np.eye(len(W))[target]).sum() / len(h)
    return loss, np.einsum("bk,bh->kh", dy, h), dy.sum(0), dy @ W


fair = {"with einsum, logaddexp and a one-hot target": one_hot}
