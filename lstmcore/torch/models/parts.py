"""What all models share: the checks at the border, what stands after the last step, the readout."""

import torch

from lstmcore.torch.recurrent import usable


class Readout(torch.nn.Module):
    """h (B, H) after the last step -> class scores (B, K); with a horizon a forecast (horizon, B, K)."""

    def __init__(self, H, K, horizon=None, **factory):
        super().__init__()
        check_sizes(K=K, horizon=horizon)
        self.horizon = horizon
        self.linear = torch.nn.Linear(H, K * (horizon or 1), **factory)

    def forward(self, h):
        y = self.linear(h)
        return y if self.horizon is None else y.unflatten(1, (self.horizon, -1)).transpose(0, 1)


def last(hs, lengths):
    """hs (T, B, H) -> what stands after each sequence's own last step, (B, H)."""
    return hs[lengths - 1, torch.arange(len(lengths), device=hs.device)]


def valid(xs, lengths):
    """(T, B): True at the steps of a sequence, False in its padding."""
    return torch.arange(len(xs), device=xs.device)[:, None] < lengths


def check_series(model, xs, lengths):
    """The lengths as a tensor (B,), T for each if None. ValueError, a sentence, unless xs is a series for the model."""
    weight, D = next(model.parameters()), model.D
    if not isinstance(xs, torch.Tensor):
        raise ValueError(f"xs is a {type(xs).__name__}; it should be a tensor of shape (T, B, {D}).")
    if xs.ndim != 3 or xs.shape[2] != D:
        raise ValueError(f"xs has shape {tuple(xs.shape)}; it should be (T, B, {D}).")
    if 0 in xs.shape:
        raise ValueError(f"xs has shape {tuple(xs.shape)}; it should have at least one step and one sequence.")
    if xs.device != weight.device:
        raise ValueError(f"xs is on {xs.device}; it should be on {weight.device}, as the weights are.")
    if xs.dtype != weight.dtype:
        raise ValueError(f"xs is {xs.dtype}; it should be {weight.dtype}, as the weights are.")
    T, B = xs.shape[:2]
    if lengths is None:
        return torch.full((B,), T, device=xs.device)
    lengths = torch.as_tensor(lengths, device=xs.device)
    if lengths.shape != (B,) or lengths.is_floating_point() or lengths.min() < 1 or lengths.max() > T:
        raise ValueError(f"lengths are {lengths.tolist()}; they should be {B} whole numbers from 1 to {T}.")
    return lengths


def check_sizes(**sizes):
    """ValueError unless each size that is given is at least 1."""
    for name, size in sizes.items():
        if size is not None and size < 1:
            raise ValueError(f"{name} is {size}; it should be at least 1.")


def factory(device, dtype):
    """What every part of torch takes at its making. ValueError if the device isn't there."""
    return {"device": usable(device), "dtype": dtype}
