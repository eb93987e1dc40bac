"""Sequence to sequence: learns to read backwards and shows where it looks; two ways of decoding are one."""

import copy

import pytest
import torch
from problems import of

from lstmcore.torch import attention, gru, lstm
from lstmcore.torch.models.seq2seq import Seq2Seq, loss
from lstmcore.torch.train import fit

F64 = torch.float64


def reversal(seed, B=32, S=6, K=6):
    """Strings of unequal lengths, and the same strings from their end; -1 is padding."""
    rng = torch.Generator().manual_seed(seed)
    lengths = torch.randint(3, S + 1, (B,), generator=rng)
    source = torch.randint(K, (S, B), generator=rng)
    t = torch.arange(S)[:, None]
    places = torch.where(t < lengths, lengths - 1 - t, -1)
    return source, torch.where(places < 0, -1, source.gather(0, places.clamp(min=0))), lengths, places


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(0)
    model, steps = Seq2Seq(lstm, 6, 6, score=attention.additive), 200
    fit(model, loss, lambda k: reversal(k)[:3], steps, lr=lambda k: 0.02 * (1 - k / steps), clip=1.0, progress=False)
    return model


def test_it_learns_to_read_backwards_and_looks_where_it_reads(trained):
    source, target, lengths, places = reversal(10**6, B=200)
    symbols, weights = trained.greedy(source, len(target), lengths)
    inside = places >= 0
    assert (symbols == target)[inside].float().mean() > 0.97
    looked = weights.argmax(dim=-1).T  # (T, B)
    assert (looked == places)[inside].float().mean() > 0.9
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(200, 6))
    hidden = torch.arange(6) >= lengths[:, None]  # (B, S)
    assert not weights.transpose(1, 2)[hidden].any()


@pytest.mark.parametrize("score", ["general", "additive"])
@pytest.mark.parametrize("cell", [gru, lstm])
def test_greedy_decoding_is_teacher_forcing_by_its_own_symbols(cell, score):
    torch.manual_seed(0)
    model = Seq2Seq(cell, 5, 4, H=6, score=getattr(attention, score), dtype=F64)
    source = torch.randint(5, (7, 3))
    symbols, looks = model.greedy(source, 4, [7, 2, 5])
    logits, weights = model(source, symbols, [7, 2, 5])
    assert torch.equal(logits.argmax(dim=-1), symbols)
    torch.testing.assert_close(looks, weights)


@pytest.mark.parametrize("name", ["rnn", "peephole", "min_gru"])
def test_padding_changes_nothing_for_any_cell(name):
    torch.manual_seed(0)
    model = Seq2Seq(of("torch", name), 6, 6, H=5, dtype=F64)
    source, target, lengths, _ = reversal(0, B=3)
    want, _ = loss(model, source, target, lengths)
    changed = torch.where(torch.arange(6)[:, None] < lengths, source, 5 - source)
    torch.testing.assert_close(loss(model, changed, target, lengths)[0], want)
    alone = [loss(model, source[:n, b : b + 1], target[:n, b : b + 1])[0] * n for b, n in enumerate(lengths)]
    torch.testing.assert_close(sum(alone) / lengths.sum(), want)


def test_no_output_depends_on_a_later_target():
    torch.manual_seed(0)
    model, (source, target, lengths, _) = Seq2Seq(lstm, 6, 6, H=5, dtype=F64), reversal(0, B=3)
    target = target.clamp(min=0)
    before = model(source, target, lengths)[0]
    target[3] = 5 - target[3]
    after = model(source, target, lengths)[0]
    assert torch.equal(after[:4], before[:4]) and not torch.equal(after[4], before[4])


def test_a_model_is_saved_and_copied(trained):
    source, _, lengths, _ = reversal(1)
    other = Seq2Seq(lstm, 6, 6, score=attention.additive)
    other.load_state_dict(trained.state_dict())
    for twin in (other, copy.deepcopy(trained)):
        assert torch.equal(twin.greedy(source, 7, lengths)[1], trained.greedy(source, 7, lengths)[1])
    assert "additive" in repr(trained)


def test_it_says_what_does_not_fit():
    model, source, target = Seq2Seq(lstm, 5, 4, H=3), torch.zeros(6, 3, dtype=int), torch.zeros(2, 3, dtype=int)
    for change, sentence in [
        ({"source": source.float()}, r"source is torch.float32 \(6, 3\); it should be a tensor \(steps, B\) of whole"),
        ({"source": source[0]}, r"source is torch.int64 \(3,\); it should be"),
        ({"source": source.tolist()}, "source is <class 'list'>; it should be a tensor"),
        ({"source": source[:0]}, r"source has shape \(0, 3\); it should have at least one step"),
        ({"source": source + 5}, "source holds 5; its symbols should be 0 to 4"),
        ({"source": source - 1}, "its symbols should be 0 to 4"),
        ({"source": source.to("meta")}, "source is on meta; it should be on cpu, as the weights"),
        ({"target": target[:, :2]}, r"target has shape \(2, 2\); it should have 3 sequences, as the source"),
        ({"target": target + 4}, "target holds 4; its symbols should be 0 to 3"),
        ({"lengths": [6, 6]}, "they should be 3 whole numbers from 1 to 6"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            model(**{"source": source, "target": target, **change})
    with pytest.raises(ValueError, match="d_q is 3 and d_k is 4; for dot they should be the same"):
        attention.Attention(attention.dot, 3, 4)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA GPU")
def test_a_gpu_that_is_not_there_is_said_in_a_sentence():
    with pytest.raises(ValueError, match="device is cuda, but PyTorch sees 0 CUDA GPUs here"):
        Seq2Seq(lstm, 5, 4, device="cuda")
    with pytest.raises(ValueError, match="device is cuda, but PyTorch sees 0 CUDA GPUs here"):
        attention.Attention(attention.additive, 3, 4, device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")
def test_on_a_gpu_it_says_what_it_says_on_the_cpu(trained):
    source, _, lengths, _ = reversal(1)
    there = copy.deepcopy(trained).cuda()
    symbols, weights = there.greedy(source.cuda(), 7, lengths.cuda())
    want, looks = trained.greedy(source, 7, lengths)
    assert torch.equal(symbols.cpu(), want)
    torch.testing.assert_close(weights.cpu(), looks, rtol=1e-3, atol=1e-4)
