"""Real-time recurrent learning: the gradient carried forward in time, so that no state of the past is kept."""

import numpy as np

from lstmcore.cells import sizes
from lstmcore.numpy.ops import dsigmoid, sigmoid
from lstmcore.tree import tree_map


def rtrl(step, step_backward, p, state, xs, dhs):
    """The gradient of full BPTT, exactly, in one pass forward (Williams & Zipser, 1989) -> dparams, last state.

        P' = J_state P + J_params       P = d state / d params, one row for each number of the state
        dparams = Σ_t dhs[t] P_t

    Memory does not grow with T: P holds (numbers of the state) x (numbers of p) for each sequence. The price is time:
    for n units O(n⁴) per step, where BPTT takes O(n²). Any cell of vectors; each sequence of the batch on its own.
    """
    if state.h.ndim != 2:
        raise ValueError(f"state.h has shape {state.h.shape}; rtrl takes cells of vectors, (B, H).")
    if np.shape(dhs) != (len(xs), *state.h.shape):
        raise ValueError(f"dhs has shape {np.shape(dhs)}; it should be {(len(xs), *state.h.shape)}.")
    B, H = state.h.shape
    parts = len(state)
    P = np.zeros((B, parts * H, sum(a.size for a in p)), state.h.dtype)
    total = np.zeros(P.shape[-1], P.dtype)
    for x, dh in zip(xs, dhs, strict=True):
        for b in range(B):
            one = tree_map(lambda a, b=b: a[b : b + 1], state)
            J_state, J_params = jacobians(step_backward, p, one, x[b : b + 1])
            P[b] = J_state @ P[b] + J_params
            total += dh[b] @ P[b, :H]  # h is first in a state
        state = step(p, state, x)
    return _unflatten(p, total), state


def jacobians(step_backward, p, state, x):
    """d(new state)/d(state), (S, S), and d(new state)/d(p), (S, numbers of p); batch 1, S numbers a state."""
    S = sum(part.size for part in state)
    rows = []
    for unit in np.eye(S, dtype=state.h.dtype):
        dnew = type(state)(*np.split(unit[None], len(state), axis=-1))
        rows.append(np.concatenate([a.ravel() for a in step_backward(p, state, x, dnew)[0]]))
    return state_jacobian(step_backward, p, state, x), np.stack(rows)


def state_jacobian(step_backward, p, state, x):
    """d(new state)/d(state), (S, S), for a batch of one: S copies of it go back at once, each with its own unit."""
    S = sum(part.size for part in state)
    dnew = type(state)(*np.split(np.eye(S, dtype=state.h.dtype), len(state), axis=-1))
    copies = tree_map(lambda a: np.repeat(a, S, axis=0), state)
    return np.concatenate(step_backward(p, copies, np.repeat(x, S, axis=0), dnew)[1], axis=-1)


def online_1997(p, state, xs, dhs):
    """The truncated gradient of `lstm1997` forward in time, as the paper computes it -> dparams, last state.

    Hochreiter & Schmidhuber (1997), A.1: the output gate's rows need this step's values alone (eqs. 20-22); for the
    input gate and the candidate, dc/dw of every cell is carried and only added to (eqs. 23-28). O(weights) a step.
    """
    D, H = sizes(p)
    kept = np.zeros((len(state.h), 2 * H, D + H + 1), state.h.dtype)  # dc/dw of the rows of i and g
    total = np.zeros((3 * H, D + H + 1), state.h.dtype)
    for x, dh in zip(xs, dhs, strict=True):
        read = np.concatenate([x, state.h, np.ones_like(x[:, :1])], axis=-1)  # (B, D + H + 1)
        i, g, o = np.split(x @ p.W_x.T + state.h @ p.W_h.T + p.b, 3, axis=-1)
        i, g, o = sigmoid(i), 4 * sigmoid(g) - 2, sigmoid(o)
        c = state.c + i * g
        squashed = 2 * sigmoid(c) - 1
        kept += np.concatenate([g * dsigmoid(i), i * (1 - g * g / 4)], axis=-1)[..., None] * read[:, None]
        dc = dh * o * (1 - squashed * squashed) / 2
        total[: 2 * H] += (np.concatenate([dc, dc], axis=-1)[..., None] * kept).sum(axis=0)
        total[2 * H :] += (dh * squashed * dsigmoid(o)).T @ read
        state = type(state)(o * squashed, c)
    return type(p)(total[:, :D], total[:, D:-1], total[:, -1]), state


def _unflatten(p, vector):
    places = np.cumsum([a.size for a in p])[:-1]
    return type(p)(*(part.reshape(a.shape) for part, a in zip(np.split(vector, places), p, strict=True)))
