"""Whole sequences, fast on a CPU: `run(cell, p, state, xs) -> hs, last`, for training as well.

rnn, lstm and gru run on torch.nn's own kernels. For lstm1997, coupled, peephole and gru_reset_before, which torch.nn
lacks, the backward pass is written by hand, as in `lstmcore.numpy`: autograd through a loop records and replays some
thirty small operations a step, here a step back is five. What does not depend on later steps (the slopes) is computed
for all steps at once, and each weight's gradient is one product after the loop.
"""

import torch
from torch.autograd.function import once_differentiable

from lstmcore.scan import check_sequence
from lstmcore.torch import coupled, gru, gru_reset_before, lstm, lstm1997, peephole, rnn


def run(cell, p, state, xs):
    """hs (T, B, H) and the last state of `cell` over xs (T, B, D), equal to its steps one by one, gradients too.

    ValueError if the arguments do not fit together, or for a cell that has no fast form.
    """
    check_sequence(p, state, xs)
    if cell in KERNELS:
        return KERNELS[cell](p, state, xs)
    if cell not in SEQUENCES:
        names = ", ".join(sorted(c.__name__.rpartition(".")[2] for c in (*KERNELS, *SEQUENCES)))
        raise ValueError(f"{cell.__name__} has no fast form; {names} have one.")
    hs, *last = SEQUENCES[cell].apply(cell, xs, *state, *p)
    return hs, cell.State(*last)


# ---- torch.nn's kernels: two biases, one layer, one direction --------------------------------------------------------


def _rnn(p, state, xs):
    weights = [p.W_x, p.W_h, p.b, torch.zeros_like(p.b)]
    hs, last = torch.rnn_tanh(xs, state.h[None], weights, True, 1, 0.0, False, False, False)
    return hs, rnn.State(last[0])


def _lstm(p, state, xs):
    weights = [p.W_x, p.W_h, p.b, torch.zeros_like(p.b)]
    hs, h, c = torch.lstm(xs, (state.h[None], state.c[None]), weights, True, 1, 0.0, False, False, False)
    return hs, lstm.State(h[0], c[0])


def _gru(p, state, xs):
    b_hh = torch.cat([torch.zeros_like(p.b[len(p.b_hn) :]), p.b_hn])
    hs, last = torch.gru(xs, state.h[None], [p.W_x, p.W_h, p.b, b_hh], True, 1, 0.0, False, False, False)
    return hs, gru.State(last[0])


# ---- by hand ---------------------------------------------------------------------------------------------------------


def _through_inputs(p, da, xs):
    """dxs, dW_x, db from da (T, B, n H): what every cell has alike."""
    flat = da.flatten(0, 1)
    return da @ p.W_x, flat.T @ xs.flatten(0, 1), flat.sum(0)


class Memory(torch.autograd.Function):
    """A cell with a memory whose output gate comes last among its gates; `STEPS` says how its memory changes."""

    @staticmethod
    def forward(ctx, cell, xs, h, c, *p):
        p = cell.Params(*p)
        step, _ = STEPS[cell]
        T, (B, H) = len(xs), h.shape
        ys = torch.addmm(p.b, xs.flatten(0, 1), p.W_x.T).view(T, B, -1)  # becomes a, then the gates
        hs, cs, squashed = (xs.new_empty(T + 1, B, H) for _ in range(3))
        hs[0], cs[0], W_h = h, c, p.W_h.T.contiguous()
        for t, y in enumerate(ys):
            y.addmm_(hs[t], W_h)
            o = step(p, y, cs[t], cs[t + 1], squashed[t + 1])
            torch.mul(o, squashed[t + 1], out=hs[t + 1])
        ctx.cell = cell
        ctx.save_for_backward(xs, ys, hs, cs, squashed, *p)
        return hs[1:].clone(), hs[T].clone(), cs[T].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, dhs, dh, dc):
        xs, ys, hs, cs, squashed, *p = ctx.saved_tensors
        p = ctx.cell.Params(*p)
        H = p.W_h.shape[1]
        # da = slopes * dc for the gates that write, slope_o * dh for the output gate; dc gets down * dh, and passes * keep
        slopes, keep, down = STEPS[ctx.cell][1](p, ys, cs[:-1], squashed[1:])
        slope_o = squashed[1:] * ys[..., -H:] * (1 - ys[..., -H:])
        if hasattr(p, "w_co"):
            down = down + slope_o * p.w_co  # the output gate reads the new memory
        das = torch.empty_like(ys)
        writes = das[..., :-H].unflatten(-1, (-1, H))
        dh, dc = dh.clone(), dc.clone()
        for t in reversed(range(len(xs))):
            dh += dhs[t]
            dc.addcmul_(down[t], dh)
            torch.mul(slopes[t], dc[:, None], out=writes[t])
            torch.mul(slope_o[t], dh, out=das[t, :, -H:])
            if keep is not None:
                dc *= keep[t]
            torch.mm(das[t], p.W_h, out=dh)
        dxs, dW_x, db = _through_inputs(p, das, xs)
        grads = {"W_x": dW_x, "W_h": das.flatten(0, 1).T @ hs[:-1].flatten(0, 1), "b": db}
        if hasattr(p, "w_co"):
            reads = {"w_ci": (0, cs[:-1]), "w_cf": (1, cs[:-1]), "w_co": (3, cs[1:])}
            grads |= {name: (das[..., k * H : (k + 1) * H] * seen).sum((0, 1)) for name, (k, seen) in reads.items()}
        return None, dxs, dh, dc, *ctx.cell.Params(**grads)


def _step_1997(p, y, c, new, squashed):
    i, g, o = y.sigmoid_().chunk(3, -1)
    g.mul_(4).sub_(2)
    torch.addcmul(c, i, g, out=new)
    torch.tanh(new / 2, out=squashed)  # 2σ(c) - 1
    return o


def _slopes_1997(p, ys, cs, squashed):
    i, g, o = ys.chunk(3, -1)
    return torch.stack([g * i * (1 - i), i * (1 - g * g / 4)], -2), None, o * (1 - squashed * squashed) / 2


def _step_coupled(p, y, c, new, squashed):
    i, g, o = y.chunk(3, -1)
    i.sigmoid_(), g.tanh_(), o.sigmoid_()
    torch.lerp(c, g, i, out=new)  # (1 - i) c + i g
    torch.tanh(new, out=squashed)
    return o


def _slopes_coupled(p, ys, cs, squashed):
    i, g, o = ys.chunk(3, -1)
    return (
        torch.stack([(g - cs) * i * (1 - i), i * (1 - g * g)], -2), 1 - i, o * (1 - squashed * squashed)
    )  # fmt: skip


def _step_peephole(p, y, c, new, squashed):
    i, f, g, o = y.chunk(4, -1)
    i.addcmul_(p.w_ci, c).sigmoid_(), f.addcmul_(p.w_cf, c).sigmoid_(), g.tanh_()
    torch.mul(f, c, out=new)
    new.addcmul_(i, g)
    o.addcmul_(p.w_co, new).sigmoid_()
    torch.tanh(new, out=squashed)
    return o


def _slopes_peephole(p, ys, cs, squashed):
    i, f, g, o = ys.chunk(4, -1)
    of_i, of_f = g * i * (1 - i), cs * f * (1 - f)
    keep = f + of_i * p.w_ci + of_f * p.w_cf  # the gates read the old memory too
    return torch.stack([of_i, of_f, i * (1 - g * g)], -2), keep, o * (1 - squashed * squashed)


STEPS = {
    lstm1997: (_step_1997, _slopes_1997),
    coupled: (_step_coupled, _slopes_coupled),
    peephole: (_step_peephole, _slopes_peephole),
}


class ResetBefore(torch.autograd.Function):
    """The GRU that resets before the product."""

    @staticmethod
    def forward(ctx, cell, xs, h, *p):
        p = cell.Params(*p)
        T, (B, H) = len(xs), h.shape
        ys = torch.addmm(p.b, xs.flatten(0, 1), p.W_x.T).view(T, B, 3 * H)  # becomes r, z, n
        hs, rhs = xs.new_empty(T + 1, B, H), xs.new_empty(T, B, H)
        hs[0], W_rz, W_n = h, p.W_h[: 2 * H].T.contiguous(), p.W_h[2 * H :].T.contiguous()
        for t in range(T):
            rz, n = ys[t, :, : 2 * H], ys[t, :, 2 * H :]
            rz.addmm_(hs[t], W_rz).sigmoid_()
            torch.mul(rz[:, :H], hs[t], out=rhs[t])
            n.addmm_(rhs[t], W_n).tanh_()
            torch.lerp(n, hs[t], rz[:, H:], out=hs[t + 1])
        ctx.cell = cell
        ctx.save_for_backward(xs, ys, hs, rhs, *p)
        return hs[1:].clone(), hs[T].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, dhs, dh):
        xs, ys, hs, rhs, *p = ctx.saved_tensors
        p = ctx.cell.Params(*p)
        H = p.W_h.shape[1]
        W_rz, W_n = p.W_h[: 2 * H], p.W_h[2 * H :]
        r, z, n = ys.chunk(3, -1)
        of_zn = torch.stack([(hs[:-1] - n) * z * (1 - z), (1 - z) * (1 - n * n)], -2)
        of_r = hs[:-1] * r * (1 - r)
        das = torch.empty_like(ys)
        zn = das[..., H:].unflatten(-1, (2, H))
        dh, drh = dh.clone(), torch.empty_like(dh)
        for t in reversed(range(len(xs))):
            dh += dhs[t]
            torch.mul(of_zn[t], dh[:, None], out=zn[t])
            torch.mm(das[t, :, 2 * H :], W_n, out=drh)
            torch.mul(of_r[t], drh, out=das[t, :, :H])
            dh.mul_(z[t]).addcmul_(r[t], drh).addmm_(das[t, :, : 2 * H], W_rz)
        dxs, dW_x, db = _through_inputs(p, das, xs)
        flat = das.flatten(0, 1)
        dW_h = torch.cat([flat[:, : 2 * H].T @ hs[:-1].flatten(0, 1), flat[:, 2 * H :].T @ rhs.flatten(0, 1)])
        return None, dxs, dh, dW_x, dW_h, db


KERNELS = {rnn: _rnn, lstm: _lstm, gru: _gru}
SEQUENCES = {**dict.fromkeys(STEPS, Memory), gru_reset_before: ResetBefore}
