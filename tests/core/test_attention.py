"""Attention in NumPy and PyTorch: torch's own for the scaled score, autograd of the formulas, central differences."""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lstmcore.gradcheck import numeric
from lstmcore.numpy import attention
from lstmcore.torch import attention as torch_attention
from lstmcore.tree import leaves, tree_map, unflatten

# For one query and one key, as the papers print them.
FORMULAS = {
    "dot": lambda p, q, k: q @ k,
    "scaled": lambda p, q, k: q @ k / len(q) ** 0.5,
    "general": lambda p, q, k: q @ p.W @ k,
    "additive": lambda p, q, k: p.v @ torch.tanh(p.W_q @ q + p.W_k @ k),
}
SCORES = pytest.mark.parametrize("score", list(FORMULAS))


def close(got, want):
    assert_allclose(got, want, rtol=1e-10, atol=1e-12)


def problem(score, Q=2, S=5, B=3, d=4, V=6, dtype=np.float64):
    rng = np.random.default_rng(0)
    shapes = {"general": attention.General.shapes(3, d), "additive": attention.Additive.shapes(3, d, 7)}.get(score)
    p = type(shapes)(*(rng.normal(size=shape).astype(dtype) for shape in shapes)) if shapes else ()
    sizes = [(Q, B, 3 if shapes else d), (S, B, d), (S, B, V)]
    q, keys, values = (rng.normal(size=size).astype(dtype) for size in sizes)
    mask = rng.random((B, Q, S)) < 0.6
    mask[..., 0] = True
    return SimpleNamespace(args=(p, q, keys, values), mask=mask, dcontext=rng.normal(size=(Q, B, V)).astype(dtype))


def backward(score, a, mask):
    _, weights = attention.attend(getattr(attention, score), *a.args, mask)
    return attention.attend_backward(getattr(attention, f"{score}_backward"), *a.args, weights, a.dcontext)


def by_the_formula(score, p, q, keys, values, mask):
    """Query by query, softmax by its definition over the places that the mask leaves."""
    context, weights = [], torch.zeros(mask.shape, dtype=q.dtype)
    for i in range(len(q)):
        for b in range(q.shape[1]):
            seen = [s for s in range(len(keys)) if mask[b, i, s]]
            e = torch.exp(torch.stack([FORMULAS[score](p, q[i, b], keys[s, b]) for s in seen]))
            weights[b, i, seen] = (e / e.sum()).detach()
            context.append(sum(w * values[s, b] for w, s in zip(e / e.sum(), seen, strict=True)))
    return torch.stack(context).reshape(*q.shape[:2], -1), weights


@pytest.mark.parametrize("masks", [False, True])
@SCORES
def test_attention_is_what_the_papers_formula_says_values_and_all_gradients(score, masks):
    a = problem(score)
    mask = a.mask if masks else np.ones_like(a.mask)
    context, weights = attention.attend(getattr(attention, score), *a.args, mask if masks else None)
    args = tree_map(lambda v: torch.tensor(v, requires_grad=True), a.args)
    want, want_weights = by_the_formula(score, *args, mask)
    (want * torch.tensor(a.dcontext)).sum().backward()
    close(context, want.detach())
    close(weights, want_weights)
    for got, arg in zip(leaves(backward(score, a, mask if masks else None)), leaves(args), strict=True):
        close(got, arg.grad)


@settings(max_examples=15, deadline=None)
@given(sizes=st.tuples(*[st.integers(1, 5)] * 5), causal=st.booleans())
def test_the_scaled_score_is_torchs_scaled_dot_product_attention(sizes, causal):
    Q, S, B, d, V = sizes
    a = problem("scaled", Q, S, B, d, V)
    mask = np.tri(Q, S, dtype=bool) if causal else a.mask
    _, q, keys, values = tree_map(lambda v: torch.tensor(v, requires_grad=True), a.args)
    want = torch.nn.functional.scaled_dot_product_attention(
        *(x.transpose(0, 1) for x in (q, keys, values)), attn_mask=torch.tensor(mask)
    ).transpose(0, 1)
    (want * torch.tensor(a.dcontext)).sum().backward()
    context, _ = attention.attend(attention.scaled, *a.args, mask)
    close(context, want.detach())
    for got, arg in zip(leaves(backward("scaled", a, mask)), [q, keys, values], strict=True):
        close(got, arg.grad)


@SCORES
def test_attentions_gradient_is_what_central_differences_say(score):
    a = problem(score, Q=2, S=3, B=2, d=2, V=2)
    values = leaves(a.args)
    for k, got in enumerate(leaves(backward(score, a, a.mask))):

        def loss(v, k=k):
            changed = unflatten(a.args, [*values[:k], v, *values[k + 1 :]])
            return np.sum(a.dcontext * attention.attend(getattr(attention, score), *changed, a.mask)[0])

        assert_allclose(got, numeric(loss, values[k]), rtol=1e-5, atol=1e-8)


@SCORES
def test_the_twins_agree_and_are_the_same_text(score):
    a = problem(score)
    context, weights = attention.attend(getattr(attention, score), *a.args, a.mask)
    args = tree_map(torch.tensor, a.args)
    got, got_weights = torch_attention.attend(getattr(torch_attention, score), *args, torch.tensor(a.mask))
    close(got, context)
    close(got_weights, weights)
    for name in (score, "attend", "masked_softmax"):
        ours = inspect.getsource(getattr(attention, name)).replace("np.", "torch.").replace("s.max(", "s.amax(")
        assert ours == inspect.getsource(getattr(torch_attention, name))


@SCORES
def test_a_query_that_may_look_nowhere_gets_zeros_and_sends_no_gradient(score):
    a = problem(score)
    a.mask[1, 0] = False
    context, weights = attention.attend(getattr(attention, score), *a.args, a.mask)
    assert not context[0, 1].any() and not weights[1, 0].any() and context[1, 1].all()
    _, dq, _, _ = backward(score, a, a.mask)
    assert not dq[0, 1].any() and dq[1, 1].any()
    args = tree_map(lambda v: torch.tensor(v, requires_grad=True), a.args)
    torch_attention.attend(getattr(torch_attention, score), *args, torch.tensor(a.mask))[0].sum().backward()
    assert all(torch.isfinite(arg.grad).all() for arg in leaves(args)) and not args[1].grad[0, 1].any()


@SCORES
def test_what_stands_under_the_mask_changes_nothing(score):
    a = problem(score)
    mask = np.arange(5) < np.array([5, 2, 3])[:, None, None]  # (B, 1, S): the lengths of three sequences
    context, _ = attention.attend(getattr(attention, score), *a.args, mask)
    p, q, keys, values = a.args
    hidden = ~mask[:, 0].T
    keys, values = np.where(hidden[..., None], 99.0, keys), np.where(hidden[..., None], -99.0, values)
    close(attention.attend(getattr(attention, score), p, q, keys, values, mask)[0], context)


@SCORES
def test_attention_keeps_float32_and_saturates_without_a_warning(score):
    a = problem(score, dtype=np.float32)
    p, q, keys, values = a.args
    a.args = (p, 1000 * q, 1000 * keys, values)
    context, weights = attention.attend(getattr(attention, score), *a.args, a.mask)
    grads = leaves((context, weights, backward(score, a, a.mask)))
    assert {g.dtype for g in grads} == {np.dtype(np.float32)} and all(np.isfinite(g).all() for g in grads)
    assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)


@pytest.mark.parametrize("library", [attention, torch_attention])
def test_attention_says_what_does_not_fit(library):
    make = np.zeros if library is attention else torch.zeros
    for shapes, sentence in [
        ([(2, 3), (5, 3, 4), (5, 3, 6)], r"q has shape \(2, 3\); it should be \(steps, 3, features\)"),
        ([(2, 1, 4), (5, 3, 4), (5, 3, 6)], r"q has shape \(2, 1, 4\); it should be \(steps, 3, features\)"),
        ([(2, 3, 4), (5, 3, 4), (4, 3, 6)], "there are 5 keys and 4 values; there should be as many"),
        ([(2, 3, 4), (0, 3, 4), (0, 3, 6)], "there are 0 keys and 0 values; there should be as many, at least one"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            library.attend(library.dot, (), *map(make, shapes))
    q, keys, values = map(make, [(2, 3, 4), (5, 3, 4), (5, 3, 6)])
    half = values.astype(np.float16) if library is attention else values.half()
    with pytest.raises(ValueError, match="values has dtype .*float16; it should be .*float"):
        library.attend(library.dot, (), q, keys, half)
    with pytest.raises(ValueError, match=r"mask is .*float\d\d on cpu; it should be bool on cpu"):
        library.attend(library.dot, (), q, keys, values, make((3, 2, 5)))


def test_attention_says_which_device_is_wrong():
    q, keys, values = (torch.zeros(shape) for shape in [(2, 3, 4), (5, 3, 4), (5, 3, 6)])
    with pytest.raises(ValueError, match="values has device meta; it should be cpu, as the keys"):
        torch_attention.attend(torch_attention.dot, (), q, keys, values.to("meta"))
    with pytest.raises(ValueError, match="mask is torch.bool on meta; it should be bool on cpu"):
        torch_attention.attend(torch_attention.dot, (), q, keys, values, torch.ones(3, 2, 5, dtype=bool, device="meta"))
