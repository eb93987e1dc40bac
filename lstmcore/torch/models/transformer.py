"""The Transformer's encoder for series (Vaswani et al., 2017), on torch.nn.TransformerEncoder."""

import torch

from lstmcore.torch.models.parts import Readout, check_series, check_sizes, factory, last, valid


class Transformer(torch.nn.Module):
    """x through a linear layer to width H, plus the position's encoding, through num_layers of attention.

    causal: a step attends to itself and to earlier ones alone. The readout takes the last, which sees all either way.
    """

    def __init__(
        self, D, K, H=32, horizon=None, num_layers=2, num_heads=4, dropout=0.0, causal=False, device=None, dtype=None
    ):
        super().__init__()
        check_sizes(D=D, H=H, num_layers=num_layers, num_heads=num_heads)
        if H % num_heads or H % 2:
            raise ValueError(f"H is {H}; it should be even and a multiple of num_heads, which is {num_heads}.")
        kw = factory(device, dtype)
        self.D, self.causal = D, causal
        self.embed = torch.nn.Linear(D, H, **kw)
        layer = torch.nn.TransformerEncoderLayer(H, num_heads, 4 * H, dropout, **kw)
        self.encoder = torch.nn.TransformerEncoder(layer, num_layers, enable_nested_tensor=False)
        self.readout = Readout(H, K, horizon, **kw)

    def features(self, xs, lengths):
        """(T, B, H)."""
        T = len(xs)
        h = self.embed(xs)
        h = h + positions(T, h.shape[2]).to(h)[:, None]
        later = torch.ones(T, T, dtype=torch.bool, device=xs.device).triu(1) if self.causal else None
        return self.encoder(h, later, ~valid(xs, lengths).T, is_causal=self.causal)

    def forward(self, xs, lengths=None):
        lengths = check_series(self, xs, lengths)
        return self.readout(last(self.features(xs, lengths), lengths))


def positions(T, H):
    """(T, H), float64: sin(t ω) in even columns, cos(t ω) in odd, ω = 10000^(-2k/H) for pair k (section 3.5)."""
    angle = torch.arange(T, dtype=torch.float64)[:, None] * 10000.0 ** (-torch.arange(0, H, 2, dtype=torch.float64) / H)
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)
