"""Fast sequences in PyTorch: equal to the steps one by one, in values and all gradients."""

import pytest
import torch
from numpy.testing import assert_allclose
from problems import SIZES, of, problem

from experiments import speed_gpu
from lstmcore.scan import scan
from lstmcore.torch import fast
from lstmcore.tree import leaves, tree_map

NAMES = ["rnn", "lstm", "gru", "lstm1997", "coupled", "peephole", "gru_reset_before"]


def tensors(tree, dtype=torch.float64):
    return tree_map(lambda a: torch.tensor(a, dtype=dtype, requires_grad=True), tree)


def both(name, T, B, D, H, dtype=torch.float64):
    """(hs, last, gradients) step by step, and fast; the loss reads every h and the last state."""
    cell, q, found = of("torch", name), problem(of("numpy", name), B, D, H, T), []
    weights = [torch.tensor(a, dtype=dtype) for a in (q.rng.normal(size=(T, B, H)), *q.rng.normal(size=(2, B, H)))]
    for way in ("steps", "fast"):
        p, state, xs = tensors(q.p, dtype), tensors(q.state, dtype), tensors(q.xs, dtype)
        if way == "steps":
            states = scan(cell.step, p, state, xs)
            hs, last = torch.stack([s.h for s in states[1:]]), states[-1]
        else:
            hs, last = fast.run(cell, p, state, xs)
        loss = sum((a * w).sum() for a, w in zip((hs, *last), weights, strict=False))
        loss.backward()
        found.append([a.detach() for a in (hs, *last)] + [a.grad for a in leaves((p, state, xs))])
    return found


@pytest.mark.parametrize("T, B, D, H", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_fast_is_the_steps_one_by_one_in_values_and_gradients(name, T, B, D, H):
    for want, got in zip(*both(name, T, B, D, H), strict=True):
        assert_allclose(got, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_long_sequence_is_cut_into_pieces_of_time(name, monkeypatch):
    monkeypatch.setattr(fast, "ROWS", 6)  # two steps a piece, and one that is left
    for want, got in zip(*both(name, 5, 3, 4, 2), strict=True):
        assert_allclose(got, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_fast_stays_in_float32(name):
    for want, got in zip(*both(name, 5, 3, 4, 2, torch.float32), strict=True):
        assert got.dtype == torch.float32
        assert_allclose(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_fast_gradients_are_what_torchs_own_gradcheck_says(name):
    cell, q = of("torch", name), problem(of("numpy", name), 2, 3, 2, 3)
    parts = len(q.state)

    def flat(xs, *rest):
        hs, last = fast.run(cell, cell.Params(*rest[parts:]), cell.State(*rest[:parts]), xs)
        return hs, *last

    assert torch.autograd.gradcheck(flat, [torch.tensor(a, requires_grad=True) for a in (q.xs, *q.state, *q.p)])


@pytest.mark.parametrize("name", NAMES)
def test_fast_changes_nothing_that_it_was_given_and_needs_no_gradient(name):
    cell, q = of("torch", name), problem(of("numpy", name), 2, 3, 4)
    args = tree_map(torch.tensor, (q.p, q.state, q.xs))
    before = tree_map(torch.clone, args)
    hs, last = fast.run(cell, *args)
    hs += 1  # the caller's own
    last.h.add_(1)
    assert all(torch.equal(a, b) for a, b in zip(leaves(args), leaves(before), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_inputs_of_a_thousand_give_finite_gradients(name):
    cell, q = of("torch", name), problem(of("numpy", name), 2, 3, 4)
    p, state = tensors(q.p), tensors(q.state)
    xs = torch.tensor(1000 * q.xs, requires_grad=True)
    hs, _ = fast.run(cell, p, state, xs)
    hs.sum().backward()
    assert all(torch.isfinite(a.grad).all() for a in leaves((p, state, xs)))


def test_fast_says_what_it_cannot_take():
    cell, q = of("torch", "conv_lstm"), problem(of("numpy", "conv_lstm"), 1, 2, 2)
    with pytest.raises(ValueError, match="conv_lstm has no fast form; coupled, gru, gru_reset_before, lstm"):
        fast.run(cell, *tree_map(torch.tensor, (q.p, q.state, q.xs)))
    q = problem(of("numpy", "peephole"), 2, 3, 4)
    p, state, xs = tree_map(torch.tensor, (q.p, q.state, q.xs))
    with pytest.raises(ValueError, match=r"xs has shape \(4, 2, 2\); it should be \(T, 2, 3\)"):
        fast.run(of("torch", "peephole"), p, state, xs[..., :2])


@pytest.mark.parametrize("name", NAMES)
def test_the_ways_that_the_gpu_table_compares_agree_on_the_cpu(name):
    args = speed_gpu.problem(0, speed_gpu.CELLS[name], B=2, T=3, H=4)
    args[0].W_h.requires_grad_()
    (hs, dW), *others = (way() for way in speed_gpu.ways(name, args).values())
    for other in others:
        assert speed_gpu.error(other[0], hs) < 1e-12 and speed_gpu.error(other[1], dW) < 1e-12


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA GPU, so nothing is refused")
def test_without_a_gpu_the_gpu_table_says_so():
    with pytest.raises(SystemExit, match="speed_gpu needs a CUDA GPU"):
        speed_gpu.run(0, "lstm", 2, 3, 4, "float32")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU: the loop as one CUDA graph")
@pytest.mark.parametrize("name", NAMES)
def test_a_cuda_graph_of_the_loop_says_what_the_loop_says(name):
    args = tree_map(lambda a: a.cuda(), speed_gpu.problem(0, speed_gpu.CELLS[name], B=2, T=3, H=4))
    args[0].W_h.requires_grad_()
    found = {way: run() for way, run in speed_gpu.ways(name, args).items()}
    assert speed_gpu.error(found["graph"][1], found["loop"][1].cpu()) < 1e-10
