"""The models: one signature, nothing seen that must not be seen, clear sentences on bad input."""

import copy
import pickle

import pytest
import torch
from models import ANY_LENGTH, MODELS, close, make, series

from lstmcore.torch import lstm
from lstmcore.torch.models import cnn, ltsf_linear, neural_ode, recurrent, tcn, transformer
from lstmcore.torch.train import fit

every_model = pytest.mark.parametrize("name", MODELS)


@every_model
@pytest.mark.parametrize("T, B, D, horizon", [(1, 1, 1, 1), (5, 4, 2, 3), (9, 2, 6, 11)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_scores_are_B_K_and_a_forecast_is_horizon_B_K_in_the_weights_dtype(name, T, B, D, horizon, dtype):
    xs = series(T, B, D, dtype)
    scores = make(name, D, 5, T, dtype=dtype)(xs)
    forecast = make(name, D, D, T, horizon, dtype)(xs)
    assert scores.shape == (B, 5) and forecast.shape == (horizon, B, D)
    assert scores.dtype == forecast.dtype == dtype and torch.isfinite(forecast).all()


@every_model
@pytest.mark.parametrize("horizon", [None, 4])
def test_a_result_reads_every_input_and_every_weight_and_no_other_sequence(name, horizon):
    model, xs = make(name, horizon=horizon), series()
    y = model(xs).movedim(-2, 0)  # (B, …)
    (d,) = torch.autograd.grad(y[0].sum(), xs, retain_graph=True)
    assert d[:, 0].all() and not d[:, 1].any()
    weight = torch.rand(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(2))
    (y * weight).sum().backward()
    for part, p in model.named_parameters():
        if not part.endswith("in_proj_bias"):  # a shift of all keys changes no attention
            assert (p.grad != 0).any(), part
    close(model(xs[:, :1]), model(xs)[..., :1, :])


@every_model
def test_training_and_use_agree_without_dropout(name):
    model, xs = make(name, horizon=2), series().detach()
    with torch.no_grad():
        close(model.train()(xs), model.eval()(xs))


@every_model
def test_a_model_can_be_copied_pickled_and_loaded(name):
    model, xs = make(name), series()
    other = MODELS[name](3, 3, 7, None, dtype=torch.float64)
    assert not torch.equal(other(xs), model(xs))
    other.load_state_dict(model.state_dict())
    for twin in (copy.deepcopy(model), other):
        assert torch.equal(twin(xs), model(xs))
    if name != "TCN":  # torch pickles no parametrization; its state_dict is what is saved
        assert torch.equal(pickle.loads(pickle.dumps(model))(xs), model(xs))


@pytest.mark.parametrize("name", ANY_LENGTH)
@pytest.mark.parametrize("horizon", [None, 2])
def test_padding_changes_neither_results_nor_gradients(name, horizon):
    model, xs = make(name, horizon=horizon), series(B=3)
    lengths = [7, 1, 4]
    padded = xs.detach().clone()
    padded[torch.arange(7)[:, None] >= torch.tensor(lengths)] = 77.0
    padded.requires_grad_()
    y = model(padded, lengths)
    y.square().sum().backward()
    for b, n in enumerate(lengths):
        alone = xs[:n, b : b + 1].detach().requires_grad_()
        want = model(alone)
        want.square().sum().backward()
        close(y[..., b : b + 1, :], want)
        close(padded.grad[:n, b : b + 1], alone.grad)
        assert not padded.grad[n:, b].any()


def seen(model, xs):
    """(T, T) of bool: does the feature at t depend on the input at s? By gradient; no zero by chance."""
    rows = []
    for row in model.features(xs, torch.full((xs.shape[1],), len(xs))):
        weight = torch.rand(row.shape, dtype=row.dtype, generator=torch.Generator().manual_seed(2))
        (d,) = torch.autograd.grad((row * weight).sum(), xs, retain_graph=True)
        rows.append((d != 0).any(dim=(1, 2)))
    return torch.stack(rows)


@pytest.mark.parametrize("name", ["TCN", "causal", "NeuralODE", "Recurrent"])
def test_no_feature_depends_on_a_later_input(name):
    model, xs = make(name), series(T=12)
    lengths = torch.tensor([12, 12])
    assert not seen(model, xs).triu(1).any()
    with torch.no_grad():
        before = model.features(xs, lengths)
        for t in range(1, 12):
            changed = xs.clone()
            changed[t:] += 10.0
            after = model.features(changed, lengths)
            close(after[:t], before[:t])
            assert not torch.isclose(after[t:], before[t:]).all()


@pytest.mark.parametrize("num_layers, kernel_size, field", [(1, 2, 3), (2, 3, 13), (3, 2, 15)])
def test_a_tcn_sees_its_receptive_field_and_nothing_else(num_layers, kernel_size, field):
    torch.manual_seed(0)
    model = tcn.TCN(3, 2, 16, num_layers=num_layers, kernel_size=kernel_size, dtype=torch.float64)
    assert model.receptive_field == field
    T = field + 4
    back = torch.arange(T)[:, None] - torch.arange(T)
    assert torch.equal(seen(model, series(T)), (back >= 0) & (back < field))


def test_a_cnn_sees_equally_far_to_both_sides_and_a_transformer_sees_all():
    away = (torch.arange(12)[:, None] - torch.arange(12)).abs()
    assert torch.equal(seen(make("CNN"), series(T=12)), away <= 2)
    assert seen(make("Transformer"), series(T=12)).all()
    assert torch.equal(seen(make("causal"), series(T=12)), torch.ones(12, 12, dtype=torch.bool).tril())


@every_model
@pytest.mark.parametrize("horizon", [None, 3])
def test_a_model_learns_a_small_batch_by_heart(name, horizon):
    model, xs = make(name, horizon=horizon, dtype=torch.float32), series(B=4, dtype=torch.float32).detach()
    if horizon:
        target = torch.randn(3, 4, 3, generator=torch.Generator().manual_seed(3))
        error = torch.nn.functional.mse_loss
    else:
        target, error = torch.tensor([0, 1, 2, 0]), torch.nn.functional.cross_entropy
    rows = range(1) if horizon and "Linear" in name else range(4)  # 3 equations for 8 unknowns: one matrix can do it
    xs, target = xs[:, rows], target[:, rows] if horizon else target

    def loss(model, xs, target):
        return error(model(xs), target)

    def learnt(k, value):
        return value < 0.1

    _, history = fit(model, loss, lambda k: (xs, target), 200, lr=0.02, clip=1.0, stop=learnt, progress=False)
    assert history[0] > 0.5 and history[-1] < 0.1


@every_model
def test_a_model_says_what_is_wrong_with_its_input(name):
    model = make(name)
    with pytest.raises(ValueError, match=r"xs is a ndarray; it should be a tensor of shape \(T, B, 3\)"):
        model(series().detach().numpy())
    with pytest.raises(ValueError, match=r"xs has shape \(7, 2, 4\); it should be \(T, B, 3\)"):
        model(series(D=4))
    with pytest.raises(ValueError, match=r"xs has shape \(7, 2\); it should be \(T, B, 3\)"):
        model(series()[..., 0])
    with pytest.raises(ValueError, match=r"xs has shape \(0, 2, 3\); it should have at least one step and one sequ"):
        model(series()[:0])
    with pytest.raises(ValueError, match=r"xs is torch.float32; it should be torch.float64, as the weights are"):
        model(series(dtype=torch.float32))
    with pytest.raises(ValueError, match=r"xs is on meta; it should be on cpu, as the weights are"):
        model(series().to("meta"))
    for lengths in ([7, 8], [7, 0], [7], [7.0, 3.0]):
        with pytest.raises(ValueError, match=r"lengths are \[7.*\]; they should be 2 whole numbers from 1 to 7"):
            model(series(), lengths)


def test_a_model_says_what_is_wrong_with_its_making():
    for model in (cnn.CNN, tcn.TCN, transformer.Transformer, neural_ode.NeuralODE, ltsf_linear.DLinear):
        for sizes, sentence in [((0, 3, 8), "D is 0"), ((3, 0, 8), "K is 0"), ((3, 3, 0), "[HT] is 0")]:
            with pytest.raises(ValueError, match=f"{sentence}; it should be at least 1"):
                model(*sizes)
        with pytest.raises(ValueError, match="horizon is 0; it should be at least 1"):
            model(3, 3, 8, 0)
    with pytest.raises(ValueError, match="H is 0; it should be at least 1"):
        recurrent.RecurrentModel(lstm, 3, 3, 0)
    with pytest.raises(ValueError, match="kernel_size is 4; it should be odd, so that a filter has a middle"):
        cnn.CNN(3, 3, kernel_size=4)
    with pytest.raises(ValueError, match="kernel_size is 4; it should be odd, so that the average has a middle"):
        ltsf_linear.DLinear(3, 3, 9, kernel_size=4)
    with pytest.raises(ValueError, match="H is 6; it should be even and a multiple of num_heads, which is 4"):
        transformer.Transformer(3, 3, 6)
    with pytest.raises(ValueError, match="step_size is 2; it should be above 0 and at most 1"):
        neural_ode.NeuralODE(3, 3, step_size=2)
    with pytest.raises(
        ValueError, match="K is 2; it should be 3, since each of the D channels is forecast from itself"
    ):
        ltsf_linear.Linear(3, 2, 9, horizon=1)
    with pytest.raises(ValueError, match="xs has 7 steps, the shortest 7; each should have 9"):
        make("Linear", T=9)(series())
    with pytest.raises(ValueError, match="xs has 7 steps, the shortest 5; each should have 7"):
        make("Linear")(series(), [7, 5])


@every_model
def test_every_part_of_a_model_is_made_on_the_device_and_in_the_dtype_asked_for(name):
    model = make(name, device="meta", dtype=torch.float16)
    assert {(p.device.type, p.dtype) for p in model.state_dict().values()} == {("meta", torch.float16)}


@every_model
@pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU")
def test_a_gpu_asked_for_and_missing_is_one_sentence(name):
    with pytest.raises(ValueError, match="device is cuda, but PyTorch sees 0 CUDA GPUs here; it should be cpu"):
        make(name, device="cuda")


@every_model
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_gpu_gives_the_cpus_numbers(name):
    model, xs = make(name, horizon=2), series()
    there = make(name, horizon=2, device="cuda")
    there.load_state_dict(model.state_dict())
    close(there(xs.cuda(), [7, 7]).cpu(), model(xs, [7, 7]), rtol=1e-9, atol=1e-11)


@every_model
def test_under_autocast_a_model_stays_close_to_float32(name):
    model, xs = make(name, horizon=2, dtype=torch.float32), series(dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        y = model(xs)
    y.float().sum().backward()
    torch.testing.assert_close(y.float(), model(xs), rtol=0.1, atol=0.1)
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())
