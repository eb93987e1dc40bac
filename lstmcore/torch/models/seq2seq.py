"""Sequence to sequence with attention.

    encoder    keys = [ahead; back], both readers' h        Bahdanau, Cho & Bengio (2015), section 3.2
    decoder    h = cell over the target so far, from the state in which the reader from the end stopped
    context, weights = attend(h, keys, keys)                where each output looks in the source
    logits = W_s tanh(W_c [context; h])                     Luong, Pham & Manning (2015), eq. 5 and 6

A reader in one direction would do, but its h still knows the symbol before: the weights may then point one place off.
"""

import torch

from lstmcore.torch.attention import Attention, general
from lstmcore.torch.layers import Bidirectional, mask
from lstmcore.torch.models.parts import check_sizes, factory
from lstmcore.torch.recurrent import Recurrent


class Seq2Seq(torch.nn.Module):
    """cell: a module of `lstmcore.torch`. D source symbols and K target symbols, numbered from 0.

    model(source, target, lengths=None)         teacher forcing -> logits (T, B, K), weights (B, T, S)
    model.greedy(source, steps, lengths=None)   -> symbols (steps, B), weights (B, steps, S)

    source (S, B) and target (T, B) hold symbols, lengths (B,) those of padded sources. The target is what should come
    out: it is moved on by one step here, behind a start symbol. Where it is negative it is padding: see `loss`.
    """

    def __init__(self, cell, D, K, H=32, score=general, device=None, dtype=None):
        super().__init__()
        check_sizes(D=D, K=K, H=H)
        kw = factory(device, dtype)
        self.D, self.K = D, K
        self.source, self.target = torch.nn.Embedding(D, H, **kw), torch.nn.Embedding(K + 1, H, **kw)  # K: the start
        self.encoder = Bidirectional(Recurrent(cell, H, H, **kw), Recurrent(cell, H, H, **kw))
        self.decoder, self.attention = Recurrent(cell, H, H, **kw), Attention(score, H, 2 * H, **kw)
        self.W_c, self.W_s = torch.nn.Linear(3 * H, H, bias=False, **kw), torch.nn.Linear(H, K, bias=False, **kw)

    def forward(self, source, target, lengths=None):
        keys, state, seen = self.encode(source, lengths)
        self.check("target", target, self.K, source.shape[1])
        start = torch.full_like(target[:1], self.K)
        logits, weights, _ = self.decode(torch.cat([start, target[:-1].clamp(min=0)]), keys, state, seen)
        return logits, weights

    @torch.no_grad()
    def greedy(self, source, steps, lengths=None):
        """The likeliest symbol at every step, given those before. A symbol that ends a sequence is for the caller."""
        check_sizes(steps=steps)
        keys, state, seen = self.encode(source, lengths)
        symbol, symbols, looks = torch.full_like(source[:1], self.K), [], []
        for _ in range(steps):
            logits, weights, state = self.decode(symbol, keys, state, seen)
            symbol = logits.argmax(dim=-1)
            symbols.append(symbol)
            looks.append(weights)
        return torch.cat(symbols), torch.cat(looks, dim=1)

    def encode(self, source, lengths):
        """-> keys (S, B, H), state, which keys may be looked at (B, 1, S)."""
        self.check("source", source, self.D)
        keys, last = self.encoder(self.source(source), lengths=lengths)
        return keys, last.back, mask(lengths, *source.shape, source.device).T[:, None]

    def decode(self, symbols, keys, state, seen):
        """Outputs for inputs (T, B) that start in `state`: logits, weights, last state."""
        hs, state = self.decoder(self.target(symbols), state)
        context, weights = self.attention(hs, keys, keys, seen)
        return self.W_s(torch.tanh(self.W_c(torch.cat([context, hs], dim=-1)))), weights, state

    def check(self, name, symbols, K, B=None):
        """ValueError, a sentence, unless these are symbols (steps, B) below K on the weights' device."""
        if not isinstance(symbols, torch.Tensor) or symbols.is_floating_point() or symbols.ndim != 2:
            got = f"{symbols.dtype} {tuple(symbols.shape)}" if isinstance(symbols, torch.Tensor) else type(symbols)
            raise ValueError(f"{name} is {got}; it should be a tensor (steps, B) of whole numbers.")
        if 0 in symbols.shape or B not in (None, symbols.shape[1]):
            want = "at least one step and one sequence" if B is None else f"{B} sequences, as the source"
            raise ValueError(f"{name} has shape {tuple(symbols.shape)}; it should have {want}.")
        if symbols.device != self.W_s.weight.device:
            raise ValueError(
                f"{name} is on {symbols.device}; it should be on {self.W_s.weight.device}, as the weights."
            )
        if symbols.max() >= K or (name == "source" and symbols.min() < 0):
            raise ValueError(f"{name} holds {symbols.max()}; its symbols should be 0 to {K - 1}.")


def loss(model, source, target, lengths=None):
    """Mean cross-entropy over the target's symbols, without those that are negative: padding -> loss, logits."""
    logits, _ = model(source, target, lengths)
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), target.clamp(min=-1).flatten(), ignore_index=-1
    ), logits
