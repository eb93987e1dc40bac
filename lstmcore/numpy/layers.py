"""Whole sequences through any cell: unequal lengths, both directions, several layers, each with its gradient.

    hs, last, cache = forward(cell, p, state, xs, lengths)
    dparams, dstate, dxs = backward(cell, p, cache, dhs, dlast)

p says what is built: Params are one layer, Directions of two Params one layer that reads both ways (Schuster & Paliwal,
1997), a tuple of these a stack (Graves, Mohamed & Hinton, 2013). States and gradients have the structure of p.
`cell` is a module of lstmcore.numpy, plain or fast. A fast one keeps no states: given lengths, it has None for `last`.
"""

from typing import Any, NamedTuple

import numpy as np

from lstmcore import weights
from lstmcore.cells import sizes
from lstmcore.numpy.bptt import scan_backward
from lstmcore.scan import check_sequence, scan
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


def masked(step, on):
    """A step that leaves the state of a finished sequence as it is: on (B,) is True for those that still run."""
    if on.all():
        return step

    def masked_step(p, state, x):
        new = step(p, state, where(on, x, 0))  # 0: the padding may hold anything, and 0 · nan is not 0 on the way back
        return tree_map(lambda a, old: where(on, a, old), new, state)

    return masked_step


def masked_backward(step_backward, on):
    """The gradient of `masked(step, on)`, from the gradient of `step`."""
    if on.all():
        return step_backward

    def masked_step_backward(p, state, x, dnew):
        dparams, dstate, dx = step_backward(p, state, where(on, x, 0), tree_map(lambda d: where(on, d, 0), dnew))
        return dparams, tree_map(lambda d, kept: where(on, d, kept), dstate, dnew), dx

    return masked_step_backward


def one(cell, p, state, xs, lengths=None):
    """One layer in one direction."""
    state = zeros(cell, p, xs) if state is None else state
    on = None if lengths is None else mask(lengths, *xs.shape[:2])
    if hasattr(cell, "forward"):
        hs, last, cache = cell.forward(p, state, blank(on, xs))  # padding at the end reaches no h before it
        return blank(on, hs), last if on is None else None, (cache, on)
    if on is None:
        states = scan(cell.step, p, state, xs)
    else:
        check_sequence(p, state, xs)
        states = [state]
        for t, x in enumerate(xs):
            states.append(masked(cell.step, on[t])(p, states[-1], x))
    return blank(on, np.stack([s.h for s in states[1:]])), states[-1], (states, xs, on)


def one_backward(cell, p, cache, dhs, dlast=None):
    if hasattr(cell, "forward"):
        cache, on = cache
        if on is not None and dlast is not None:
            raise ValueError("dlast was given for unequal lengths; a fast cell has no last state for these.")
        return cell.backward(p, cache, blank(on, dhs), dlast)
    states, xs, on = cache
    if on is None:
        return scan_backward(cell.step_backward, p, states, xs, dhs, dlast)
    dparams = tree_map(np.zeros_like, p)
    dstate = tree_map(np.zeros_like, states[-1]) if dlast is None else dlast
    dhs, dxs = blank(on, dhs), np.empty_like(xs)
    for t in reversed(range(len(xs))):
        dnew = dstate._replace(h=dstate.h + dhs[t])
        dp, dstate, dxs[t] = masked_backward(cell.step_backward, on[t])(p, states[t], xs[t], dnew)
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
    """a for the sequences that are on, `otherwise` for the others. on has the first axes of a."""
    return np.where(on.reshape(on.shape + (1,) * (a.ndim - on.ndim)), a, otherwise)


def blank(on, xs):
    """xs (T, B, …) with zeros in the padding; as it is if on, (T, B), is None."""
    return xs if on is None else where(on, xs, 0)


def zeros(cell, p, xs):
    """The state before a sequence starts. ValueError if xs has not the dimensions that the cell takes."""
    if np.ndim(xs) != p.W_x.ndim + 1:
        want = f"(T, B, {p.W_x.shape[1]}{', Y, X' if p.W_x.ndim == 4 else ''})"
        raise ValueError(f"xs has shape {np.shape(xs)}; it should be {want}.")
    return weights.zeros_state(cell.State, xs.shape[1], sizes(p)[1], p.W_x.dtype, xs.shape[3:])
