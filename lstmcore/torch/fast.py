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


ROWS = 1024  # of a piece of time, T x B: large enough for full products, small enough for the cache


def _pieces(T, B):
    """Slices of time, the last first."""
    size = max(1, ROWS // B)
    return [slice(t, min(t + size, T)) for t in range(0, T, size)][::-1]


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
        p, (_, B, H) = ctx.cell.Params(*p), hs.shape
        grads, dxs, dh, dc = ctx.cell.Params(*map(torch.zeros_like, p)), torch.empty_like(xs), dh.clone(), dc.clone()
        for now in _pieces(len(xs), B):
            after, o = slice(now.start + 1, now.stop + 1), ys[now][..., -H:]
            # da is slopes * dc for the gates that write, slope_o * dh for the output gate; dc gets down * dh
            slopes, keep, down = STEPS[ctx.cell][1](p, ys[now], cs[now], squashed[after])
            slope_o = squashed[after] * o * (1 - o)
            if hasattr(p, "w_co"):
                down = down + slope_o * p.w_co  # the output gate reads the new memory
            das = torch.empty_like(ys[now])
            writes = das[..., :-H].unflatten(-1, (-1, H))
            for t in reversed(range(len(das))):
                dh += dhs[now.start + t]
                dc.addcmul_(down[t], dh)
                torch.mul(slopes[t], dc[:, None], out=writes[t])
                torch.mul(slope_o[t], dh, out=das[t, :, -H:])
                if keep is not None:
                    dc *= keep[t]
                torch.mm(das[t], p.W_h, out=dh)
            flat = _add_products(p, grads, das, xs[now], dxs[now])
            grads.W_h.addmm_(flat.T, hs[now].flatten(0, 1))
            if hasattr(p, "w_co"):
                i, f, _, o = das.chunk(4, -1)
                for d, da, seen in ((grads.w_ci, i, cs[now]), (grads.w_cf, f, cs[now]), (grads.w_co, o, cs[after])):
                    d += (da * seen).sum((0, 1))
        return None, dxs, dh, dc, *grads


def _add_products(p, grads, das, xs, dxs):
    """What every cell has alike: dxs from da, and what da adds to dW_x and db. -> da as (T B, n H)."""
    flat = das.flatten(0, 1)
    torch.mm(flat, p.W_x, out=dxs.flatten(0, 1))
    grads.W_x.addmm_(flat.T, xs.flatten(0, 1))
    grads.b.add_(flat.sum(0))
    return flat


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
        p, (_, B, H) = ctx.cell.Params(*p), hs.shape
        grads, dxs = ctx.cell.Params(*map(torch.zeros_like, p)), torch.empty_like(xs)
        dh, drh, W_rz, W_n = dh.clone(), torch.empty_like(dh), p.W_h[: 2 * H], p.W_h[2 * H :]
        for now in _pieces(len(xs), B):
            h = hs[now]
            r, z, n = ys[now].chunk(3, -1)
            of_zn = torch.stack([(h - n) * z * (1 - z), (1 - z) * (1 - n * n)], -2)
            of_r = h * r * (1 - r)
            das = torch.empty_like(ys[now])
            zn = das[..., H:].unflatten(-1, (2, H))
            for t in reversed(range(len(das))):
                dh += dhs[now.start + t]
                torch.mul(of_zn[t], dh[:, None], out=zn[t])
                torch.mm(das[t, :, 2 * H :], W_n, out=drh)
                torch.mul(of_r[t], drh, out=das[t, :, :H])
                dh.mul_(z[t]).addcmul_(r[t], drh).addmm_(das[t, :, : 2 * H], W_rz)
            flat = _add_products(p, grads, das, xs[now], dxs[now])
            grads.W_h[: 2 * H].addmm_(flat[:, : 2 * H].T, h.flatten(0, 1))
            grads.W_h[2 * H :].addmm_(flat[:, 2 * H :].T, rhs[now].flatten(0, 1))
        return None, dxs, dh, *grads


KERNELS = {rnn: _rnn, lstm: _lstm, gru: _gru}
SEQUENCES = {**dict.fromkeys(STEPS, Memory), gru_reset_before: ResetBefore}
