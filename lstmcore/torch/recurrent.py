"""Any cell as a module: `Recurrent(lstm, D, H)` owns the weights and runs the step over a sequence."""

import torch

from lstmcore.scan import check_sequence


class Recurrent(torch.nn.Module):
    """cell: a module of `lstmcore.torch`, say `lstmcore.torch.lstm`. Its parameters are named as in Params._fields.

    xs (T, B, D), state or None for zeros -> hs (T, B, H), last state. Weights start uniform(±1/√H).
    """

    def __init__(self, cell, D, H, device=None, dtype=None):
        super().__init__()
        if D < 1 or H < 1:
            raise ValueError(f"D is {D} and H is {H}; both should be at least 1.")
        self.step, self.Params, self.State = cell.step, cell.Params, cell.State  # functions and classes can be pickled
        for name, shape in cell.Params.shapes(D, H)._asdict().items():
            tensor = torch.empty(shape, device=device, dtype=dtype).uniform_(-(H**-0.5), H**-0.5)
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

    def forward(self, xs, state=None):
        p = self.params
        if state is None:
            h = torch.zeros(xs.shape[1], p.W_h.shape[1], dtype=p.W_h.dtype, device=p.W_h.device)
            state = self.State(*(h for _ in self.State._fields))
        check_sequence(p, state, xs)
        hs = []
        for x in xs:
            state = self.step(p, state, x)
            hs.append(state.h)
        return torch.stack(hs), state

    def extra_repr(self):
        H, D = self.W_h.shape[1], self.W_x.shape[1]
        return f"{self.step.__module__.rpartition('.')[2]}, D={D}, H={H}"
