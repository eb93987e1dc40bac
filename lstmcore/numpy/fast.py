"""What the fast cells share: memory laid out for few, large operations, and a long sequence cut into pieces.

A step reads z = [h, 1, x], one row per sequence of the batch: a single product with [W_h, b, W_x] is all of its a.
"""

import numpy as np

ROWS = (
    256  # of z per piece: enough for a product at full speed, few enough to stay in the cache; 64 and 1024 are slower
)


def stacked(p, n, scale=1):
    """[W_h, b, W_x] as (n, H + 1 + D, H), times scale: gate k has a = z @ it[k], a block of memory of its own."""
    H = p.W_h.shape[1]
    W = np.concatenate([p.W_h, p.b[:, None], p.W_x], axis=1).T.reshape(-1, n, H)
    return np.multiply(np.ascontiguousarray(W.swapaxes(0, 1)), scale, dtype=W.dtype)


def inputs(zs, h, xs):
    """Fill zs (T + 1, B, H + 1 + D) with all but the later h, and return the place of every h: (T + 1, B, H)."""
    H = h.shape[1]
    hs = zs[..., :H]
    hs[0], zs[..., H], zs[:-1, :, H + 1 :] = h, 1, xs
    return hs


def arrays(dtype, *shapes):
    """Empty arrays in one piece of memory, which the system hands out anew more cheaply than several."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    pieces = np.split(np.empty(sum(sizes), dtype), np.cumsum(sizes)[:-1])
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]


def pieces(T, B):
    """Slices of time of about ROWS rows each, the last first."""
    C = max(1, ROWS // B)
    return [slice(t, min(t + C, T)) for t in range(0, T, C)][::-1]


def check_gradient(hs, State, dhs, dlast):
    """ValueError, one sentence, unless dhs and dlast fit what `forward` returned; dlast, zero if it is None."""
    dlast = State(*(np.zeros_like(hs[0]) for _ in State._fields)) if dlast is None else dlast
    parts = [(f"dlast.{name}", part, hs[0]) for name, part in zip(State._fields, dlast, strict=True)]
    for name, got, want in [("dhs", dhs, hs), *parts]:
        if np.shape(got) != want.shape:
            raise ValueError(f"{name} has shape {np.shape(got)}; it should be {want.shape}.")
        if got.dtype != want.dtype:
            raise ValueError(f"{name} is {got.dtype}; it should be {want.dtype}, as the weights are.")
    return State(*(part.copy() for part in dlast))
