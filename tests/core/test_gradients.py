"""Gradients of sequences: RTRL = BPTT, truncated BPTT, the truncated gradient of 1997, and weights counted."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from problems import CELLS, of, problem

from lstmcore import count
from lstmcore.cells import gru as gru_cell
from lstmcore.cells import lstm as lstm_cell
from lstmcore.cells import lstm1997 as cell_1997
from lstmcore.numpy import lstm, lstm1997
from lstmcore.numpy.bptt import scan_backward, truncate_1997, truncated
from lstmcore.numpy.rtrl import jacobians, online_1997, rtrl
from lstmcore.scan import scan
from lstmcore.torch import lstm as torch_lstm
from lstmcore.tree import leaves, tree_map

VECTORS = [name for name in CELLS if not name.startswith("conv")]


def run(cell, T=6, B=2, D=3, H=4, seed=0):
    q = problem(cell, B, D, H, T, seed)
    q.states = scan(cell.step, q.p, q.state, q.xs)
    q.dhs = q.rng.normal(size=(T, B, H))
    q.full = scan_backward(cell.step_backward, q.p, q.states, q.xs, q.dhs)
    return q


def equal(got, want, rtol=1e-12):
    for a, b in zip(leaves(got), leaves(want), strict=True):
        assert_allclose(a, b, rtol=rtol, atol=1e-13)


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("T, B, D, H", [(1, 1, 1, 1), (6, 2, 3, 4)])
def test_rtrl_is_bptt(name, T, B, D, H):
    cell = of("numpy", name)
    q = run(cell, T, B, D, H)
    dparams, last = rtrl(cell.step, cell.step_backward, q.p, q.state, q.xs, q.dhs)
    equal(dparams, q.full[0])
    equal(last, q.states[-1])


def test_jacobians_are_torchs():
    q = problem(lstm, 1, 3, 2)
    J_state, J_params = jacobians(lstm.step_backward, q.p, q.state, q.xs[0])
    p, state = tree_map(torch.tensor, q.p), tree_map(torch.tensor, q.state)

    def flat_step(h, c, *weights):
        new = torch_lstm.step(lstm.Params(*weights), lstm.State(h, c), torch.tensor(q.xs[0]))
        return torch.cat([new.h.ravel(), new.c.ravel()])

    every = torch.autograd.functional.jacobian(flat_step, (*state, *p))
    every = [j.reshape(4, -1) for j in every]
    assert_allclose(J_state, torch.cat(every[:2], 1), rtol=1e-10, atol=1e-14)
    assert_allclose(J_params, torch.cat(every[2:], 1), rtol=1e-10, atol=1e-14)


def test_rtrl_says_what_it_cannot_take():
    cell = of("numpy", "conv_lstm")
    q = problem(cell, 1, 2, 2)
    with pytest.raises(ValueError, match="rtrl takes cells of vectors"):
        rtrl(cell.step, cell.step_backward, q.p, q.state, q.xs, np.zeros((4, *q.state.h.shape)))
    q = problem(lstm, 1, 2, 2)
    with pytest.raises(ValueError, match=r"dhs has shape \(3, 1, 2\); it should be \(4, 1, 2\)"):
        rtrl(lstm.step, lstm.step_backward, q.p, q.state, q.xs, np.zeros((3, 1, 2)))


@pytest.mark.parametrize("k1, k2", [(1, 1), (1, 3), (2, 3), (3, 3), (3, 5), (4, 9), (9, 9)])
def test_truncated_bptt_is_what_torch_gives_when_the_state_is_detached(k1, k2):
    q = run(lstm, T=7)
    got = truncated(lstm.step_backward, q.p, q.states, q.xs, q.dhs, k1, k2)
    p = tree_map(lambda a: torch.tensor(a, requires_grad=True), q.p)
    for end in range(k1, 7 + k1, k1):
        window = range(max(0, end - k2), min(end, 7))
        state = tree_map(torch.tensor, q.states[window[0]])
        for t in window:
            state = torch_lstm.step(p, state, torch.tensor(q.xs[t]))
            if t >= end - k1:
                (state.h * torch.tensor(q.dhs[t])).sum().backward(retain_graph=True)
    equal(got, tree_map(lambda a: a.grad.numpy(), p), rtol=1e-10)


def test_truncated_bptt_is_full_bptt_when_nothing_is_cut():
    q = run(lstm)
    equal(truncated(lstm.step_backward, q.p, q.states, q.xs, q.dhs, 6, 6), q.full[0])
    equal(truncated(lstm.step_backward, q.p, q.states, q.xs, q.dhs, 1, 6), q.full[0])
    with pytest.raises(ValueError, match="k1 is 3 and k2 is 2; it should be 1 ≤ k1 ≤ k2"):
        truncated(lstm.step_backward, q.p, q.states, q.xs, q.dhs, 3, 2)


cut = truncate_1997(lstm1997.step_backward)


@pytest.mark.parametrize("T, B, D, H", [(1, 1, 1, 1), (6, 2, 3, 4), (9, 3, 1, 2)])
def test_the_gradient_of_1997_is_the_same_forward_and_backward_in_time(T, B, D, H):
    q = run(lstm1997, T, B, D, H)
    dparams, last = online_1997(q.p, q.state, q.xs, q.dhs)
    equal(dparams, scan_backward(cut, q.p, q.states, q.xs, q.dhs)[0])
    equal(last, q.states[-1])


def test_the_gradient_of_1997_is_the_full_one_where_no_error_runs_through_h():
    q = run(lstm1997, T=1)
    equal(scan_backward(cut, q.p, q.states, q.xs, q.dhs)[0], q.full[0])
    q = problem(lstm1997, 2, 3, 4, T=6)
    p = q.p._replace(W_h=0 * q.p.W_h)
    states, dhs = scan(lstm1997.step, p, q.state, q.xs), q.rng.normal(size=(6, 2, 4))
    both = [scan_backward(f, p, states, q.xs, dhs)[0] for f in (cut, lstm1997.step_backward)]
    equal(*both)


def test_the_gradient_of_1997_differs_from_the_full_one_elsewhere():
    q = run(lstm1997)
    got = scan_backward(cut, q.p, q.states, q.xs, q.dhs)[0]
    for a, b in zip(got, q.full[0], strict=True):
        assert np.abs(a - b).max() > 0.01 * np.abs(b).max()
    last = np.zeros_like(q.dhs)
    last[-1] = q.dhs[-1]  # the output gate's rows see the last step alone
    got = scan_backward(cut, q.p, q.states, q.xs, last)[0]
    one = scan_backward(cut, q.p, q.states[-2:], q.xs[-1:], last[-1:])[0]
    assert_allclose(np.split(got.W_x, 3)[2], np.split(one.W_x, 3)[2], rtol=1e-12)


@pytest.mark.parametrize("T", [1, 30])
def test_the_carousel_is_the_identity_with_the_gradient_of_1997_and_not_with_the_full_one(T):
    q = run(lstm1997, T)
    for unit in range(4):
        dlast = lstm1997.State(h=np.zeros((2, 4)), c=np.tile(np.eye(4)[unit], (2, 1)))
        zero = np.zeros_like(q.dhs)
        _, truncated_state, _ = scan_backward(cut, q.p, q.states, q.xs, zero, dlast)
        assert_allclose(truncated_state.c, dlast.c, rtol=0, atol=1e-9)
        _, full_state, _ = scan_backward(lstm1997.step_backward, q.p, q.states, q.xs, zero, dlast)
        assert np.abs(full_state.h).max() > 1e-4
        if T > 1:
            assert np.abs(full_state.c - dlast.c).max() > 1e-3


def test_parameters_are_counted_as_torch_has_them():
    for name, kind, extra in [("rnn", "RNN", 5), ("lstm", "LSTM", 20), ("gru", "GRU", 10)]:
        theirs = sum(p.numel() for p in getattr(torch.nn, kind)(3, 5).parameters())
        assert count.parameters(of("cells", name), 3, 5)["total"] == theirs - extra  # its second bias, but b_hn
    ours = count.parameters(gru_cell, 7, 11)
    lstms = count.parameters(lstm_cell, 7, 11)
    assert 4 * (ours["W_x"] + ours["W_h"]) == 3 * (lstms["W_x"] + lstms["W_h"])
    assert count.parameters(cell_1997, 2, 3) == {"W_x": 18, "W_h": 27, "b": 9, "total": 54}


@pytest.mark.parametrize("task", count.TABLE_10)
def test_the_nets_of_1997_have_the_weights_that_the_paper_prints(task):
    printed, sizes, options = count.TABLE_10[task]
    assert count.net_1997(*sizes, **options) == printed


def test_count_says_which_bias_it_does_not_know():
    with pytest.raises(ValueError, match="biases has memory; it may have gates, cells, outputs"):
        count.net_1997(1, 1, 1, 1, biases=("memory",))
