"""Recurrent, Bidirectional, Stacked: what torch.nn and the NumPy twins say; saved, copied, compiled, short floats."""

import copy
import io
import os
import shutil

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from problems import CELLS, of, problem
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lstmcore import convert
from lstmcore.numpy import layers
from lstmcore.torch import Recurrent, lstm
from lstmcore.torch.layers import Bidirectional, Stacked, flip
from lstmcore.torch.recurrent import recurrent
from lstmcore.tree import leaves, tree_map

F64 = torch.float64
LENGTHS = [4, 1, 3]
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")
NETS = {
    "one": lambda cell, **kw: Recurrent(cell, 3, 2, **kw),
    "both": lambda cell, **kw: Bidirectional(Recurrent(cell, 3, 2, **kw), Recurrent(cell, 3, 2, **kw)),
    "stack": lambda cell, **kw: recurrent(cell, 3, 2, layers=2, both=True, **kw),
}


def close(got, want, rtol=1e-10, atol=1e-12):
    assert_allclose(got, want, rtol=rtol, atol=atol)


@pytest.mark.parametrize("structure", NETS)
@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_the_modules_are_their_numpy_twins_values_and_all_gradients(twins, structure, lengths):
    ours, theirs = twins
    q = problem(ours, 3, 3, 2)
    torch.manual_seed(0)
    net = NETS[structure](theirs, dtype=F64)
    p = tree_map(lambda a: a.detach().numpy(), net.params)
    both = layers.Directions(q.state, q.state)
    state = {"one": q.state, "both": both, "stack": (both, both)}[structure]
    hs, last, cache = layers.forward(ours, p, state, q.xs, lengths)
    dhs, dlast = q.rng.normal(size=hs.shape), tree_map(lambda a: q.rng.normal(size=a.shape), last)
    want = layers.backward(ours, p, cache, dhs, dlast)

    xs, start = tree_map(lambda a: torch.tensor(a, requires_grad=True), (q.xs, state))
    got, end = net(xs, start, lengths)
    loss = sum((a * torch.tensor(d)).sum() for a, d in zip(leaves((got, end)), leaves((dhs, dlast)), strict=True))
    loss.backward()
    for a, b in zip(leaves((got, end)), leaves((hs, last)), strict=True):
        close(a.detach(), b)
    for a, b in zip(leaves((net.params, start, xs)), leaves(want), strict=True):
        close(a.grad, b)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_stack_that_reads_both_ways_is_torchs_on_a_packed_sequence(kind):
    torch.manual_seed(0)
    oracle = getattr(torch.nn, kind)(3, 2, num_layers=2, bidirectional=True, dtype=F64)
    p = tuple(layers.Directions(*(convert.from_torch(oracle, k, back) for back in (False, True))) for k in range(2))
    net = recurrent(of("torch", kind.lower()), 3, 2, layers=2, both=True, dtype=F64).load(p)
    xs = torch.randn(4, 3, 3, dtype=F64)
    packed, last = oracle(pack_padded_sequence(xs, torch.tensor(LENGTHS), enforce_sorted=False))
    hs, end = net(xs, lengths=LENGTHS)
    close(hs.detach(), pad_packed_sequence(packed)[0].detach())
    last = last[0] if kind == "LSTM" else last
    close(torch.stack([d.h for layer in end for d in layer]).detach(), last.detach())


@pytest.mark.parametrize("name", CELLS)
def test_nothing_comes_out_of_the_padding_nor_back_from_it(name):
    q = problem(of("numpy", name), 3, 3, 2)
    net = NETS["stack"](of("torch", name), dtype=F64)
    xs = torch.tensor(q.xs)
    for b, n in enumerate(LENGTHS):
        xs[n:, b] = torch.nan
    xs.requires_grad_()
    hs, last = net(xs, lengths=LENGTHS)
    (hs.sum() + sum(a.sum() for a in leaves(last))).backward()
    assert all(torch.isfinite(a).all() for a in leaves((hs, last)))
    assert all(torch.isfinite(a.grad).all() for a in [xs, *net.parameters()])
    assert all(not hs[n:, b].any() and not xs.grad[n:, b].any() for b, n in enumerate(LENGTHS))


def test_flip_is_numpys():
    xs = np.random.default_rng(0).normal(size=(4, 3, 2))
    for lengths in (None, LENGTHS, torch.tensor(LENGTHS)):
        close(flip(torch.tensor(xs), lengths), layers.flip(xs, lengths))


@pytest.mark.parametrize("structure", NETS)
def test_a_net_can_be_copied_saved_and_loaded(twins, structure):
    q, (_, cell) = problem(twins[0], 3, 3, 2, dtype=np.float32), twins
    net, other = NETS[structure](cell), NETS[structure](cell)
    xs, file = torch.tensor(q.xs), io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    for twin in (other, copy.deepcopy(net), NETS[structure](cell).load(net.params)):
        assert torch.equal(twin(xs)[0], net(xs)[0])
    with torch.no_grad():
        next(other.parameters()).add_(1)  # a copy, not a view
    assert not torch.equal(other(xs)[0], net(xs)[0])


def test_the_keys_of_a_state_dict_say_layer_direction_and_field():
    keys = list(NETS["stack"](lstm).state_dict())
    assert keys[0] == "layers.0.ahead.W_x" and keys[-1] == "layers.1.back.b" and len(keys) == 12


@pytest.mark.parametrize("structure", NETS)
@pytest.mark.parametrize("how", ["autocast", torch.bfloat16, torch.float16])
def test_short_floats_stay_finite_and_close_to_float32(twins, structure, how):
    q, (_, cell) = problem(twins[0], 3, 3, 2, dtype=np.float32), twins
    torch.manual_seed(0)
    net, xs = NETS[structure](cell), torch.tensor(q.xs)
    want, _ = net(xs, lengths=LENGTHS)
    if how == "autocast":
        with torch.autocast("cpu", torch.bfloat16):
            hs, last = net(xs, lengths=LENGTHS)
    else:
        net = net.to(how)
        hs, last = net(xs.to(how), lengths=LENGTHS)
        assert {a.dtype for a in leaves((hs, last))} == {how}
    hs.float().sum().backward()
    assert all(torch.isfinite(a.grad).all() for a in net.parameters())
    digits = 2e-2 if how != torch.float16 else 4e-3
    close(hs.detach().float(), want.detach(), rtol=digits, atol=digits)
    assert (hs.float() != want).any()  # the short floats were at work


def test_under_autocast_a_layer_takes_what_a_layer_below_answers_in_short_floats():
    below, net, xs = torch.nn.Linear(3, 3), Recurrent(lstm, 3, 2), torch.randn(4, 3, 3)
    want, _ = net(below(xs))
    with torch.autocast("cpu", torch.bfloat16):
        assert below(xs).dtype == torch.bfloat16
        close(net(below(xs))[0].detach(), want.detach(), rtol=2e-2, atol=2e-2)


def compiled_is_the_same(net, backend):
    xs = torch.randn(2, 3, 3, requires_grad=True)
    runs = []
    for run in (net, torch.compile(net, backend=backend, fullgraph=True)):
        hs, last = run(xs)
        runs.append([hs, *torch.autograd.grad(hs.sum() + leaves(last)[-1].sum(), [xs, *net.parameters()])])
    for got, want in zip(*runs, strict=True):
        close(got.detach(), want.detach(), rtol=1e-4, atol=1e-6)


def test_a_net_compiles_as_one_graph_values_and_all_gradients():
    compiled_is_the_same(Recurrent(lstm, 3, 2), "aot_eager")


@pytest.mark.filterwarnings("ignore:.*script_method.*:DeprecationWarning")  # of torch's own, while it loads
@pytest.mark.skipif(
    not shutil.which("cc") or not os.environ.get("CI"), reason="20 s of a C compiler; set CI=1 to run it"
)
def test_compiled_to_machine_code_a_net_is_the_same_net():
    compiled_is_the_same(Recurrent(lstm, 3, 2), "inductor")


# The ConvLSTM layer


def test_a_convlstm_layer_moves_with_its_picture_and_looks_no_further_than_its_kernel():
    torch.manual_seed(0)
    net = Recurrent(of("torch", "conv_lstm"), 1, 2, k=5, dtype=F64)
    assert net.W_x.shape == (8, 1, 5, 5) and net.W_x.abs().max() <= (2 * 25) ** -0.5
    xs = torch.zeros(2, 1, 1, 15, 15, dtype=F64)
    empty = net(xs)[0]
    xs[0, 0, 0, 7, 6] = 1
    hs = net(xs)[0]
    seen = (hs != empty).any(dim=2)[:, 0]
    for t, far in [(0, 2), (1, 4)]:  # two steps see twice as far
        assert {(int(y), int(x)) for y, x in seen[t].nonzero()} == {
            (y, x) for y in range(7 - far, 8 + far) for x in range(6 - far, 7 + far)
        }
    moved = net(xs.roll((1, 2), (3, 4)))[0]
    close(moved[..., 5:11, 5:11].detach(), hs.roll((1, 2), (3, 4))[..., 5:11, 5:11].detach())


# What is said when something does not fit


def test_a_layer_says_what_does_not_fit():
    net, xs = Recurrent(lstm, 3, 2), torch.zeros(4, 3, 3)
    good = net(xs)[1]
    for change, sentence in [
        ({"xs": xs[0]}, r"xs has shape \(3, 3\); it should be \(T, B, 3\)"),
        ({"xs": xs[..., :2]}, r"xs has shape \(4, 3, 2\); it should be \(T, 3, 3\)"),
        ({"xs": xs.numpy()}, r"xs is a ndarray; it should be a tensor of shape \(T, B, 3\)"),
        ({"xs": xs.double()}, "xs is torch.float64; it should be torch.float32, as the weights are"),
        ({"xs": xs.to("meta")}, "xs is on meta; it should be on cpu, as the weights are"),
        ({"state": good._replace(c=good.c.half())}, "state.c is torch.float16; it should be torch.float32"),
        ({"state": good._replace(c=good.c.to("meta"))}, "state.c is on meta; it should be on cpu, as the weights are"),
        ({"state": good._replace(h=good.h[:, :1])}, r"state.h has shape \(3, 1\); it should be \(3, 2\)"),
        ({"lengths": [4, 5, 1]}, r"lengths are \[4, 5, 1\]; they should be 3 whole numbers from 1 to 4"),
        ({"lengths": [4, 4]}, r"lengths are \[4, 4\]; they should be 3 whole numbers"),
        ({"lengths": [1.0, 2.0, 3.0]}, "they should be 3 whole numbers"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            net(**{"xs": xs, **change})
    with pytest.raises(ValueError, match=r"xs has shape \(4, 3, 3\); it should be \(T, B, 3, Y, X\)"):
        Recurrent(of("torch", "conv_lstm"), 3, 2)(xs)
    with pytest.raises(ValueError, match="state has 1 layers; it should have 2, as the net"):
        Stacked(net, Recurrent(lstm, 2, 2))(xs, (good,))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA GPU")
def test_a_gpu_that_is_not_there_is_said_in_a_sentence():
    for device in ("cuda", "cuda:1", torch.device("cuda")):
        with pytest.raises(
            ValueError, match=r"device is cuda(:1)?, but PyTorch sees 0 CUDA GPUs here; it should be cpu"
        ):
            recurrent(lstm, 3, 2, device=device)


# On a GPU


@needs_gpu
def test_inputs_on_the_cpu_for_weights_on_a_gpu_are_said_in_a_sentence():
    with pytest.raises(ValueError, match="xs is on cpu; it should be on cuda:0, as the weights are"):
        Recurrent(lstm, 3, 2, device="cuda")(torch.zeros(4, 3, 3))


@needs_gpu
@pytest.mark.parametrize("name", CELLS)
def test_a_gpu_says_what_the_cpu_says_values_and_all_gradients(name):
    q, cell = problem(of("numpy", name), 3, 3, 2), of("torch", name)
    here = NETS["stack"](cell, dtype=F64)
    there = NETS["stack"](cell, device="cuda", dtype=F64).load(here.params)
    for net in (here, there):
        hs, last = net(torch.tensor(q.xs, device=next(net.parameters()).device), lengths=LENGTHS)
        (hs.sum() + sum(a.sum() for a in leaves(last))).backward()
    for a, b in zip(there.parameters(), here.parameters(), strict=True):
        assert a.is_cuda and a.grad.is_cuda
        close(a.grad.cpu(), b.grad)


@needs_gpu
def test_autocast_on_a_gpu_stays_close_to_float32():
    net, xs = NETS["stack"](lstm, device="cuda"), torch.randn(4, 3, 3, device="cuda")
    want, _ = net(xs, lengths=LENGTHS)
    for short in (torch.bfloat16, torch.float16):
        with torch.autocast("cuda", short):
            close(net(xs, lengths=LENGTHS)[0].detach().float().cpu(), want.detach().cpu(), rtol=2e-2, atol=2e-2)
