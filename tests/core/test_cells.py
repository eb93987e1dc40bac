"""Every cell: against torch.nn, against central differences, against its twin, and against carelessness."""

import copy
import inspect
import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from problems import CELLS, SIZES, of, problem

from lstmcore import convert
from lstmcore.gradcheck import gradcheck
from lstmcore.numpy.bptt import scan_backward
from lstmcore.scan import scan
from lstmcore.tree import leaves, tree_map

READS = {  # which later gate reads this one
    "gru": {"r": {"n"}},
    "gru_reset_before": {"r": {"n"}},
    "peephole": {"i": {"o"}, "f": {"o"}, "g": {"o"}},
}
NN = [kind.lower() for kind in convert.CELLS]


def close(got, want):
    assert_allclose(got, want, rtol=1e-10, atol=1e-12)


def tensors(tree, grad=True):
    return tree_map(lambda a: torch.tensor(a, requires_grad=grad), tree)


@pytest.mark.parametrize("T, B, D, H", SIZES)
@pytest.mark.parametrize("name", NN)
def test_a_cell_says_what_torch_says_values_and_all_gradients(name, T, B, D, H):
    torch.manual_seed(T)
    oracle = getattr(torch.nn, name.upper())(D, H).double()
    cell = of("numpy", name)
    p = convert.from_torch(oracle)
    q = problem(cell, B, D, H, T)
    states = scan(cell.step, p, q.state, q.xs)
    dhs = q.rng.normal(size=(T, B, H))
    dlast = cell.State(*q.rng.normal(size=(len(q.state), B, H)))
    dparams, dstate, dxs = scan_backward(cell.step_backward, p, states, q.xs, dhs, dlast)

    xs, state = torch.tensor(q.xs, requires_grad=True), tensors(tree_map(lambda a: a[None], q.state))
    hs, last = oracle(xs, tuple(state) if name == "lstm" else state.h)
    last = last if name == "lstm" else (last,)
    loss = (hs * torch.tensor(dhs)).sum() + sum((a * torch.tensor(d)).sum() for a, d in zip(last, dlast, strict=True))
    loss.backward()

    close(np.stack([s.h for s in states[1:]]), hs.detach())
    for got, want in zip(states[-1], last, strict=True):
        close(got, want[0].detach())
    close(dxs, xs.grad)
    for got, want in zip(dstate, state, strict=True):
        close(got, want.grad[0])
    grad = {k: v.grad.numpy() for k, v in oracle.named_parameters()}
    close(dparams.W_x, grad["weight_ih_l0"])
    close(dparams.W_h, grad["weight_hh_l0"])
    close(dparams.b, grad["bias_ih_l0"])
    if name == "gru":
        close(dparams.b_hn, grad["bias_hh_l0"][2 * H :])


@pytest.mark.parametrize("B, D, H", [(1, 1, 1), (3, 4, 2), (2, 3, 5)])
def test_step_backward_is_what_central_differences_say(cell, B, D, H):
    q = problem(cell, B, D, H)
    gradcheck(cell.step, cell.step_backward, q.p, q.state, q.xs[0])


@pytest.mark.parametrize("T, B, D, H", SIZES)
def test_the_twins_agree_in_values_gates_and_gradients(twins, T, B, D, H):
    ours, theirs = twins
    q = problem(ours, B, D, H, T)
    p, state, xs = tensors(q.p), tensors(q.state), torch.tensor(q.xs, requires_grad=True)
    mine, their = scan(ours.step, q.p, q.state, q.xs), scan(theirs.step, p, state, xs)
    for a, b in zip(leaves(tuple(mine)), leaves(tuple(their)), strict=True):
        close(a, b.detach())
    for a, b in zip(ours.gates(q.p, q.state, q.xs[0]), theirs.gates(p, state, xs[0]), strict=True):
        close(a, b.detach())

    dhs = q.rng.normal(size=(T, *q.state.h.shape))
    dlast = type(q.state)(*q.rng.normal(size=(len(q.state), *q.state.h.shape)))
    got = scan_backward(ours.step_backward, q.p, mine, q.xs, dhs, dlast)
    loss = sum((s.h * torch.tensor(d)).sum() for s, d in zip(their[1:], dhs, strict=True))
    (loss + sum((a * torch.tensor(d)).sum() for a, d in zip(their[-1], dlast, strict=True))).backward()
    for a, b in zip(leaves(got), leaves((p, state, xs)), strict=True):
        close(a, b.grad)


@pytest.mark.parametrize("function", ["gates", "step"])
def test_the_twins_are_the_same_text_with_the_librarys_name_changed(twins, function):
    ours, theirs = (inspect.getsource(getattr(cell, function)) for cell in twins)
    for numpy_name, torch_name in [("np.split", "torch.tensor_split"), ("np.", "torch.")]:
        ours = ours.replace(numpy_name, torch_name)
    assert ours == theirs


def test_gates_are_stacked_in_the_order_that_the_cell_declares(cell):
    """Large biases on one gate's rows move that gate and, of the gates, no other that is not computed from it."""
    q = problem(cell, 2, 3, 4)
    names = cell.Gates._fields
    before = cell.gates(q.p, q.state, q.xs[0])
    for k, name in enumerate(names):
        b = q.p.b.copy()
        np.split(b, len(names))[k][:] += 9
        after = cell.gates(q.p._replace(b=b), q.state, q.xs[0])
        moved = {n for n in names if not np.allclose(getattr(before, n), getattr(after, n))}
        assert name in moved
        assert moved <= {name} | READS.get(cell.__name__.rpartition(".")[2], {}).get(name, set())


def test_two_halves_with_the_state_passed_on_are_one_run(cell):
    q = problem(cell, 2, 3, 4, T=7)
    whole = scan(cell.step, q.p, q.state, q.xs)
    first = scan(cell.step, q.p, q.state, q.xs[:3])
    second = scan(cell.step, q.p, first[-1], q.xs[3:])
    for got, want in zip(leaves(tuple(first + second[1:])), leaves(tuple(whole)), strict=True):
        np.testing.assert_array_equal(got, want)


def test_no_input_is_changed(cell):
    q = problem(cell, 2, 3, 4)
    args = (q.p, q.state, q.xs)
    before = copy.deepcopy(args)
    for array in leaves(args):
        array.flags.writeable = False
    states = scan(cell.step, q.p, q.state, q.xs)
    scan_backward(cell.step_backward, q.p, states, q.xs, np.ones((4, *q.state.h.shape)))
    for got, want in zip(leaves(args), leaves(before), strict=True):
        np.testing.assert_array_equal(got, want)


def test_float32_stays_float32(cell):
    q = problem(cell, 2, 3, 4, dtype=np.float32)
    states = scan(cell.step, q.p, q.state, q.xs)
    grads = scan_backward(cell.step_backward, q.p, states, q.xs, np.ones((4, *q.state.h.shape), np.float32))
    assert {a.dtype for a in leaves((tuple(states), grads))} == {np.dtype(np.float32)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sign", [-1, 1])
def test_inputs_of_a_thousand_saturate_without_a_warning(cell, sign, dtype):
    q = problem(cell, 2, 3, 4, dtype=dtype)
    xs = sign * 1000 * np.abs(q.xs)
    states = scan(cell.step, q.p, q.state, xs)
    grads = scan_backward(cell.step_backward, q.p, states, xs, np.ones((4, *q.state.h.shape), dtype))
    assert all(np.isfinite(a).all() for a in leaves((tuple(states), grads)))


def test_a_state_and_its_gradient_have_the_types_that_the_cell_declares(cell):
    q = problem(cell, 2, 3, 4)
    new = cell.step(q.p, q.state, q.xs[0])
    dparams, dstate, dx = cell.step_backward(q.p, q.state, q.xs[0], new)
    assert type(new) is type(dstate) is cell.State and type(dparams) is cell.Params
    assert [a.shape for a in dparams] == [a.shape for a in q.p] == list(cell.Params.shapes(3, 4))
    assert [a.shape for a in dstate] == [a.shape for a in new] and dx.shape == q.xs[0].shape
    assert cell.State._fields[0] == "h" and pickle.loads(pickle.dumps(new)).h.shape[:2] == (2, 4)


def test_every_cell_has_its_three_files():
    assert {"rnn", "lstm", "gru"} <= set(CELLS)
    for name in CELLS:
        assert of("numpy", name).Params is of("torch", name).Params is of("cells", name).Params
