"""Losses, optimiser, model, fit, initial weights, tasks, gradcheck, check."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from problems import problem

from lstmcore import check, gradcheck, tasks, weights
from lstmcore.cells import lstm as lstm_cell
from lstmcore.numpy import conv_lstm, gru, lstm, model, rnn
from lstmcore.numpy.bptt import scan_backward
from lstmcore.numpy.loss import cross_entropy, squared_error
from lstmcore.numpy.optim import Adam, clip_norm, norm
from lstmcore.numpy.train import fit
from lstmcore.scan import scan
from lstmcore.tree import leaves


@pytest.mark.parametrize("shape", [(1, 2), (5, 3), (4, 2, 7)])
def test_cross_entropy_is_torchs_value_and_gradient(shape):
    rng = np.random.default_rng(0)
    logits, target = 30 * rng.normal(size=shape), rng.integers(shape[-1], size=shape[:-1])
    x = torch.tensor(logits, requires_grad=True)
    want = torch.nn.functional.cross_entropy(x.reshape(-1, shape[-1]), torch.tensor(target).reshape(-1))
    want.backward()
    loss, d = cross_entropy(logits, target)
    assert_allclose(loss, want.detach(), rtol=1e-12)
    assert_allclose(d, x.grad, rtol=1e-10, atol=1e-14)


def test_cross_entropy_leaves_padding_out():
    rng = np.random.default_rng(0)
    logits, target = rng.normal(size=(4, 2, 3)), rng.integers(3, size=(4, 2))
    weight = np.arange(4)[:, None] < [4, 1]
    loss, d = cross_entropy(logits, target, weight)
    want, _ = cross_entropy(logits[weight], target[weight])
    assert_allclose(loss, want, rtol=1e-12)
    assert not d[~weight].any() and d[weight].all()


def test_losses_say_what_is_wrong():
    with pytest.raises(ValueError, match=r"target has shape \(3,\); it should be \(2,\)"):
        cross_entropy(np.zeros((2, 4)), np.zeros(3, int))
    with pytest.raises(ValueError, match="it should hold classes 0 to 3"):
        cross_entropy(np.zeros((2, 4)), np.array([0, 4]))
    with pytest.raises(ValueError, match="it should hold class numbers, as integers"):
        cross_entropy(np.zeros((2, 4)), np.zeros(2))
    with pytest.raises(ValueError, match=r"target has shape \(2,\); it should be \(2, 4\)"):
        squared_error(np.zeros((2, 4)), np.zeros(2))


def test_squared_error_is_half_of_torchs():
    rng = np.random.default_rng(0)
    y, target = rng.normal(size=(2, 3, 5, 1))
    x = torch.tensor(y, requires_grad=True)
    want = torch.nn.functional.mse_loss(x, torch.tensor(target)) / 2
    want.backward()
    loss, d = squared_error(y, target)
    assert_allclose(loss, want.detach(), rtol=1e-12)
    assert_allclose(d, x.grad, rtol=1e-12)


def test_adam_is_torchs_over_many_steps():
    rng = np.random.default_rng(0)
    start = lstm_cell.State(rng.normal(size=(2, 3)), rng.normal(size=4))
    theirs = [torch.tensor(a, requires_grad=True) for a in start]
    ours, adam, oracle = start, Adam(lr=0.1), torch.optim.Adam(theirs, lr=0.1)
    for _ in range(20):
        grads = lstm_cell.State(rng.normal(size=(2, 3)), rng.normal(size=4))
        ours = adam.step(ours, grads)
        for a, g in zip(theirs, grads, strict=True):
            a.grad = torch.tensor(g)
        oracle.step()
    for got, want in zip(ours, theirs, strict=True):
        assert_allclose(got, want.detach(), rtol=1e-10)


@pytest.mark.parametrize("size", [0.5, 20.0])
def test_clipping_is_torchs(size):
    rng = np.random.default_rng(0)
    grads = lstm_cell.State(size * rng.normal(size=(2, 3)), size * rng.normal(size=4))
    theirs = [torch.zeros(a.shape, dtype=torch.float64) for a in grads]
    for a, g in zip(theirs, grads, strict=True):
        a.grad = torch.tensor(g)
    assert_allclose(torch.nn.utils.clip_grad_norm_(theirs, 3.0), norm(grads), rtol=1e-12)
    for got, want in zip(clip_norm(grads, 3.0), theirs, strict=True):
        assert_allclose(got, want.grad, rtol=1e-5)


@pytest.mark.parametrize("cell", [rnn, lstm, gru])
@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("lengths", [None, [5, 1, 3]])
def test_the_gradient_of_a_model_is_what_central_differences_say(cell, every, lengths):
    rng = np.random.default_rng(0)
    m = model.init(cell, 4, 2, 3, rng, np.float64)
    xs, target = rng.normal(size=(5, 3, 4)), rng.integers(3, size=(5, 3) if every else 3)
    gradcheck.loss_gradcheck(lambda m: model.loss(cell, m, xs, target, lengths)[:2], m)


@pytest.mark.parametrize("every", [False, True])
def test_padding_changes_nothing(every):
    rng = np.random.default_rng(0)
    m = model.init(lstm, 4, 2, 3, rng, np.float64)
    xs, lengths = rng.normal(size=(5, 3, 4)), np.array([5, 1, 3])
    target = rng.integers(3, size=(5, 3) if every else 3)
    value, grads, _ = model.loss(lstm, m, xs, target, lengths)
    xs[np.arange(5)[:, None] >= lengths] = 77.0
    other, others, _ = model.loss(lstm, m, xs, target, lengths)
    assert value == other
    for a, b in zip(leaves(grads), leaves(others), strict=True):
        np.testing.assert_array_equal(a, b)


def test_lengths_are_checked():
    m = model.init(lstm, 4, 2, 3, np.random.default_rng(0))
    with pytest.raises(ValueError, match="they should be 3 whole numbers from 1 to 5"):
        model.loss(lstm, m, np.zeros((5, 3, 4), np.float32), np.zeros(3, int), [5, 6, 1])


def recall_run(seed, steps, **bias):
    rng = np.random.default_rng(seed)
    m = model.init(lstm, 6, 8, 2, rng)
    m = m._replace(cell=weights.gate_bias(m.cell, **bias))
    return fit(
        m,
        lambda m, *batch: model.loss(lstm, m, *batch),
        lambda k: tasks.recall(rng, 16, 20),
        steps,
        0.02,
        1.0,
        progress=False,
    )


def test_fit_learns_to_recall_over_twenty_steps_and_repeats_itself():
    m, history = recall_run(0, 120, f=5, i=-3)
    assert history[:10].mean() > 0.6 and history[-10:].mean() < 0.1
    again, same = recall_run(0, 120, f=5, i=-3)
    np.testing.assert_array_equal(history, same)
    assert all(a.dtype == np.float32 and np.array_equal(a, b) for a, b in zip(leaves(m), leaves(again), strict=True))


def test_fit_stops_when_asked_and_says_what_is_wrong(capsys):
    def loss(p, slope):
        return slope * p[0].sum(), (np.full_like(p[0], slope),)

    params, history = fit((np.ones(2),), loss, lambda k: (1.0,), 50, stop=lambda k, *result: k == 4, progress=False)
    assert len(history) == 5 and params[0][0] < 1
    fit((np.ones(2),), loss, lambda k: (1.0,), 3, name="slope")
    assert "slope" in capsys.readouterr().err
    with pytest.raises(ValueError, match="the loss is nan at step 1; try a lower lr"):
        fit((np.ones(2),), loss, lambda k: (np.nan,), 3, progress=False)
    with pytest.raises(ValueError, match="steps is 0; it should be at least 1"):
        fit((np.ones(2),), loss, lambda k: (1.0,), 0)
    with pytest.raises(ValueError, match="batches is a list"):
        fit((np.ones(2),), loss, [1.0], 3)
    with pytest.raises(ValueError, match=r"xs has shape \(0, 2, 4\), an empty sequence"):
        m = model.init(lstm, 4, 2, 3, np.random.default_rng(0))
        empty = (np.zeros((0, 2, 4), np.float32), np.zeros(2, int))
        fit(m, lambda m, *batch: model.loss(lstm, m, *batch), lambda k: empty, 1, progress=False)


def test_uniform_weights_fill_their_interval():
    p = weights.uniform(lstm.Params, 30, 25, np.random.default_rng(0), np.float32)
    for a in p:
        assert a.dtype == np.float32 and 0.18 < a.max() <= 0.2 and -0.2 <= a.min() < -0.18


def test_gate_biases_are_set_by_name_and_the_others_are_zero():
    p = weights.uniform(lstm.Params, 3, 2, np.random.default_rng(0))
    q = weights.gate_bias(p, f=5, i=-3)
    assert q.b.tolist() == [-3, -3, 5, 5, 0, 0, 0, 0] and q.W_x is p.W_x and p.b.all()
    assert weights.gate_bias(weights.uniform(gru.Params, 3, 2, np.random.default_rng(0)), z=1).b_hn.tolist() == [0, 0]
    with pytest.raises(ValueError, match="no gate q; it has i, f, g, o"):
        weights.gate_bias(p, q=1)


@pytest.mark.parametrize("cell, shape", [(lstm, (30, 20)), (gru, (7, 40))])
def test_glorot_fills_the_interval_of_torchs_xavier_gate_by_gate(cell, shape):
    D, H = shape
    p = weights.glorot(cell.Params, D, H, np.random.default_rng(0))
    for W, inputs in ((p.W_x, D), (p.W_h, H)):
        block = torch.nn.init.xavier_uniform_(torch.empty(H, inputs, dtype=torch.float64))  # one gate
        most = (6 / (inputs + H)) ** 0.5
        assert block.abs().max() <= most and 0.95 * most < np.abs(W).max() <= most
        assert_allclose(W.std(), block.std(), rtol=0.1)
    assert not p.b.any()


def test_glorot_counts_a_kernels_area():
    p = weights.glorot(conv_lstm.Params, 5, 8, np.random.default_rng(0))
    oracle = torch.nn.init.xavier_uniform_(torch.empty(8, 5, 3, 3, dtype=torch.float64))
    assert_allclose(np.abs(p.W_x).max(), oracle.abs().max(), rtol=0.05)


@pytest.mark.parametrize("cell", [rnn, lstm, gru])
def test_orthogonal_blocks_keep_lengths(cell):
    q = problem(cell, 2, 3, 5, dtype=np.float32)
    p = weights.orthogonal(q.p, np.random.default_rng(0), gain=2.0)
    for block in np.split(p.W_h, len(cell.Gates._fields)):
        assert_allclose(block @ block.T, 4 * np.eye(5), atol=1e-5)
    assert p.W_h.dtype == np.float32 and p.W_x is q.p.W_x
    assert not np.allclose(p.W_h, weights.orthogonal(q.p, np.random.default_rng(1), gain=2.0).W_h)


def test_chrono_biases_lie_between_zero_and_log_of_the_lag():
    rng = np.random.default_rng(0)
    i, f, g, o = np.split(weights.chrono(weights.uniform(lstm.Params, 3, 400, rng), 100, rng).b, 4)
    assert np.array_equal(i, -f) and not g.any() and not o.any()
    assert 0 <= f.min() < 0.5 and np.log(95) < f.max() <= np.log(99)
    assert_allclose(np.exp(f).mean(), 50, rtol=0.1)  # u is uniform on 1 … 99
    r, z, n = np.split(weights.chrono(weights.uniform(gru.Params, 3, 400, rng), 100, rng).b, 3)
    assert not r.any() and not n.any() and z.min() >= 0 and z.max() > np.log(95)
    with pytest.raises(ValueError, match="chrono needs a gate that keeps"):
        weights.chrono(weights.uniform(rnn.Params, 3, 4, rng), 100, rng)


def test_recall_asks_for_its_first_symbol():
    xs, target = tasks.recall(np.random.default_rng(0), 500, 7)
    assert xs.shape == (8, 500, 6) and xs.dtype == np.float32 and (xs.sum(axis=-1) == 1).all()
    symbols = xs.argmax(axis=-1)
    assert np.array_equal(symbols[0], target) and set(target) == {0, 1}
    assert set(symbols[1:].ravel()) == {2, 3, 4, 5} and abs(target.mean() - 0.5) < 0.1
    with pytest.raises(ValueError, match="lag is 0"):
        tasks.recall(np.random.default_rng(0), 2, 0)


def test_temporal_order_follows_its_rules():
    xs, target, lengths = tasks.temporal_order_6a(np.random.default_rng(0), 2000)
    symbols, places = xs.argmax(axis=-1), np.arange(len(xs))[:, None]
    inside = places < lengths
    assert xs.dtype == np.float32 and np.array_equal(xs.sum(axis=-1), inside)
    assert set(lengths) == set(range(100, 111)) and (symbols[0] == 0).all()
    assert (symbols[lengths - 1, np.arange(2000)] == 1).all()
    first, second = (np.nonzero(np.isin(symbols.T, [2, 3]))[1]).reshape(2000, 2).T
    assert set(first) == set(range(10, 21)) and set(second) == set(range(50, 61))
    pair = symbols[[first, second], np.arange(2000)] - 2
    assert np.array_equal(target, 2 * pair[0] + pair[1]) and set(target) == {0, 1, 2, 3}
    others = inside & ~np.isin(symbols, [2, 3]) & (places > 0) & (places < lengths - 1)
    assert set(symbols[others]) == {4, 5, 6, 7}


def test_gradcheck_names_the_wrong_gate():
    q = problem(lstm, 2, 3, 4)

    def no_memory_in_df(p, state, x, dnew):
        dparams, dstate, dx = lstm.step_backward(p, state, x, dnew)
        rows = np.split(dparams.W_h.copy(), 4)
        rows[1] *= 2
        return dparams._replace(W_h=np.concatenate(rows)), dstate, dx

    with pytest.raises(AssertionError, match=r"^dW_h is wrong for gate f and right for i, g, o\.$"):
        gradcheck.gradcheck(lstm.step, no_memory_in_df, q.p, q.state, q.xs[0])

    def no_carousel(p, state, x, dnew):
        dparams, dstate, dx = lstm.step_backward(p, state, x, dnew)
        return dparams, dstate._replace(c=0 * dstate.c), dx[:1]

    with pytest.raises(AssertionError, match=r"^dc\[0, 0\] is -?0; central differences give .* dx has shape \(1, 3\)"):
        gradcheck.gradcheck(lstm.step, no_carousel, q.p, q.state, q.xs[0])
    with pytest.raises(ValueError, match="x is float32; it should be float64"):
        gradcheck.numeric(np.sum, np.ones(2, np.float32))


def test_check_says_shape_place_or_mistake():
    want = np.arange(6.0).reshape(2, 3)
    assert check.difference(want.tolist(), want, "h") is None
    assert check.difference(want.astype(np.float32), want, "h") is None
    assert check.difference(None, want, "h") == "h is None; does the function return it?"
    assert check.difference("six", want, "h") == "h is a str; it should be an array of numbers."
    assert check.difference(want.T, want, "h") == "h has shape (3, 2); it should be (2, 3)."
    assert check.difference(want + [0, 0, 1], want, "h") == "h[0, 2] is 3; it should be 2."
    assert check.difference(np.where(want == 4, np.nan, want), want, "h") == "h[1, 1] is nan; it should be 4."
    assert check.difference(3, 4.0, "loss") == "loss is 3; it should be 4."
    rows = np.zeros((8, 2))
    rows[2, 1] = 1
    assert check.difference(rows, 0 * rows, "dW_h", blocks=("i", "f", "g", "o")) == (
        "dW_h[2, 1] is 1; it should be 0. dW_h is wrong for f and right for i, g, o."
    )
    assert check.difference(rows + 2, 0 * rows, "b", blocks=("i", "f", "g", "o")) == "b[2, 1] is 3; it should be 0."
    steps = np.zeros((4, 1, 1))
    late, early = steps + [[[0]], [[0]], [[1]], [[1]]], steps + [[[1]], [[0]], [[0]], [[0]]]
    assert check.difference(late, steps, "hs").endswith("right up to hs[1], wrong from there on: is the state carried?")
    assert check.difference(early, steps, "dxs").endswith(
        "right from dxs[1] on, wrong before: is the gradient carried back?"
    )
    with pytest.raises(AssertionError, match=r"^h is what you get when the bias is left out\.$"):
        check.close(want - 1, want, "h", {"x is ignored": want + 1, "the bias is left out": want - 1})
    two = [(want, want, {"b is left out": want - 1}), (want - 2, want, {"b is left out": want - 1})]
    assert check.explain(two, "h") == "h[0, 0] is -2; it should be 0."


def test_scan_backward_adds_up_over_steps():
    """Twice the gradient from above is twice every gradient."""
    q = problem(lstm, 2, 3, 4, T=3)
    states = scan(lstm.step, q.p, q.state, q.xs)
    dhs = q.rng.normal(size=(3, 2, 4))
    one, two = (scan_backward(lstm.step_backward, q.p, states, q.xs, k * dhs) for k in (1, 2))
    for a, b in zip(leaves(one), leaves(two), strict=True):
        assert_allclose(2 * a, b, rtol=1e-12)
