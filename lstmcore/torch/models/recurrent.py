"""Any cell of `lstmcore.torch` and a linear readout, with the signature of the other models."""

import torch

from lstmcore.torch.models.parts import Readout, check_series, check_sizes, factory, last
from lstmcore.torch.recurrent import Recurrent


class RecurrentModel(torch.nn.Module):
    """cell: a module of `lstmcore.torch`, say lstmcore.torch.lstm. Causal."""

    def __init__(self, cell, D, K, H=32, horizon=None, device=None, dtype=None):
        super().__init__()
        check_sizes(D=D, H=H)
        kw = factory(device, dtype)
        self.D = D
        self.recurrent = Recurrent(cell, D, H, **kw)
        self.readout = Readout(H, K, horizon, **kw)

    def features(self, xs, lengths=None):
        """h after every step, (T, B, H)."""
        return self.recurrent(xs)[0]

    def forward(self, xs, lengths=None):
        lengths = check_series(self, xs, lengths)
        return self.readout(last(self.features(xs), lengths))
