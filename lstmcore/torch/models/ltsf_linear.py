"""LTSF-Linear (Zeng, Chen, Zhang & Xu, 2023): one linear layer along time, the same for every channel.

For a forecast D_out = D: each channel from its own past, T · horizon weights and horizon biases a layer. The paper has
no classes; for them the layer makes H numbers of each channel, and a linear readout takes all D · H.
"""

import torch
from torch.nn.functional import avg_pool1d, pad

from lstmcore.torch.models.parts import Readout, check_series, check_sizes, factory


class Linear(torch.nn.Module):
    """y = W x + b along time. Takes series of exactly T steps."""

    layers = 1

    def __init__(self, D, K, T, horizon=None, H=8, device=None, dtype=None):
        super().__init__()
        check_sizes(D=D, T=T, H=H, horizon=horizon)
        if horizon is not None and K != D:
            raise ValueError(f"K is {K}; it should be {D}, since each of the D channels is forecast from itself.")
        kw = factory(device, dtype)
        self.D, self.T, self.horizon = D, T, horizon
        self.along = torch.nn.ModuleList(torch.nn.Linear(T, horizon or H, **kw) for _ in range(self.layers))
        self.readout = None if horizon else Readout(D * H, K, **kw)

    def channels(self, x):
        """x (B, D, T) -> (B, D, horizon or H)."""
        return self.along[0](x)

    def forward(self, xs, lengths=None):
        lengths = check_series(self, xs, lengths)
        if len(xs) != self.T or (lengths < self.T).any():
            raise ValueError(f"xs has {len(xs)} steps, the shortest {lengths.min()}; each should have {self.T}.")
        y = self.channels(xs.permute(1, 2, 0))
        return self.readout(y.flatten(1)) if self.readout else y.permute(2, 0, 1)


class NLinear(Linear):
    """Linear on x less its last value, which a forecast adds again: a shift of a series shifts its forecast."""

    def channels(self, x):
        end = x[..., -1:]
        y = self.along[0](x - end)
        return y + end if self.horizon else y


class DLinear(Linear):
    """A Linear for the trend, a moving average, and one for what remains; their sum."""

    layers = 2

    def __init__(self, D, K, T, horizon=None, H=8, kernel_size=25, device=None, dtype=None):
        super().__init__(D, K, T, horizon, H, device, dtype)
        check_sizes(kernel_size=kernel_size)
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {kernel_size}; it should be odd, so that the average has a middle.")
        self.kernel_size = kernel_size

    def channels(self, x):
        trend = moving_average(x, self.kernel_size)
        return self.along[0](trend) + self.along[1](x - trend)


def moving_average(x, kernel_size):
    """Along the last axis, as long as x; beyond its ends x goes on with its first and its last value."""
    side = kernel_size // 2
    return avg_pool1d(pad(x, (side, side), mode="replicate"), kernel_size, stride=1)
