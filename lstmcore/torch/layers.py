"""Unequal lengths, both directions and several layers in PyTorch: the masks of `lstmcore.numpy.layers`, and modules.

Any layer here is called alike, Recurrent too:

    hs, last = layer(xs, state=None, lengths=None)

xs (T, B, D), lengths (B,) of sequences that were padded at their end. hs is zero in the padding, and last is each
sequence's state at its own end, as in torch's PackedSequence. Weights and states have the structure of lstmcore.numpy.
"""

import torch

from lstmcore.numpy.layers import Directions
from lstmcore.tree import tree_map


class Bidirectional(torch.nn.Module):
    """Two layers, one of which reads from each sequence's end; their hs side by side: (T, B, 2H)."""

    def __init__(self, ahead, back):
        super().__init__()
        self.ahead, self.back = ahead, back

    @property
    def params(self):
        return Directions(self.ahead.params, self.back.params)

    def load(self, p):
        self.ahead.load(p.ahead)
        self.back.load(p.back)
        return self

    def forward(self, xs, state=None, lengths=None):
        state = state or Directions(None, None)
        ahead, last_ahead = self.ahead(xs, state.ahead, lengths)
        back, last_back = self.back(flip(xs, lengths), state.back, lengths)
        return torch.cat([ahead, flip(back, lengths)], axis=2), Directions(last_ahead, last_back)


class Stacked(torch.nn.Module):
    """Layers on top of each other: the hs of one are the xs of the next."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = torch.nn.ModuleList(layers)

    @property
    def params(self):
        return tuple(layer.params for layer in self.layers)

    def load(self, p):
        for layer, p_l in zip(self.layers, p, strict=True):
            layer.load(p_l)
        return self

    def forward(self, xs, state=None, lengths=None):
        state = state or [None] * len(self.layers)
        if len(state) != len(self.layers):
            raise ValueError(f"state has {len(state)} layers; it should have {len(self.layers)}, as the net.")
        lasts = []
        for layer, state_l in zip(self.layers, state, strict=True):
            xs, last = layer(xs, state_l, lengths)
            lasts.append(last)
        return xs, tuple(lasts)


def masked(step, on):
    """A step that leaves the state of a finished sequence as it is: on (B,) is True for those that still run."""

    def masked_step(p, state, x):
        new = step(p, state, where(on, x, 0))  # 0: the padding may hold anything, and 0 · nan is not 0 on the way back
        return tree_map(lambda a, old: where(on, a, old), new, state)

    return masked_step


def mask(lengths, T, B, device=None):
    """(T, B), True where a sequence still runs; all of it for lengths None. ValueError if lengths are not 1 … T."""
    if lengths is None:
        return torch.ones((T, B), dtype=bool, device=device)
    lengths = torch.as_tensor(lengths, device=device)
    whole = lengths.shape == (B,) and not lengths.is_floating_point()
    if not whole or lengths.min() < 1 or lengths.max() > T:
        raise ValueError(f"lengths are {lengths.tolist()}; they should be {B} whole numbers from 1 to {T}.")
    return torch.arange(T, device=device)[:, None] < lengths


def flip(xs, lengths=None):
    """Each sequence from its own end to its beginning; the padding stays where it is. Its own inverse."""
    if lengths is None:
        return xs.flip(0)
    T, B = xs.shape[:2]
    t = torch.arange(T, device=xs.device)[:, None]
    back = torch.as_tensor(lengths, device=xs.device) - 1 - t
    return xs[torch.where(mask(lengths, T, B, xs.device), back, t), torch.arange(B, device=xs.device)]


def where(on, a, otherwise):
    """a for the sequences that are on, `otherwise` for the others. on has the first axes of a."""
    return torch.where(on.reshape(on.shape + (1,) * (a.ndim - on.ndim)), a, otherwise)


def blank(on, xs):
    """xs (T, B, …) with zeros in the padding; as it is if on, (T, B), is None."""
    return xs if on is None else where(on, xs, 0)
