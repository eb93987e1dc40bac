"""scan, scan_backward, convert, Recurrent: right on good input, one clear sentence on bad."""

import copy
import io

import numpy as np
import pytest
import torch
from problems import problem

from lstmcore import convert, weights
from lstmcore.numpy import gru, lstm, rnn
from lstmcore.numpy.bptt import scan_backward
from lstmcore.scan import scan
from lstmcore.torch import Recurrent
from lstmcore.torch import gru as torch_gru
from lstmcore.torch import lstm as torch_lstm
from lstmcore.torch import rnn as torch_rnn


@pytest.fixture
def q():
    return problem(lstm, 2, 3, 4)


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda q: {"xs": q.xs[0]}, r"xs has shape \(2, 3\); it should be \(T, 2, 3\)"),
        (lambda q: {"xs": q.xs[..., :2]}, r"xs has shape \(4, 2, 2\); it should be \(T, 2, 3\)"),
        (lambda q: {"xs": q.xs[:, :1]}, r"xs has shape \(4, 1, 3\); it should be \(T, 2, 3\)"),
        (lambda q: {"xs": q.xs[:0]}, r"xs has shape \(0, 2, 3\), an empty sequence; it should have at least one step"),
        (lambda q: {"xs": q.xs.tolist()}, r"xs is a list; it should be an array of shape \(T, 2, 3\)"),
        (lambda q: {"xs": q.xs.astype(np.float32)}, "xs is float32; it should be float64, as the weights are"),
        (lambda q: {"xs": q.xs.astype(int)}, "xs is int64; it should be float64"),
        (
            lambda q: {"state": q.state._replace(c=q.state.c[:, :1])},
            r"state.c has shape \(2, 1\); it should be \(2, 4\)",
        ),
        (
            lambda q: {"state": q.state._replace(h=q.state.h.astype(np.float32))},
            "state.h is float32; it should be float64",
        ),
    ],
)
def test_scan_says_which_argument_is_wrong(q, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        scan(lstm.step, q.p, **{"state": q.state, "xs": q.xs, **change(q)})


def test_scan_backward_says_what_does_not_fit(q):
    states = scan(lstm.step, q.p, q.state, q.xs)
    with pytest.raises(ValueError, match="4 states for 4 steps; there should be 5"):
        scan_backward(lstm.step_backward, q.p, states[1:], q.xs, np.zeros((4, 2, 4)))
    with pytest.raises(ValueError, match=r"dhs has shape \(4, 2, 3\); it should be \(4, 2, 4\)"):
        scan_backward(lstm.step_backward, q.p, states, q.xs, np.zeros((4, 2, 3)))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_there_and_back_again_is_the_same_net(kind, dtype):
    torch.manual_seed(0)
    first = getattr(torch.nn, kind)(3, 4, dtype=dtype)
    second = convert.to_torch(convert.from_torch(first))
    xs = torch.randn(5, 2, 3, dtype=dtype)
    np.testing.assert_allclose(first(xs)[0].detach(), second(xs)[0].detach(), rtol=1e-5)
    assert {p.dtype for p in second.parameters()} == {dtype}


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_net_without_biases_converts(kind):
    torch.manual_seed(0)
    oracle = getattr(torch.nn, kind)(3, 4, bias=False, dtype=torch.float64)
    xs = torch.randn(5, 2, 3, dtype=torch.float64)
    got = convert.to_torch(convert.from_torch(oracle))(xs)[0]
    np.testing.assert_allclose(got.detach(), oracle(xs)[0].detach(), rtol=1e-10)


@pytest.mark.parametrize("kind, cell", [("RNN", rnn), ("LSTM", lstm), ("GRU", gru)])
def test_each_layer_and_direction_converts(kind, cell):
    torch.manual_seed(0)
    oracle = getattr(torch.nn, kind)(3, 4, num_layers=2, bidirectional=True, dtype=torch.float64)
    xs = np.random.default_rng(0).normal(size=(5, 2, 3))
    want = oracle(torch.tensor(xs))[0].detach()
    for layer in range(2):
        both = []
        for reverse in (False, True):
            p = convert.from_torch(oracle, layer, reverse)
            way = slice(None, None, -1 if reverse else 1)
            states = scan(cell.step, p, weights.zeros_state(cell.State, 2, 4), xs[way])
            both.append(np.stack([s.h for s in states[1:]])[way])
        xs = np.concatenate(both, axis=-1)
    np.testing.assert_allclose(xs, want, rtol=1e-10)


def test_convert_says_what_it_cannot_take():
    with pytest.raises(ValueError, match="it should be a torch.nn.RNN"):
        convert.from_torch(torch.nn.Linear(2, 3))
    with pytest.raises(ValueError, match="no projections"):
        convert.from_torch(torch.nn.LSTM(3, 4, proj_size=2))
    with pytest.raises(ValueError, match="has no layer 1"):
        convert.from_torch(torch.nn.LSTM(3, 4), layer=1)
    with pytest.raises(ValueError, match="has no layer 0 in reverse"):
        convert.from_torch(torch.nn.LSTM(3, 4), reverse=True)
    with pytest.raises(ValueError, match="to_torch got a builtins.int"):
        convert.to_torch([1, 2])


@pytest.mark.parametrize("kind, cell", [("RNN", torch_rnn), ("LSTM", torch_lstm), ("GRU", torch_gru)])
def test_recurrent_is_torch_nn_with_the_same_weights(kind, cell):
    torch.manual_seed(0)
    oracle = getattr(torch.nn, kind)(3, 4, dtype=torch.float64)
    net = Recurrent(cell, 3, 4, dtype=torch.float64).load(convert.from_torch(oracle))
    xs = torch.randn(5, 2, 3, dtype=torch.float64)
    hs, last = net(xs)
    np.testing.assert_allclose(hs.detach(), oracle(xs)[0].detach(), rtol=1e-10)
    again, _ = net(xs, last)
    assert not torch.equal(hs, again)
    assert list(net.state_dict()) == list(cell.Params._fields)


def test_recurrent_can_be_copied_saved_and_loaded():
    net = Recurrent(torch_lstm, 3, 4)
    xs = torch.randn(5, 2, 3)
    file = io.BytesIO()
    torch.save(net, file)
    file.seek(0)
    other = Recurrent(torch_lstm, 3, 4)
    other.load_state_dict(net.state_dict())
    for twin in (copy.deepcopy(net), torch.load(file, weights_only=False), other):
        assert torch.equal(twin(xs)[0], net(xs)[0])
    assert "lstm, D=3, H=4" in repr(net)


def test_recurrent_says_which_argument_is_wrong():
    net = Recurrent(torch_lstm, 3, 4)
    with pytest.raises(ValueError, match=r"xs has shape \(5, 2, 2\); it should be \(T, 2, 3\)"):
        net(torch.zeros(5, 2, 2))
    with pytest.raises(ValueError, match="an empty sequence"):
        net(torch.zeros(0, 2, 3))
    with pytest.raises(ValueError, match=r"xs is torch.float64; it should be torch.float32"):
        net(torch.zeros(5, 2, 3, dtype=torch.float64))
    with pytest.raises(ValueError, match="D is 0 and H is 4"):
        Recurrent(torch_lstm, 0, 4)
    with pytest.raises(ValueError, match=r"a weight has shape \(16, 9\); it should be \(16, 3\)"):
        net.load(convert.from_torch(torch.nn.LSTM(9, 4)))
