"""Backpropagation through time: the gradient of a whole sequence from one step's gradient."""

import numpy as np

from lstmcore.tree import tree_map


def scan_backward(step_backward, p, states, xs, dhs, dlast=None):
    """Gradients of a loss over a sequence that `scan` ran: dparams, dstate (of the first state), dxs (T, B, D).

    states  what `scan` returned, T + 1 of them
    dhs     (T, B, H): dLoss/dh after each step, of what reads h directly; zero where nothing reads it
    dlast   dLoss/d(last state), of what goes on from there; none by default
    `step_backward(p, state, x, dnew) -> (dparams, dstate, dx)` is any cell's.
    """
    if len(states) != len(xs) + 1:
        raise ValueError(f"there are {len(states)} states for {len(xs)} steps; there should be {len(xs) + 1}.")
    if np.shape(dhs) != (len(xs), *states[0].h.shape):
        raise ValueError(f"dhs has shape {np.shape(dhs)}; it should be {(len(xs), *states[0].h.shape)}.")
    dparams = tree_map(np.zeros_like, p)
    dstate = tree_map(np.zeros_like, states[-1]) if dlast is None else dlast
    dxs = np.empty_like(xs)
    for t in reversed(range(len(xs))):
        dnew = dstate._replace(h=dstate.h + dhs[t])
        dp, dstate, dxs[t] = step_backward(p, states[t], xs[t], dnew)
        dparams = tree_map(np.add, dparams, dp)
    return dparams, dstate, dxs
