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


def truncated(step_backward, p, states, xs, dhs, k1, k2):
    """Truncated BPTT (Williams & Peng, 1990, their BPTT(k2; k1)) -> dparams.

    After every k1 steps the losses of these k1 steps go back through the last k2 steps and no further. k2 ≥ k1.
    k1 = k2 cuts the sequence into pieces; k2 ≥ T is full BPTT. Work grows with k2 / k1, memory with k2.
    """
    if not 1 <= k1 <= k2:
        raise ValueError(f"k1 is {k1} and k2 is {k2}; it should be 1 ≤ k1 ≤ k2.")
    dparams = tree_map(np.zeros_like, p)
    for end in range(min(k1, len(xs)), len(xs) + k1, k1):
        new, end = end - k1, min(end, len(xs))  # the losses of steps new … end are read in this round
        start = max(0, new + k1 - k2)
        dh = np.concatenate([np.zeros_like(dhs[start : max(new, 0)]), dhs[max(new, 0) : end]])
        dp, _, _ = scan_backward(step_backward, p, states[start : end + 1], xs[start:end], dh)
        dparams = tree_map(np.add, dparams, dp)
    return dparams


def truncate_1997(step_backward):
    """A step_backward that sends no error back through h: the gradient of Hochreiter & Schmidhuber (1997), A.1.

    Only the memory carries the error through time; for the cell `lstm1997`, whose memory is added to and never scaled,
    it arrives as it left (the constant error carousel). `rtrl.online_1997` computes the same forward in time.
    """

    def step(p, state, x, dnew):
        dparams, dstate, dx = step_backward(p, state, x, dnew)
        return dparams, dstate._replace(h=np.zeros_like(dstate.h)), dx

    return step
