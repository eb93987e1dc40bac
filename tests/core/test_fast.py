"""The fast cells: equal to the plain ones and to torch.nn, and as careful with their inputs."""

import copy

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from problems import SIZES, of, problem

from lstmcore import convert
from lstmcore.numpy import fast
from lstmcore.numpy.bptt import scan_backward
from lstmcore.scan import scan
from lstmcore.tree import leaves, tree_map

NAMES = ["rnn", "lstm", "gru"]
PIECE = fast.ROWS  # steps of a piece at B = 1


@pytest.fixture(params=NAMES)
def pair(request):
    """(plain cell, fast cell)."""
    return of("numpy", request.param), of("numpy", f"{request.param}_fast")


def given(cell, T, B, D, H, dtype=np.float64):
    """A problem with a gradient for every h and for the last state."""
    q = problem(cell, B, D, H, T, seed=T + B, dtype=dtype)
    q.dhs = q.rng.normal(size=(T, B, H)).astype(dtype)
    q.dlast = cell.State(*q.rng.normal(size=(len(q.state), B, H)).astype(dtype))
    return q


def plain(cell, q, dlast):
    states = scan(cell.step, q.p, q.state, q.xs)
    hs = np.stack([s.h for s in states[1:]])
    return hs, states[-1], scan_backward(cell.step_backward, q.p, states, q.xs, q.dhs, dlast)


def quick(cell, q, dlast=None):
    hs, last, cache = cell.forward(q.p, q.state, q.xs)
    return hs, last, cell.backward(q.p, cache, q.dhs, dlast)


@pytest.mark.parametrize("T, B, D, H", [*SIZES, (PIECE + 1, 1, 2, 3), (2, PIECE + 1, 1, 2), (5, PIECE // 2, 2, 1)])
@pytest.mark.parametrize("with_last", [False, True])
def test_fast_and_plain_are_equal_in_values_and_all_gradients(pair, with_last, T, B, D, H):
    q = given(pair[0], T, B, D, H)
    dlast = q.dlast if with_last else None
    got, want = quick(pair[1], q, dlast), plain(pair[0], q, dlast)
    assert [type(part) for part in got] == [type(part) for part in want]
    for a, b in zip(leaves(got), leaves(want), strict=True):
        assert_allclose(a, b, rtol=1e-11, atol=1e-12 * T * B)


def test_in_float32_they_are_near_and_all_is_float32(pair):
    q = given(pair[0], 30, 4, 5, 6, np.float32)
    got, want = quick(pair[1], q, q.dlast), plain(pair[0], q, q.dlast)
    assert {a.dtype for a in leaves(got)} == {np.dtype(np.float32)}
    for a, b in zip(leaves(got), leaves(want), strict=True):
        assert_allclose(a, b, rtol=1e-4, atol=1e-5 * np.abs(b).max())


@pytest.mark.parametrize("name", NAMES)
def test_fast_says_what_torch_says(name):
    torch.manual_seed(0)
    oracle = getattr(torch.nn, name.upper())(4, 3).double()
    cell = of("numpy", f"{name}_fast")
    q = given(cell, 7, 2, 4, 3)
    q.p = convert.from_torch(oracle)
    hs, last, (dparams, dstate, dxs) = quick(cell, q, q.dlast)

    xs = torch.tensor(q.xs, requires_grad=True)
    state = tree_map(lambda a: torch.tensor(a[None], requires_grad=True), q.state)
    want, want_last = oracle(xs, tuple(state) if name == "lstm" else state.h)
    want_last = want_last if name == "lstm" else (want_last,)
    loss = (want * torch.tensor(q.dhs)).sum()
    (loss + sum((a * torch.tensor(d)).sum() for a, d in zip(want_last, q.dlast, strict=True))).backward()
    pairs = [(hs, want.detach()), (dxs, xs.grad)]
    pairs += [(a, b[0].detach()) for a, b in zip(last, want_last, strict=True)]
    pairs += [(a, b.grad[0]) for a, b in zip(dstate, state, strict=True)]
    pairs += [(dparams.W_x, oracle.weight_ih_l0.grad), (dparams.W_h, oracle.weight_hh_l0.grad)]
    pairs += [(dparams.b, oracle.bias_ih_l0.grad)]
    pairs += [(dparams.b_hn, oracle.bias_hh_l0.grad[6:])] if name == "gru" else []
    for a, b in pairs:
        assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_no_input_is_changed_and_what_comes_out_is_the_callers_own(pair):
    q = given(pair[0], 5, 2, 3, 4)
    inputs = (q.p, q.state, q.xs, q.dhs, q.dlast)
    before = copy.deepcopy(inputs)
    for array in leaves(inputs):
        array.flags.writeable = False
    hs, last, cache = pair[1].forward(q.p, q.state, q.xs)
    first = copy.deepcopy(pair[1].backward(q.p, cache, q.dhs, q.dlast))
    assert not any(np.shares_memory(a, b) for a in leaves((hs, last)) for b in leaves(cache))
    for array in leaves((hs, last)):
        array[:] = 7
    second = pair[1].backward(q.p, cache, q.dhs, q.dlast)  # the cache is neither used up nor the caller's hs
    for a, b in zip(leaves((inputs, first)), leaves((before, second)), strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sign", [-1, 1])
def test_inputs_of_a_thousand_saturate_without_a_warning(pair, sign, dtype):
    q = given(pair[0], 4, 2, 3, 4, dtype)
    q.xs = sign * 1000 * np.abs(q.xs)
    for a, b in zip(leaves(quick(pair[1], q, q.dlast)), leaves(plain(pair[0], q, q.dlast)), strict=True):
        assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_forward_says_which_argument_is_wrong(pair):
    q = given(pair[0], 4, 2, 3, 5)
    for xs, sentence in [
        (q.xs[0], r"xs has shape \(2, 3\); it should be \(T, 2, 3\)"),
        (q.xs[:0], "an empty sequence"),
        (q.xs.astype(np.float32), "xs is float32; it should be float64"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            pair[1].forward(q.p, q.state, xs)


def test_backward_says_which_argument_is_wrong(pair):
    q = given(pair[0], 4, 2, 3, 5)
    cache = pair[1].forward(q.p, q.state, q.xs)[2]
    for dhs, dlast, sentence in [
        (q.dhs[1:], None, r"dhs has shape \(3, 2, 5\); it should be \(4, 2, 5\)"),
        (q.dhs[0], None, r"dhs has shape \(2, 5\); it should be \(4, 2, 5\)"),
        (q.dhs.astype(np.float32), None, "dhs is float32; it should be float64"),
        (q.dhs, q.dlast._replace(h=q.dlast.h[:1]), r"dlast.h has shape \(1, 5\); it should be \(2, 5\)"),
        (q.dhs, q.dlast._replace(h=q.dlast.h.astype(np.float32)), "dlast.h is float32; it should be float64"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            pair[1].backward(q.p, cache, dhs, dlast)
