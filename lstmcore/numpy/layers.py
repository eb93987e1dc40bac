"""Whole sequences through any cell: unequal lengths, both directions, several layers, each with its gradient.

    hs, last, cache = forward(cell, p, state, xs, lengths)
    dparams, dstate, dxs = backward(cell, p, cache, dhs, dlast)

p says what is built: Params are one layer, Directions of two Params one layer that reads both ways (Schuster & Paliwal,
1997), a tuple of these a stack (Graves, Mohamed & Hinton, 2013). States and gradients have the structure of p.
`cell` is a module of lstmcore.numpy: a plain one, or a fast one, which takes no lengths.
"""

from typing import Any, NamedTuple

import numpy as np

from lstmcore import weights
from lstmcore.cells import sizes
from lstmcore.scan import check_sequence
from lstmcore.tree import tree_map


class Directions(NamedTuple):
    ahead: Any  # from the first step to the last
    back: Any  # from a sequence's own last step to the first


def init(cell, D, H, rng, layers=1, both=False, dtype=np.float32):
    """A stack's weights, uniform(±1/√H): a tuple with Params, or Directions of Params, for each layer."""

    def draw(inputs):
        return weights.uniform(cell.Params, inputs, H, rng, dtype)

    inputs = [D] + [2 * H if both else H] * (layers - 1)
    return tuple(Directions(draw(n), draw(n)) if both else draw(n) for n in inputs)


def forward(cell, p, state, xs, lengths=None):
    """A whole net -> hs (T, B, H), last, cache for `backward`.

    xs (T, B, D), state of p's structure or None for zeros, lengths (B,) of sequences that were padded at their end.
    hs is zero in the padding, and last is each sequence's state at its own end, as in torch's PackedSequence.
    ValueError if the arguments do not fit together.
    """
    return _of(p, one, bidirectional, stacked)(cell, p, state, xs, lengths)


def backward(cell, p, cache, dhs, dlast=None):
    """Gradients of what `forward` read: dparams, dstate, dxs. dhs in the padding counts for nothing."""
    return _of(p, one_backward, bidirectional_backward, stacked_backward)(cell, p, cache, dhs, dlast)


def _of(p, single, both, stack):
    return both if isinstance(p, Directions) else single if hasattr(p, "_fields") else stack


def masked(step):
    """A step that leaves the state of a finished sequence as it is; on (B,) is True for those that still run."""

    def masked_step(p, state, x, on):
        new = step(p, state, where(on, x, 0))  # 0: the padding may hold anything, and 0 · nan is not 0 on the way back
        return tree_map(lambda a, old: where(on, a, old), new, state)

    return masked_step


def masked_backward(step_backward):
    """The gradient of `masked(step)`, from the gradient of `step`."""

    def masked_step_backward(p, state, x, on, dnew):
        running = tree_map(lambda d: where(on, d, 0), dnew)
        dparams, dstate, dx = step_backward(p, state, where(on, x, 0), running)
        return dparams, tree_map(lambda d, kept: where(on, d, kept), dstate, dnew), dx

    return masked_step_backward


def one(cell, p, state, xs, lengths=None):
    """One layer in one direction."""
    state = zeros(cell, p, xs) if state is None else state
    if hasattr(cell, "forward"):
        if lengths is not None:
            raise ValueError(f"{cell.__name__} takes no lengths; give the plain cell, or sequences of one length.")
        return cell.forward(p, state, xs)
    check_sequence(p, state, xs)
    on = mask(lengths, *xs.shape[:2])
    step, states = masked(cell.step), [state]
    for t, x in enumerate(xs):
        states.append(step(p, states[-1], x, on[t]))
    hs = np.stack([where(on[t], s.h, 0) for t, s in enumerate(states[1:])])
    return hs, states[-1], (states, xs, on)


def one_backward(cell, p, cache, dhs, dlast=None):
    if hasattr(cell, "forward"):
        return cell.backward(p, cache, dhs, dlast)
    states, xs, on = cache
    dparams = tree_map(np.zeros_like, p)
    dstate = tree_map(np.zeros_like, states[-1]) if dlast is None else dlast
    step_backward, dxs = masked_backward(cell.step_backward), np.empty_like(xs)
    for t in reversed(range(len(xs))):
        dnew = dstate._replace(h=dstate.h + where(on[t], dhs[t], 0))
        dp, dstate, dxs[t] = step_backward(p, states[t], xs[t], on[t], dnew)
        dparams = tree_map(np.add, dparams, dp)
    return dparams, dstate, dxs


def bidirectional(cell, p, state, xs, lengths=None):
    """One layer that reads ahead and back, its hs side by side: (T, B, 2H)."""
    state = state or Directions(None, None)
    ahead, last_ahead, cache_ahead = one(cell, p.ahead, state.ahead, xs, lengths)
    back, last_back, cache_back = one(cell, p.back, state.back, flip(xs, lengths), lengths)
    hs = np.concatenate([ahead, flip(back, lengths)], axis=2)
    return hs, Directions(last_ahead, last_back), (cache_ahead, cache_back, lengths)


def bidirectional_backward(cell, p, cache, dhs, dlast=None):
    cache_ahead, cache_back, lengths = cache
    dlast = dlast or Directions(None, None)
    ahead, back = np.split(dhs, 2, axis=2)
    dp_ahead, dstate_ahead, dxs_ahead = one_backward(cell, p.ahead, cache_ahead, ahead, dlast.ahead)
    dp_back, dstate_back, dxs_back = one_backward(cell, p.back, cache_back, flip(back, lengths), dlast.back)
    dxs = dxs_ahead + flip(dxs_back, lengths)
    return Directions(dp_ahead, dp_back), Directions(dstate_ahead, dstate_back), dxs


def stacked(cell, p, state, xs, lengths=None):
    """Layers on top of each other: the hs of one are the xs of the next."""
    state = state or [None] * len(p)
    if len(state) != len(p):
        raise ValueError(f"state has {len(state)} layers; it should have {len(p)}, as p.")
    lasts, caches = [], []
    for p_l, state_l in zip(p, state, strict=True):
        xs, last, cache = forward(cell, p_l, state_l, xs, lengths)
        lasts.append(last)
        caches.append(cache)
    return xs, tuple(lasts), caches


def stacked_backward(cell, p, caches, dhs, dlast=None):
    dps, dstates = [], []
    for p_l, cache, dlast_l in reversed(list(zip(p, caches, dlast or [None] * len(p), strict=True))):
        dp, dstate, dhs = backward(cell, p_l, cache, dhs, dlast_l)
        dps.insert(0, dp)
        dstates.insert(0, dstate)
    return tuple(dps), tuple(dstates), dhs


def mask(lengths, T, B):
    """(T, B), True where a sequence still runs; all of it for lengths None. ValueError if lengths are not 1 … T."""
    if lengths is None:
        return np.ones((T, B), bool)
    lengths = np.asarray(lengths)
    if lengths.shape != (B,) or lengths.dtype.kind not in "iu" or lengths.min() < 1 or lengths.max() > T:
        raise ValueError(f"lengths are {lengths}; they should be {B} whole numbers from 1 to {T}.")
    return np.arange(T)[:, None] < lengths


def flip(xs, lengths=None):
    """Each sequence from its own end to its beginning; the padding stays where it is. Its own inverse."""
    if lengths is None:
        return xs[::-1]
    T, B = xs.shape[:2]
    t = np.arange(T)[:, None]
    return xs[np.where(mask(lengths, T, B), np.asarray(lengths) - 1 - t, t), np.arange(B)]


def where(on, a, otherwise):
    """a for the sequences that are on, (B,), and `otherwise` for the others; a is (B, …)."""
    return np.where(on.reshape(-1, *[1] * (a.ndim - 1)), a, otherwise)


def zeros(cell, p, xs):
    """The state before a sequence starts. ValueError if xs has not the dimensions that the cell takes."""
    if np.ndim(xs) != p.W_x.ndim + 1:
        want = f"(T, B, {p.W_x.shape[1]}{', Y, X' if p.W_x.ndim == 4 else ''})"
        raise ValueError(f"xs has shape {np.shape(xs)}; it should be {want}.")
    return weights.zeros_state(cell.State, xs.shape[1], sizes(p)[1], p.W_x.dtype, xs.shape[3:])
