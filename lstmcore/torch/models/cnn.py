"""The 1D convolutional net: filters that slide along time, then an average over all steps."""

import torch

from lstmcore.torch.models.parts import Readout, check_series, check_sizes, factory, last, valid


class CNN(torch.nn.Module):
    """num_layers times convolution (zeros around the series, as many steps out as in), ReLU, dropout.

    A feature at t sees num_layers · (kernel_size - 1) / 2 steps to either side: not causal. The readout takes each
    feature's mean over time, which says whether something occurred anywhere, beside its last value, which says where
    the series stands: classes need the one, forecasts the other.
    """

    def __init__(self, D, K, H=32, horizon=None, num_layers=3, kernel_size=5, dropout=0.0, device=None, dtype=None):
        super().__init__()
        check_sizes(D=D, H=H, num_layers=num_layers, kernel_size=kernel_size)
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {kernel_size}; it should be odd, so that a filter has a middle.")
        kw = factory(device, dtype)
        self.D = D
        self.convs = torch.nn.ModuleList(
            torch.nn.Conv1d(H if layer else D, H, kernel_size, padding="same", **kw) for layer in range(num_layers)
        )
        self.dropout = torch.nn.Dropout(dropout)
        self.readout = Readout(2 * H, K, horizon, **kw)

    def features(self, xs, lengths):
        """(T, B, H), zero in the padding, so that a longer padding is no other series."""
        inside = valid(xs, lengths).T[:, None]  # (B, 1, T)
        h = xs.permute(1, 2, 0) * inside
        for conv in self.convs:
            h = self.dropout(torch.relu(conv(h))) * inside
        return h.permute(2, 0, 1)

    def forward(self, xs, lengths=None):
        lengths = check_series(self, xs, lengths)
        hs = self.features(xs, lengths)
        mean = hs.sum(dim=0) / lengths[:, None]
        return self.readout(torch.cat([mean, last(hs, lengths)], dim=1))
