"""The temporal convolutional net (Bai, Kolter & Koltun, 2018, section 3): causal, dilated, residual."""

import torch
from torch.nn.functional import pad
from torch.nn.utils.parametrizations import weight_norm

from lstmcore.torch.models.parts import Readout, check_series, check_sizes, factory, last


class Block(torch.nn.Module):
    """relu(x + F(x)), where F is twice: causal convolution with weight norm, ReLU, dropout of whole channels.

    x goes through a 1×1 convolution where its width is not H.
    """

    def __init__(self, D, H, kernel_size, dilation, dropout, **kw):
        super().__init__()
        self.past = (kernel_size - 1) * dilation  # zeros before the series, none after: no output sees a later input
        self.conv1 = weight_norm(torch.nn.Conv1d(D, H, kernel_size, dilation=dilation, **kw))
        self.conv2 = weight_norm(torch.nn.Conv1d(H, H, kernel_size, dilation=dilation, **kw))
        self.dropout = torch.nn.Dropout1d(dropout)
        self.shortcut = torch.nn.Identity() if D == H else torch.nn.Conv1d(D, H, 1, **kw)

    def forward(self, x):
        h = self.dropout(torch.relu(self.conv1(pad(x, (self.past, 0)))))
        h = self.dropout(torch.relu(self.conv2(pad(h, (self.past, 0)))))
        return torch.relu(self.shortcut(x) + h)


class TCN(torch.nn.Module):
    """num_layers blocks with dilations 1, 2, 4, …: what stands at t sees the last `receptive_field` inputs."""

    def __init__(self, D, K, H=32, horizon=None, num_layers=4, kernel_size=3, dropout=0.0, device=None, dtype=None):
        super().__init__()
        check_sizes(D=D, H=H, num_layers=num_layers, kernel_size=kernel_size)
        kw = factory(device, dtype)
        self.D = D
        self.blocks = torch.nn.Sequential(
            *(Block(H if n else D, H, kernel_size, 2**n, dropout, **kw) for n in range(num_layers))
        )
        self.receptive_field = 1 + 2 * (kernel_size - 1) * (2**num_layers - 1)
        self.readout = Readout(H, K, horizon, **kw)

    def features(self, xs, lengths=None):
        """(T, B, H)."""
        return self.blocks(xs.permute(1, 2, 0)).permute(2, 0, 1)

    def forward(self, xs, lengths=None):
        lengths = check_series(self, xs, lengths)
        return self.readout(last(self.features(xs), lengths))
