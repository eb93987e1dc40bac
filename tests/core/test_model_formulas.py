"""The models against the papers: the counts of their weights, and the formulas behind them."""

import numpy as np
import pytest
import torch
from models import H, close, make, series, weights
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from torchdiffeq import odeint_adjoint

from lstmcore import convert
from lstmcore.torch import lstm
from lstmcore.torch.models import cnn, ltsf_linear, neural_ode, recurrent, tcn, transformer


# Bai, Kolter & Koltun (2018), Figures 2 to 4: layers × hidden, kernel, (D, K) of the task, thousands of weights printed
@pytest.mark.parametrize(
    "num_layers, hidden, kernel_size, D, K, thousands",
    [(8, 24, 8, 2, 1, 70), (8, 25, 7, 1, 10, 66), (9, 10, 6, 1, 10, 10), (8, 10, 8, 1, 10, 13)],
)
def test_a_tcn_has_as_many_weights_as_the_paper_prints(num_layers, hidden, kernel_size, D, K, thousands):
    model = tcn.TCN(D, K, hidden, num_layers=num_layers, kernel_size=kernel_size)
    assert abs(weights(model) - 1000 * thousands) < 1000
    conv = hidden * hidden * kernel_size + 2 * hidden  # filters, their norms, biases
    first = D * hidden * kernel_size + 2 * hidden + conv + (D + 1) * hidden
    assert weights(model) == first + (num_layers - 1) * 2 * conv + (hidden + 1) * K


def test_ltsf_linear_has_as_many_weights_as_the_paper_prints():
    """Zeng et al. (2023): T·L for Linear and NLinear, 2·T·L for DLinear (B.2); DLinear 139.7K at 96, 720 (Table 8)."""
    kinds = {ltsf_linear.Linear: 1, ltsf_linear.NLinear: 1, ltsf_linear.DLinear: 2}
    for kind, layers in kinds.items():
        model = kind(321, 321, 96, 720)
        assert sum(p.numel() for p in model.parameters() if p.ndim == 2) == layers * 96 * 720
    assert round(weights(model) / 1000, 1) == 139.7


def test_the_other_models_have_as_many_weights_as_their_equations():
    D, K, n = 3, 5, 16
    readout = (n + 1) * K
    model = transformer.Transformer(D, K, n, num_layers=3)
    assert weights(model) == (D + 1) * n + 3 * (12 * n * n + 13 * n) + readout
    assert weights(cnn.CNN(D, K, n, num_layers=2, kernel_size=3)) == (D + n) * n * 3 + 2 * n + (2 * n + 1) * K
    assert weights(neural_ode.NeuralODE(D, K, n)) == 3 * n * (D + n + 2) + 2 * (n * n + n) + readout
    assert weights(recurrent.RecurrentModel(lstm, D, K, n)) == 4 * n * (D + n + 1) + readout


def test_a_tcns_convolution_is_the_papers_sum_over_the_past():
    """F(s) = Σ_i f(i) x(s - d i), section 3.3."""
    torch.manual_seed(0)
    block, x = tcn.Block(2, 4, 3, 5, 0.0, dtype=torch.float64), np.random.default_rng(0).normal(size=(2, 14))
    h = [x]
    for conv in (block.conv1, block.conv2):
        f, b = conv.weight.detach().numpy(), conv.bias.detach().numpy()
        sums = [b + sum(f[:, :, 2 - i] @ h[-1][:, s - 5 * i] for i in range(3) if s >= 5 * i) for s in range(14)]
        h.append(np.maximum(np.stack(sums, axis=1), 0))
    shortcut = block.shortcut.weight[..., 0].detach().numpy() @ x + block.shortcut.bias.detach().numpy()[:, None]
    close(block(torch.tensor(x)[None])[0], torch.tensor(np.maximum(shortcut + h[-1], 0)))


def test_a_tcns_filters_are_weight_normed_and_its_dropout_takes_whole_channels():
    model, xs = make("TCN"), series()
    before = model(xs)
    for block in model.blocks:
        for conv in (block.conv1, block.conv2):
            norm, direction = conv.parametrizations.weight.original0, conv.parametrizations.weight.original1
            close(conv.weight, norm * direction / direction.norm(dim=(1, 2), keepdim=True))
            direction.data *= 3.0
    close(model(xs), before)
    torch.manual_seed(0)
    block = tcn.Block(4, 4, 2, 1, 0.5)
    gone = (block(torch.zeros(50, 4, 9)) == 0).float().mean(dim=2)
    assert ((gone == 0) | (gone == 1)).all() and 0 < gone.mean() < 1
    assert torch.equal(block.eval()(torch.ones(1, 4, 9)), block(torch.ones(1, 4, 9)))


def test_a_transformer_knows_the_order_only_by_its_positions(monkeypatch):
    model, xs = make("Transformer"), series().detach()
    swapped = xs[[2, 1, 0, 3, 4, 5, 6]]
    assert not torch.isclose(model(swapped), model(xs)).any()
    monkeypatch.setattr(transformer, "positions", lambda T, H: torch.zeros(T, H))
    close(model(swapped), model(xs))


def test_one_causal_layer_at_t_is_the_whole_layer_on_the_series_up_to_t():
    torch.manual_seed(0)
    causal = transformer.Transformer(3, 2, H, num_layers=1, causal=True, dtype=torch.float64)
    whole = transformer.Transformer(3, 2, H, num_layers=1, dtype=torch.float64)
    whole.load_state_dict(causal.state_dict())
    xs, both = series().detach(), torch.tensor([7, 7])
    for t in range(7):
        part = torch.tensor([t + 1, t + 1])
        close(causal.features(xs, both)[t], whole.features(xs[: t + 1], part)[-1])


def test_positions_are_the_papers():
    """PE(t, 2k) = sin(t / 10000^(2k/H)), PE(t, 2k + 1) = cos(the same)."""
    got = transformer.positions(40, 6)
    for t in range(40):
        for k in range(3):
            angle = t / 10000 ** (2 * k / 6)
            assert_allclose(got[t, 2 * k : 2 * k + 2], [np.sin(angle), np.cos(angle)], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("T", [1, 7, 60])
def test_dlinears_trend_is_numpys_convolution_with_the_edge_repeated(T):
    x = np.random.default_rng(0).normal(size=(2, 3, T))
    want = [[np.convolve(np.pad(c, 12, mode="edge"), np.ones(25) / 25, mode="valid") for c in b] for b in x]
    close(ltsf_linear.moving_average(torch.tensor(x), 25), torch.tensor(np.array(want)))
    assert ltsf_linear.DLinear(1, 1, 40, 2).kernel_size == 25


def test_ltsf_linear_is_one_matrix_along_time_for_all_channels():
    xs = series()
    linear, nlinear, dlinear = (make(name, horizon=4) for name in ("Linear", "NLinear", "DLinear"))
    W, b = linear.along[0].weight, linear.along[0].bias
    close(linear(xs), torch.einsum("lt,tbd->lbd", W, xs) + b[:, None, None])
    W, b = nlinear.along[0].weight, nlinear.along[0].bias
    close(nlinear(xs), torch.einsum("lt,tbd->lbd", W, xs - xs[-1]) + b[:, None, None] + xs[-1])
    dlinear.along[1].load_state_dict(dlinear.along[0].state_dict())  # one matrix for both parts: the parts are all
    W, b = dlinear.along[0].weight, dlinear.along[0].bias
    close(dlinear(xs), torch.einsum("lt,tbd->lbd", W, xs) + 2 * b[:, None, None])


def test_a_shift_of_a_series_shifts_nlinears_forecast_and_leaves_its_classes():
    xs, shift = series(), torch.tensor([[5.0], [-3.0]])  # one number per series
    forecaster, classifier = make("NLinear", horizon=4), make("NLinear")
    close(forecaster(xs + shift), forecaster(xs) + shift)
    close(classifier(xs + shift), classifier(xs))
    assert not torch.isclose(make("Linear")(xs + shift), make("Linear")(xs)).any()


def test_a_neural_ode_is_what_scipys_solver_says():
    model = neural_ode.NeuralODE(3, 3, H, horizon=3, step_size=0.25, dtype=torch.float64)
    z = 2 * torch.randn(1, H, dtype=torch.float64)
    times = torch.tensor([0.0, 0.3, 1.0, 1.9, 3.0], dtype=torch.float64)
    got = model.flow(z, times)[:, 0].detach()

    def field(t, y):
        return model.field(torch.tensor(y)).detach().numpy()

    want = solve_ivp(field, (0, 3), z[0].numpy(), t_eval=times.numpy(), rtol=1e-10, atol=1e-12).y.T
    assert_allclose(got, want, rtol=1e-4, atol=1e-4)
    xs = series()
    zs = model.flow(model.features(xs)[-1], torch.arange(4, dtype=torch.float64))
    close(model(xs), model.readout(zs[1:]))
    model.horizon = None
    close(model(xs), model.readout(zs[1]))


def test_a_linear_neural_ode_is_the_matrix_exponential_and_half_the_step_has_a_sixteenth_of_the_error():
    model, z = make("NeuralODE"), torch.randn(2, H, dtype=torch.float64)
    model.field = torch.nn.Linear(H, H, bias=False, dtype=torch.float64)
    A = model.field.weight.detach().numpy()
    times = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64)
    want = np.stack([z.numpy() @ expm(A * t).T for t in times.numpy()])
    errors = []
    for model.step_size in (0.5, 0.25, 0.125):
        errors.append(np.abs(model.flow(z, times).detach().numpy() - want).max())
    assert errors[0] < 1e-3
    assert_allclose(np.array(errors[:-1]) / errors[1:], 16, rtol=0.25)


def test_the_gradient_through_the_solver_is_the_adjoints():
    model, z = make("NeuralODE"), torch.randn(2, H, dtype=torch.float64)
    times = torch.tensor([0.0, 2.0], dtype=torch.float64)
    model.step_size = 0.05
    got = torch.autograd.grad(model.flow(z, times)[-1].sum(), list(model.field.parameters()))

    class Field(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.field = model.field

        def forward(self, t, z):
            return self.field(z)

    there = odeint_adjoint(Field(), z, times, rtol=1e-9, atol=1e-10)
    for a, b in zip(got, torch.autograd.grad(there[-1].sum(), list(model.field.parameters())), strict=True):
        assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_a_recurrent_model_is_torchs_lstm_and_a_linear_layer_on_its_last_h():
    torch.manual_seed(0)
    oracle, model, xs = torch.nn.LSTM(3, H, dtype=torch.float64), make("Recurrent", horizon=2), series()
    model.recurrent.load(convert.from_torch(oracle))
    want = oracle(xs)[0][-1] @ model.readout.linear.weight.T + model.readout.linear.bias  # (B, 2 · 3)
    close(model(xs), want.reshape(2, 2, 3).transpose(0, 1))
