"""Whole sequences, fast on a CPU: `run(cell, p, state, xs) -> hs, last`, for training as well.

rnn, lstm and gru run on torch.nn's own kernels. For lstm1997, coupled, peephole and gru_reset_before, which torch.nn
lacks, the backward pass is written by hand, as in `lstmcore.numpy`: autograd through a loop records and replays some
thirty small operations a step, here a step back is five. What does not depend on later steps (the slopes) is computed
for many steps at once, and so is each weight's gradient. The larger batch and hidden size are, the more of the time
goes into products, which both ways have: `python -m experiments speed_torch` prints what is gained.
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


ROWS = 512  # of a piece of time, T x B: large enough for full products, small enough for the cache
dsigmoid = torch.ops.aten.sigmoid_backward.grad_input  # dy, y: dy y (1 - y), into grad_input
dtanh = torch.ops.aten.tanh_backward.grad_input  # dy, y: dy (1 - y²)


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
        hs, cs, squashed = (xs.new_empty(T, B, H) for _ in range(3))
        gates = zip(*(gate.unbind() for gate in ys.split(H, -1)), strict=True)
        start, W_h = (h, c), p.W_h.T.contiguous()
        for y, gs, new_h, new_c, s in zip(ys.unbind(), gates, hs.unbind(), cs.unbind(), squashed.unbind(), strict=True):
            y.addmm_(h, W_h)
            step(p, *gs, c, new_c, s)
            h, c = torch.mul(gs[-1], s, out=new_h), new_c
        ctx.cell = cell
        ctx.save_for_backward(xs, ys, hs, cs, squashed, *start, *p)
        return hs, h.clone(), c.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, dhs, dh, dc):
        xs, ys, hs, cs, squashed, h, c, *p = ctx.saved_tensors
        p, (_, B, H) = ctx.cell.Params(*p), hs.shape
        grads, dxs, dh, dc = ctx.cell.Params(*map(torch.zeros_like, p)), torch.empty_like(xs), dh.clone(), dc.clone()
        pieces = _pieces(len(xs), B)
        space = ys.new_empty(pieces[-1].stop, B, ys.shape[-1] + 2 * H)  # used by every piece: new memory is slow
        for now in pieces:
            y, old_h, old_c = ys[now], _before(now, h, hs), _before(now, c, cs)
            das, down, keep = space[: len(y)].split([y.shape[-1], H, H], -1)
            o, da_o = y[..., -H:], das[..., -H:]
            # slopes first: da = slope dc for the gates that write, slope dh for the output gate; dc gets down dh
            dsigmoid(squashed[now], o, grad_input=da_o)
            dtanh(o, squashed[now], grad_input=down)
            keep = STEPS[ctx.cell][1](p, y, old_c, das, down, keep)
            writes = das[..., :-H].unflatten(-1, (-1, H))
            for t in reversed(range(len(das))):
                dh += dhs[now.start + t]
                dc.addcmul_(down[t], dh)
                writes[t].mul_(dc[:, None])
                da_o[t].mul_(dh)
                if keep is not None:
                    dc *= keep[t]
                torch.mm(das[t], p.W_h, out=dh)
            flat = _add_products(p, grads, das, xs[now], dxs[now])
            grads.W_h.addmm_(flat.T, old_h.flatten(0, 1))
            if hasattr(p, "w_co"):
                i, f, _, o = das.chunk(4, -1)
                for d, da, seen in ((grads.w_ci, i, old_c), (grads.w_cf, f, old_c), (grads.w_co, o, cs[now])):
                    d += (da * seen).sum((0, 1))
        return None, dxs, dh, dc, *grads


def _before(now, start, states):
    """The state before each step of a piece."""
    if now.start:
        return states[now.start - 1 : now.stop - 1]
    return torch.cat([start[None], states[: now.stop - 1]])


def _add_products(p, grads, das, xs, dxs):
    """What every cell has alike: dxs from da, and what da adds to dW_x and db. -> da as (T B, n H)."""
    flat = das.flatten(0, 1)
    torch.mm(flat, p.W_x, out=dxs.flatten(0, 1))
    grads.W_x.addmm_(flat.T, xs.flatten(0, 1))
    grads.b.add_(flat.sum(0))
    return flat


def _step_1997(p, i, g, o, c, new, squashed):
    i.sigmoid_(), o.sigmoid_(), g.sigmoid_().mul_(4.0).sub_(2.0)
    torch.addcmul(c, i, g, out=new)
    torch.sigmoid(new, out=squashed).mul_(2.0).sub_(1.0)


def _slopes_1997(p, y, c, da, down, keep):
    (i, g, _), (da_i, da_g, _) = y.chunk(3, -1), da.chunk(3, -1)
    dsigmoid(g, i, grad_input=da_i)
    torch.addcmul(i, torch.mul(i, g, out=da_g), g, value=-1 / 4, out=da_g)  # i (1 - g²/4)
    down.div_(2)


def _step_coupled(p, i, g, o, c, new, squashed):
    i.sigmoid_(), g.tanh_(), o.sigmoid_()
    torch.lerp(c, g, i, out=new)  # (1 - i) c + i g
    torch.tanh(new, out=squashed)


def _slopes_coupled(p, y, c, da, down, keep):
    (i, g, _), (da_i, da_g, _) = y.chunk(3, -1), da.chunk(3, -1)
    dsigmoid(torch.sub(g, c, out=da_i), i, grad_input=da_i)
    dtanh(i, g, grad_input=da_g)
    return torch.sub(1, i, out=keep)


def _step_peephole(p, i, f, g, o, c, new, squashed):
    i.addcmul_(p.w_ci, c).sigmoid_(), f.addcmul_(p.w_cf, c).sigmoid_(), g.tanh_()
    torch.mul(f, c, out=new)
    new.addcmul_(i, g)
    o.addcmul_(p.w_co, new).sigmoid_()
    torch.tanh(new, out=squashed)


def _slopes_peephole(p, y, c, da, down, keep):
    (i, f, g, _), (da_i, da_f, da_g, da_o) = y.chunk(4, -1), da.chunk(4, -1)
    dsigmoid(g, i, grad_input=da_i)
    dsigmoid(c, f, grad_input=da_f)
    dtanh(i, g, grad_input=da_g)
    down.addcmul_(da_o, p.w_co)  # the output gate reads the new memory,
    return torch.addcmul(f, da_i, p.w_ci, out=keep).addcmul_(da_f, p.w_cf)  # the others the old


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
        hs, rhs = (xs.new_empty(T, B, H) for _ in range(2))
        start, W_rz, W_n = h, p.W_h[: 2 * H].T.contiguous(), p.W_h[2 * H :].T.contiguous()
        rzs, parts = ys[..., : 2 * H].unbind(), (gate.unbind() for gate in ys.split(H, -1))
        for rz, r, z, n, rh, new_h in zip(rzs, *parts, rhs.unbind(), hs.unbind(), strict=True):
            rz.addmm_(h, W_rz).sigmoid_()
            torch.mul(r, h, out=rh)
            n.addmm_(rh, W_n).tanh_()
            h = torch.lerp(n, h, z, out=new_h)
        ctx.cell = cell
        ctx.save_for_backward(xs, ys, hs, rhs, start, *p)
        return hs, h.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, dhs, dh):
        xs, ys, hs, rhs, start, *p = ctx.saved_tensors
        p, (_, B, H) = ctx.cell.Params(*p), hs.shape
        grads, dxs = ctx.cell.Params(*map(torch.zeros_like, p)), torch.empty_like(xs)
        dh, drh, W_rz, W_n = dh.clone(), torch.empty_like(dh), p.W_h[: 2 * H], p.W_h[2 * H :]
        pieces = _pieces(len(xs), B)
        space = torch.empty_like(ys[pieces[-1]])  # used by every piece
        for now in pieces:
            h, das = _before(now, start, hs), space[: now.stop - now.start]
            (r, z, n), (da_r, da_z, da_n) = ys[now].chunk(3, -1), das.chunk(3, -1)
            # slopes first: da = slope dh for z and n, slope d(r h) for r
            dsigmoid(h, r, grad_input=da_r)
            dsigmoid(torch.sub(h, n, out=da_z), z, grad_input=da_z)
            dtanh(torch.sub(1, z, out=da_n), n, grad_input=da_n)
            zn = das[..., H:].unflatten(-1, (2, H))
            for t in reversed(range(len(das))):
                dh += dhs[now.start + t]
                zn[t].mul_(dh[:, None])
                torch.mm(da_n[t], W_n, out=drh)
                da_r[t].mul_(drh)
                dh.mul_(z[t]).addcmul_(r[t], drh).addmm_(das[t, :, : 2 * H], W_rz)
            flat = _add_products(p, grads, das, xs[now], dxs[now])
            grads.W_h[: 2 * H].addmm_(flat[:, : 2 * H].T, h.flatten(0, 1))
            grads.W_h[2 * H :].addmm_(flat[:, 2 * H :].T, rhs[now].flatten(0, 1))
        return None, dxs, dh, *grads


KERNELS = {rnn: _rnn, lstm: _lstm, gru: _gru}
SEQUENCES = {**dict.fromkeys(STEPS, Memory), gru_reset_before: ResetBefore}
