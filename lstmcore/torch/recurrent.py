"""Any cell as a module: `Recurrent(lstm, D, H)` owns the weights and runs the step over a sequence."""

import math

import torch

from lstmcore.cells import sizes
from lstmcore.scan import check_sequence
from lstmcore.torch.layers import Bidirectional, Stacked, blank, mask, masked


class Recurrent(torch.nn.Module):
    """cell: a module of `lstmcore.torch`, say `lstmcore.torch.lstm`. Its parameters are named as in Params._fields.

        hs, last = layer(xs, state=None, lengths=None)

    xs (T, B, D), state or None for zeros, lengths (B,) or None (`lstmcore.torch.layers`) -> hs (T, B, H), last state.
    Weights start uniform(±1/√H). With conv_lstm xs is (T, B, D, Y, X), k=5 or so goes to its Params.shapes, and weights
    start uniform(±1/√(H k²)). ValueError if an argument does not fit the weights in shape, dtype or device.
    """

    def __init__(self, cell, D, H, device=None, dtype=None, **shape):
        super().__init__()
        if D < 1 or H < 1:
            raise ValueError(f"D is {D} and H is {H}; both should be at least 1.")
        self.step, self.Params, self.State = cell.step, cell.Params, cell.State  # functions and classes can be pickled
        shapes = cell.Params.shapes(D, H, **shape)
        most = (H * math.prod(shapes.W_x[2:])) ** -0.5
        for name, size in shapes._asdict().items():
            tensor = torch.empty(size, device=usable(device), dtype=dtype).uniform_(-most, most)
            self.register_parameter(name, torch.nn.Parameter(tensor))

    @property
    def params(self):
        return self.Params(*(getattr(self, name) for name in self.Params._fields))

    def load(self, p):
        """Take over Params of NumPy arrays or tensors, as `convert.from_torch` gives them."""
        with torch.no_grad():
            for mine, new in zip(self.params, p, strict=True):
                if tuple(mine.shape) != tuple(new.shape):
                    raise ValueError(f"a weight has shape {tuple(new.shape)}; it should be {tuple(mine.shape)}.")
                mine.copy_(torch.as_tensor(new))
        return self

    def forward(self, xs, state=None, lengths=None):
        xs = self.checked(xs)
        if state is None:
            zeros = xs.new_zeros(xs.shape[1], sizes(self.params)[1], *xs.shape[3:])
            state = self.State(*(zeros for _ in self.State._fields))
        p, on = self.params, None if lengths is None else mask(lengths, *xs.shape[:2], xs.device)
        check_sequence(p, state, xs)
        for name, part in zip(state._fields, state, strict=True):
            same_device(f"state.{name}", part, p.W_x)
        hs = []
        for t, x in enumerate(xs):
            step = self.step if on is None else masked(self.step, on[t])
            state = step(p, state, x)
            hs.append(state.h)
        return blank(on, torch.stack(hs)), state

    def checked(self, xs):
        """xs; under autocast in the weights' dtype, since what is below may have answered in the short one."""
        want = f"(T, B, {self.W_x.shape[1]}{', Y, X' if self.W_x.ndim == 4 else ''})"
        if not isinstance(xs, torch.Tensor):
            raise ValueError(f"xs is a {type(xs).__name__}; it should be a tensor of shape {want}.")
        if xs.ndim != self.W_x.ndim + 1:
            raise ValueError(f"xs has shape {tuple(xs.shape)}; it should be {want}.")
        same_device("xs", xs, self.W_x)
        return xs.to(self.W_x.dtype) if torch.is_autocast_enabled(xs.device.type) else xs

    def extra_repr(self):
        D, H = sizes(self.params)
        return f"{self.step.__module__.rpartition('.')[2]}, D={D}, H={H}"


def recurrent(cell, D, H, layers=1, both=False, device=None, dtype=None, **shape):
    """`layers` layers of one cell on top of each other, each reading both ways if `both`; `cell` as in Recurrent."""

    def one(inputs):
        return Recurrent(cell, inputs, H, device, dtype, **shape)

    inputs = [D] + [2 * H if both else H] * (layers - 1)
    return Stacked(*(Bidirectional(one(n), one(n)) if both else one(n) for n in inputs))


def usable(device):
    """The device; None stays None. ValueError, a sentence, if it is a GPU that isn't there."""
    device = device if device is None else torch.device(device)
    if device and device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"device is {device}, but PyTorch sees {torch.cuda.device_count()} CUDA GPUs here; it should be cpu."
        )
    return device


def same_device(name, tensor, weight):
    if tensor.device != weight.device:
        raise ValueError(f"{name} is on {tensor.device}; it should be on {weight.device}, as the weights are.")
