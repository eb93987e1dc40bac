"""A neural ODE (Chen, Rubanova, Bettencourt & Duvenaud, 2018): a state that flows, dz/dt = field(z)."""

import torch
from torchdiffeq import odeint

from lstmcore.torch.models.parts import Readout, check_series, check_sizes, factory, last


class NeuralODE(torch.nn.Module):
    """The paper's latent ODE (section 5) without its probabilities: a GRU reads the series into z, and z flows on.

    A forecast reads z at 1, 2, … horizon steps after the last input; class scores read it at 1. `flow` gives z at any
    times between. Steps of fixed size (Runge-Kutta, order 4) rather than the paper's adaptive ones: these are chosen
    for a whole batch, so that a sequence's forecast would depend on its neighbours. Gradients go through the solver's
    steps; the paper's adjoint, torchdiffeq.odeint_adjoint, has the same ones with less memory and more time.
    """

    def __init__(self, D, K, H=32, horizon=None, step_size=0.5, device=None, dtype=None):
        super().__init__()
        check_sizes(D=D, H=H, horizon=horizon)
        if not 0 < step_size <= 1:
            raise ValueError(f"step_size is {step_size}; it should be above 0 and at most 1, one step of the series.")
        kw = factory(device, dtype)
        self.D, self.horizon, self.step_size = D, horizon, step_size
        self.encoder = torch.nn.GRU(D, H, **kw)
        self.field = torch.nn.Sequential(torch.nn.Linear(H, H, **kw), torch.nn.Tanh(), torch.nn.Linear(H, H, **kw))
        self.readout = Readout(H, K, **kw)

    def features(self, xs, lengths=None):
        """z as the GRU has it after every step, (T, B, H)."""
        return self.encoder(xs)[0]

    def flow(self, z, times):
        """z (B, H) at times[0] -> z at all times, (len(times), B, H). times rise."""
        options = {"step_size": self.step_size, "interp": "cubic"}
        return odeint(lambda t, z: self.field(z), z, times, method="rk4", options=options)

    def forward(self, xs, lengths=None):
        lengths = check_series(self, xs, lengths)
        z = last(self.features(xs), lengths)
        zs = self.flow(z, torch.arange((self.horizon or 1) + 1).to(z))[1:]
        return self.readout(zs[0] if self.horizon is None else zs)
