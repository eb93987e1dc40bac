"""The models, made small, and a series for them."""

import torch
from numpy.testing import assert_allclose

from lstmcore.torch import lstm
from lstmcore.torch.models import cnn, ltsf_linear, neural_ode, recurrent, tcn, transformer

H = 8
MODELS = {
    "CNN": lambda D, K, T, horizon, **kw: cnn.CNN(D, K, H, horizon, num_layers=2, kernel_size=3, **kw),
    "TCN": lambda D, K, T, horizon, **kw: tcn.TCN(D, K, H, horizon, num_layers=2, **kw),
    "Transformer": lambda D, K, T, horizon, **kw: transformer.Transformer(D, K, H, horizon, **kw),
    "causal": lambda D, K, T, horizon, **kw: transformer.Transformer(D, K, H, horizon, causal=True, **kw),
    "NeuralODE": lambda D, K, T, horizon, **kw: neural_ode.NeuralODE(D, K, H, horizon, step_size=1.0, **kw),
    "Recurrent": lambda D, K, T, horizon, **kw: recurrent.RecurrentModel(lstm, D, K, H, horizon, **kw),
    "Linear": lambda D, K, T, horizon, **kw: ltsf_linear.Linear(D, K, T, horizon, **kw),
    "NLinear": lambda D, K, T, horizon, **kw: ltsf_linear.NLinear(D, K, T, horizon, **kw),
    "DLinear": lambda D, K, T, horizon, **kw: ltsf_linear.DLinear(D, K, T, horizon, kernel_size=5, **kw),
}
ANY_LENGTH = [name for name in MODELS if "Linear" not in name]


def make(name, D=3, K=3, T=7, horizon=None, dtype=torch.float64, **kw):
    torch.manual_seed(0)
    return MODELS[name](D, K, T, horizon, dtype=dtype, **kw)


def series(T=7, B=2, D=3, dtype=torch.float64):
    return torch.randn(T, B, D, dtype=dtype, generator=torch.Generator().manual_seed(1), requires_grad=True)


def weights(model):
    return sum(p.numel() for p in model.parameters())


def close(got, want, rtol=1e-10, atol=1e-12):
    assert_allclose(got.detach(), want.detach(), rtol, atol)
