"""The plain recurrent cell over a sequence, fast: equal to `scan` and `scan_backward` with `lstmcore.numpy.rnn`."""

import numpy as np

from lstmcore.cells.rnn import Params, State
from lstmcore.numpy.fast import check_gradient, inputs, pieces, stacked
from lstmcore.scan import check_sequence


def forward(p, state, xs):
    """xs (T, B, D), state of (B, H) -> hs (T, B, H), last state, cache for `backward`.

    ValueError if xs, p and state do not fit together.
    """
    check_sequence(p, state, xs)
    T, B, H = len(xs), *state.h.shape
    (W,) = stacked(p, 1)
    zs = np.empty((T + 1, B, len(W)), xs.dtype)
    hs = inputs(zs, state.h, xs)
    a = np.empty((B, H), xs.dtype)
    for z, new_h in zip(zs[:-1], hs[1:], strict=True):
        np.matmul(z, W, out=a)
        np.tanh(a, out=new_h)
    hs = hs[1:].copy()  # the caller's own: zs is the cache
    return hs, State(hs[-1]), zs


def backward(p, cache, dhs, dlast=None):
    """Gradients dparams, dstate (of the first state), dxs, for dhs (T, B, H) and for dlast of the last state.

    ValueError if dhs or dlast do not fit what `forward` returned.
    """
    zs, H = cache, p.W_h.shape[1]
    (dh,) = check_gradient(zs[1:, :, :H], State, dhs, dlast)
    (T, B, _), one, cut = dhs.shape, zs.dtype.type(1), pieces(*dhs.shape[:2])
    das = np.empty((cut[-1].stop, B, H), zs.dtype)
    dxs = np.empty((T, B, p.W_x.shape[1]), zs.dtype)
    dW = np.zeros((H, zs.shape[2]), zs.dtype)
    for t in cut:
        h = zs[1:, :, :H][t]
        da = das[: len(h)]  # first tanh' of all these steps
        np.multiply(h, h, out=da)
        np.subtract(one, da, out=da)
        for d, dh_out in zip(da[::-1], dhs[t][::-1], strict=True):
            np.add(dh, dh_out, out=dh)
            np.multiply(d, dh, out=d)
            np.matmul(d, p.W_h, out=dh)
        da = da.reshape(-1, H)
        np.matmul(da, p.W_x, out=dxs[t].reshape(len(da), -1))
        dW += da.T @ zs[t].reshape(len(da), -1)
    return Params(W_x=dW[:, H + 1 :], W_h=dW[:, :H], b=dW[:, H]), State(dh), dxs
