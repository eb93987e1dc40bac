"""lstmcore.numpy.layers: what torch.nn says of stacks, directions and packed sequences; each sequence run alone."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from problems import of, problem
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lstmcore import convert
from lstmcore.gradcheck import gradcheck, loss_gradcheck, numeric
from lstmcore.numpy import layers, lstm, model
from lstmcore.numpy.bptt import scan_backward
from lstmcore.scan import scan
from lstmcore.tree import leaves, tree_map


def close(got, want):
    assert_allclose(got, want, rtol=1e-10, atol=1e-12)


def random_like(tree, rng):
    return tree_map(lambda a: rng.normal(size=a.shape), tree)


def net(kind, D, H, num_layers, both, seed):
    """A torch.nn module, our weights for it, and how its (layer and direction) order becomes our tree."""
    torch.manual_seed(seed)
    oracle = getattr(torch.nn, kind)(D, H, num_layers=num_layers, bidirectional=both, dtype=torch.float64)
    p = [[convert.from_torch(oracle, k, r) for r in ([False, True] if both else [False])] for k in range(num_layers)]
    return oracle, tuple(layers.Directions(*one) if both else one[0] for one in p)


@settings(max_examples=12, deadline=None)
@given(
    kind=st.sampled_from(["RNN", "LSTM", "GRU"]),
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 4)),
    num_layers=st.integers(1, 3),
    both=st.booleans(),
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=4),
)
def test_stacked_bidirectional_padded_is_what_torch_says_values_and_all_gradients(
    kind, sizes, num_layers, both, lengths
):
    (D, H), B, T, cell = sizes, len(lengths), max(lengths), of("numpy", kind.lower())
    rng = np.random.default_rng(T)
    oracle, p = net(kind, D, H, num_layers, both, T)
    xs = rng.normal(size=(T, B, D))
    parts = len(cell.State._fields)
    start = rng.normal(size=(parts, num_layers * (2 if both else 1), B, H))
    every = [cell.State(*start[:, k]) for k in range(start.shape[1])]
    state = tuple(layers.Directions(*every[2 * k : 2 * k + 2]) if both else every[k] for k in range(num_layers))

    hs, last, cache = layers.forward(cell, p, state, xs, lengths)
    dhs, dlast = rng.normal(size=hs.shape), random_like(last, rng)
    dp, dstate, dxs = layers.backward(cell, p, cache, dhs, dlast)

    x, h = torch.tensor(xs, requires_grad=True), [torch.tensor(s, requires_grad=True) for s in start]
    packed = pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    out, end = oracle(packed, tuple(h) if parts == 2 else h[0])
    out, end = pad_packed_sequence(out)[0], end if parts == 2 else (end,)
    dend = [np.stack([s[k] for s in states_of(dlast)]) for k in range(parts)]
    loss = (out * torch.tensor(dhs)).sum() + sum((e * torch.tensor(d)).sum() for e, d in zip(end, dend, strict=True))
    loss.backward()

    close(hs, out.detach())
    close(dxs, x.grad)
    for k in range(parts):
        close(np.stack([s[k] for s in states_of(last)]), end[k].detach())
        close(np.stack([s[k] for s in states_of(dstate)]), h[k].grad)
    grads = copy.deepcopy(oracle)
    for mine, theirs in zip(grads.parameters(), oracle.parameters(), strict=True):
        mine.data = theirs.grad
    for layer, dp_l in enumerate(dp):
        for reverse, got in enumerate(dp_l if both else [dp_l]):
            want = convert.from_torch(grads, layer, bool(reverse))  # its b is the sum of both gradients: twice ours
            close(got.W_x, want.W_x)
            close(got.W_h, want.W_h)
            H3 = 2 * H if kind == "GRU" else len(got.b)
            close(2 * got.b[:H3], want.b[:H3])
            close(got.b[H3:], want.b[H3:])
            if kind == "GRU":
                close(got.b_hn, want.b_hn)


def states_of(tree):
    """The States of a net, in torch.nn's order of layers and directions."""
    if hasattr(tree, "h"):
        return [tree]
    return [state for branch in tree for state in states_of(branch)]


@pytest.mark.parametrize("structure", ["one", "both", "stack"])
def test_padded_sequences_are_each_sequence_alone_gradients_too(cell, structure):
    """Whatever stands in the padding: here it is nan."""
    lengths, H = np.array([4, 1, 3]), 2
    q = problem(cell, 3, 3, H)
    p, state = q.p, q.state
    if structure != "one":
        p, state = layers.Directions(p, random_like(p, q.rng)), layers.Directions(state, random_like(state, q.rng))
    if structure == "stack":
        top = layers.Directions(*(random_like(a, q.rng) for a in [problem(cell, 3, 2 * H, H).p] * 2))
        p, state = (p, top), (state, random_like(state, q.rng))
    padded = q.xs.copy()
    padded[np.arange(4)[:, None] >= lengths] = np.nan
    hs, last, cache = layers.forward(cell, p, state, padded, lengths)
    dhs, dlast = q.rng.normal(size=hs.shape), random_like(last, q.rng)
    dp, dstate, dxs = layers.backward(cell, p, cache, dhs, dlast)

    total = tree_map(np.zeros_like, p)
    for b, n in enumerate(lengths):
        alone = slice(b, b + 1)
        pick = lambda tree, alone=alone: tree_map(lambda a: a[alone], tree)  # noqa: E731
        hs_b, last_b, cache_b = layers.forward(cell, p, pick(state), q.xs[:n, alone])
        dp_b, dstate_b, dxs_b = layers.backward(cell, p, cache_b, dhs[:n, alone], pick(dlast))
        close(hs[:n, alone], hs_b)
        close(dxs[:n, alone], dxs_b)
        assert not hs[n:, b].any() and not dxs[n:, b].any()
        for got, want in zip(leaves((pick(last), pick(dstate))), leaves((last_b, dstate_b)), strict=True):
            close(got, want)
        total = tree_map(np.add, total, dp_b)
    for got, want in zip(leaves(dp), leaves(total), strict=True):
        close(got, want)


def test_without_lengths_one_layer_is_scan_and_scan_backward(cell):
    q = problem(cell, 2, 3, 4)
    hs, last, cache = layers.forward(cell, q.p, q.state, q.xs)
    states = scan(cell.step, q.p, q.state, q.xs)
    assert_array_equal(hs, np.stack([s.h for s in states[1:]]))
    dhs = q.rng.normal(size=hs.shape)
    got = layers.backward(cell, q.p, cache, dhs)
    want = scan_backward(cell.step_backward, q.p, states, q.xs, dhs)
    for a, b in zip(leaves((last, *got)), leaves((states[-1], *want)), strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("lengths", [None, [4, 1, 3]])
def test_a_fast_cell_makes_the_same_stack_and_the_same_model(name, lengths):
    plain, fast = of("numpy", name), of("numpy", f"{name}_fast")
    q = problem(plain, 3, 3, 2)
    p = layers.init(plain, 3, 2, q.rng, layers=2, both=True, dtype=np.float64)
    dhs, got = q.rng.normal(size=(4, 3, 4)), []
    for cell in (plain, fast):
        hs, last, cache = layers.forward(cell, p, None, q.xs, lengths)
        got.append((hs, *layers.backward(cell, p, cache, dhs)))
        got[-1] += tuple(leaves(last)) if lengths is None else ()
    for a, b in zip(leaves(got[0]), leaves(got[1]), strict=True):
        close(b, a)
    if lengths:
        with pytest.raises(ValueError, match="dlast was given for unequal lengths; a fast cell has no last state"):
            layers.one_backward(fast, q.p, layers.one(fast, q.p, None, q.xs, lengths)[2], dhs[..., :2], q.state)

    m = model.init(plain, 3, 2, 4, q.rng, np.float64)
    for target in (np.array([3, 0, 1]), np.array([[3, 0, 1]] * 4)):
        results = [model.loss(cell, m, q.xs, target, lengths) for cell in (plain, fast)]
        for a, b in zip(*map(leaves, results), strict=True):
            close(b, a)


@pytest.mark.parametrize("on", [[True, False, True], [False, False, False]])
def test_the_gradient_of_a_masked_step_is_what_central_differences_say(cell, on):
    q = problem(cell, 3, 2, 2)
    on = np.array(on)
    step, back = layers.masked(cell.step, on), layers.masked_backward(cell.step_backward, on)
    gradcheck(step, back, q.p, q.state, q.xs[0])


def test_a_stacks_gradient_is_what_central_differences_say():
    rng = np.random.default_rng(0)
    p = layers.init(lstm, 3, 2, rng, layers=2, both=True, dtype=np.float64)
    xs, lengths = rng.normal(size=(4, 2, 3)), [2, 4]
    hs, _, cache = layers.forward(lstm, p, None, xs, lengths)
    dhs = rng.normal(size=hs.shape)
    dp, _, dxs = layers.backward(lstm, p, cache, dhs)
    loss_gradcheck(lambda p: (np.sum(dhs * layers.forward(lstm, p, None, xs, lengths)[0]), dp), p)
    want = numeric(lambda x: np.sum(dhs * layers.forward(lstm, p, None, x, lengths)[0]), xs)
    assert_allclose(dxs, want, rtol=1e-6, atol=1e-8)


def test_flip_reverses_each_sequence_within_its_own_length_and_is_its_own_inverse():
    xs = np.array([[1, 5, 8], [2, 6, 0], [3, 0, 0]])[..., None]
    lengths = [3, 2, 1]
    assert layers.flip(xs, lengths)[..., 0].tolist() == [[3, 6, 8], [2, 5, 0], [1, 0, 0]]
    assert_array_equal(layers.flip(layers.flip(xs, lengths), lengths), xs)
    assert_array_equal(layers.flip(xs)[..., 0], [[3, 0, 0], [2, 6, 0], [1, 5, 8]])


def test_a_stack_keeps_float32_and_changes_no_input(cell):
    q = problem(cell, 2, 3, 4, dtype=np.float32)
    p = layers.init(cell, 3, 4, q.rng, layers=2, both=True)
    for array in (q.xs, *leaves(p)):
        array.flags.writeable = False
    hs, last, cache = layers.forward(cell, p, None, q.xs, [4, 2])
    grads = layers.backward(cell, p, cache, np.ones_like(hs), last)
    assert {a.dtype for a in leaves((hs, last, grads))} == {np.dtype(np.float32)}


def test_layers_say_what_is_wrong():
    q = problem(lstm, 3, 2, 4)
    for lengths in ([4, 5, 1], [4, 0, 1], [4, 4], [1.0, 2.0, 3.0]):
        with pytest.raises(ValueError, match=r"they should be 3 whole numbers from 1 to 4"):
            layers.forward(lstm, q.p, q.state, q.xs, lengths)
    with pytest.raises(ValueError, match=r"xs has shape \(3, 2\); it should be \(T, B, 2\)"):
        layers.forward(lstm, q.p, None, q.xs[0])
    with pytest.raises(ValueError, match=r"xs has shape \(4, 3, 1\); it should be \(T, 3, 2\)"):
        layers.forward(lstm, (q.p,), None, q.xs[..., :1])
    with pytest.raises(ValueError, match="an empty sequence"):
        layers.forward(lstm, q.p, None, q.xs[:0])
    with pytest.raises(ValueError, match="state has 1 layers; it should have 2, as p"):
        layers.forward(lstm, (q.p, q.p), (q.state,), q.xs)
