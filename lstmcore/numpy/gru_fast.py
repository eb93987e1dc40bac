"""The GRU over a sequence, fast: equal to `scan` and `scan_backward` with `lstmcore.numpy.gru`."""

import numpy as np

from lstmcore.cells.gru import Params, State
from lstmcore.numpy.fast import arrays, check_gradient, inputs, pieces, stacked
from lstmcore.scan import check_sequence


def forward(p, state, xs):
    """xs (T, B, D), state of (B, H) -> hs (T, B, H), last state, cache for `backward`.

    ValueError if xs, p and state do not fit together.
    """
    check_sequence(p, state, xs)
    T, B, H = len(xs), *state.h.shape
    one, W = xs.dtype.type(1), stacked(p, 3)
    # r and z read all of [h, 1, x]; of the candidate, W_hn h + b_hn reads [h, 1] and W_xn x + b_n reads [1, x].
    W_rz, W_xn, W_hn = -W[:2], W[2, H:], W[2, : H + 1].copy()
    W_hn[H] = p.b_hn
    ins, ys = arrays(xs.dtype, (T + 1, B, W.shape[1]), (T, 4, B, H))  # ys: r, z, n, W_hn h + b_hn
    hs = inputs(ins, state.h, xs)
    a, change = arrays(xs.dtype, (2, B, H), (B, H))
    with np.errstate(over="ignore"):  # exp(-a) may be infinite: the gate is 0 then, as it should be
        for t in reversed(pieces(T, B)):
            xn = (ins[t].reshape(-1, W.shape[1])[:, H:] @ W_xn).reshape(-1, B, H)
            steps = (ins[t], hs[t], hs[1:][t], ys[t], ys[t, :2], xn)
            for row, h, new_h, (r, z, n, hn), rz, x in zip(*steps, strict=True):
                np.matmul(row, W_rz, out=a)
                np.matmul(row[:, : H + 1], W_hn, out=hn)
                np.exp(a, out=a)  # σ(a) = 1 / (1 + exp(-a))
                np.add(a, one, out=a)
                np.divide(one, a, out=rz)
                np.multiply(r, hn, out=n)
                np.add(n, x, out=n)
                np.tanh(n, out=n)
                np.subtract(h, n, out=change)  # h' = n + z (h - n): one product less than (1 - z) n + z h
                np.multiply(change, z, out=change)
                np.add(n, change, out=new_h)
    hs = hs[1:].copy()  # the caller's own: ins is the cache
    return hs, State(hs[-1]), (ins, ys)


def backward(p, cache, dhs, dlast=None):
    """Gradients dparams, dstate (of the first state), dxs, for dhs (T, B, H) and for dlast of the last state.

    ValueError if dhs or dlast do not fit what `forward` returned.
    """
    (ins, ys), H = cache, p.W_h.shape[1]
    (dh,) = check_gradient(ins[1:, :, :H], State, dhs, dlast)
    (T, B, _), one, cut = dhs.shape, ins.dtype.type(1), pieces(*dhs.shape[:2])
    slopes, das = arrays(ins.dtype, (cut[-1].stop, 4, B, H), (cut[-1].stop, B, 4, H))
    dxs = np.empty((T, B, p.W_x.shape[1]), ins.dtype)
    # da holds hn, r, z, n: its first three reach h, its last three reach x.
    W_h = np.roll(p.W_h, H, axis=0)
    dW_h, dW_x = (np.zeros((3 * H, n), ins.dtype) for n in (H + 1, ins.shape[2] - H))
    kept = np.empty((B, H), ins.dtype)
    for t in cut:
        y, da = ys[t], das[: len(ys[t])]
        slope = slope_of(y, ins[t, :, :H], one, slopes[: len(y)])
        flat = da.reshape(len(da), B, 4 * H)
        # backwards in time; da as (4, B, H), though its rows are those that the product needs
        order = (slope, y[:, 1], dhs[t], da.swapaxes(1, 2), flat[..., : 3 * H])
        for s, z, dh_out, d, row in zip(*(part[::-1] for part in order), strict=True):
            np.add(dh, dh_out, out=dh)
            np.multiply(s, dh, out=d)
            np.multiply(z, dh, out=kept)
            np.matmul(row, W_h, out=dh)
            np.add(dh, kept, out=dh)
        da, rows = da.reshape(-1, 4 * H), ins[t].reshape(len(y) * B, -1)
        np.matmul(da[:, H:], p.W_x, out=dxs[t].reshape(len(da), -1))
        dW_h += da[:, : 3 * H].T @ rows[:, : H + 1]
        dW_x += da[:, H:].T @ rows[:, H:]
    dW_h = np.roll(dW_h, -H, axis=0)
    return Params(W_x=dW_x[:, 1:], W_h=dW_h[:, :H], b=dW_x[:, 0], b_hn=dW_h[2 * H :, H]), State(dh), dxs


def slope_of(y, h, one, out):
    """All that does not depend on later steps: da is out * dh, for hn, r, z, n in this order."""
    r, z, n, hn = y.swapaxes(0, 1)
    to_hn, to_r, to_z, to_n = out.swapaxes(0, 1)
    np.multiply(n, n, out=to_n)
    np.subtract(one, to_n, out=to_n)
    np.subtract(one, z, out=to_z)
    np.multiply(to_n, to_z, out=to_n)  # (1 - n²) (1 - z)
    np.multiply(to_z, z, out=to_z)
    np.subtract(h, n, out=to_r)
    np.multiply(to_z, to_r, out=to_z)  # z (1 - z) (h - n)
    np.multiply(to_n, r, out=to_hn)
    np.subtract(one, r, out=to_r)
    np.multiply(to_r, hn, out=to_r)
    np.multiply(to_r, to_hn, out=to_r)  # to_n hn r (1 - r)
    return out
