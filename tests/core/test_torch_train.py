"""fit in PyTorch: it learns, stops, keeps the best, goes on from a checkpoint bit for bit, and says what is wrong."""

import os
import signal
import threading

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, mse_loss

from lstmcore import tasks
from lstmcore.torch import lstm
from lstmcore.torch.models.recurrent import RecurrentModel
from lstmcore.torch.train import fit


@pytest.fixture(autouse=True)
def ctrl_c():
    """Python's own handler, also where the tests run in the background and SIGINT is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def loss(model, xs, target):
    return mse_loss(model(xs), target)


def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Dropout(0.3), torch.nn.Linear(8, 1))


def batch(k):
    xs = torch.randn(5, 3, generator=torch.Generator().manual_seed(k))
    return xs, xs.sum(dim=1, keepdim=True)


BATCHES = [batch(k) for k in range(4)]


def train(model, batches=batch, steps=20, progress=False, **more):
    return fit(model, loss, batches, steps, progress=progress, **more)


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_a_cell_learns_to_recall():
    torch.manual_seed(0)
    model, rng = RecurrentModel(lstm, 6, 2, 8), np.random.default_rng(0)

    def loss(model, xs, target):
        return cross_entropy(model(xs), target)

    _, history = fit(model, loss, lambda k: tasks.recall(rng, 16, 3), 80, lr=0.02, clip=1.0, progress=False)
    assert history[:5].mean() > 0.6 and history[-5:].mean() < 0.1


@pytest.mark.parametrize("clip", [None, 0.1])
def test_fit_is_the_loop_that_one_writes_by_hand(clip):
    torch.manual_seed(5)
    model, history = train(net().eval(), lr=0.05, clip=clip)
    assert not model.training
    torch.manual_seed(5)
    twin = net().train()
    optim, losses = torch.optim.Adam(twin.parameters(), 0.05), []
    for k in range(20):
        optim.zero_grad()
        value = loss(twin, *batch(k))
        value.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(twin.parameters(), clip)
        optim.step()
        losses.append(value.item())
    assert same(model, twin) and losses == history.tolist()


def test_the_learning_rate_and_the_clipping_may_be_functions_and_the_optimiser_anothers():
    model = net()
    sgd = torch.optim.SGD(model.parameters(), lr=1.0)
    _, history = train(model, lr=lambda k: 0.1 / (k + 1), optim=sgd, clip=lambda p: [w.grad.zero_() for w in p])
    assert sgd.param_groups[0]["lr"] == 0.1 / 20 and same(model, net()) and len(set(history)) == 20


def test_a_seed_fixes_dropout_and_order_and_leaves_torchs_own_numbers_alone():
    torch.manual_seed(3)
    want = torch.rand(1)
    runs = []
    for seed in (1, 1, 2):
        model = net()
        torch.manual_seed(3)
        runs.append(train(model, BATCHES, None, epochs=3, seed=seed)[1].tolist())
        assert torch.rand(1) == want
    assert runs[0] == runs[1] != runs[2]


def test_an_epoch_takes_each_batch_once_in_a_new_order():
    seen = []

    def watch(model, xs, target):
        seen.append(next(k for k, b in enumerate(BATCHES) if torch.equal(b[0], xs)))
        return loss(model, xs, target)

    for seed in (0, 1):
        fit(net(), watch, BATCHES, epochs=6, seed=seed, progress=False)
    epochs = [tuple(seen[k : k + 4]) for k in range(0, 48, 4)]
    assert all(sorted(e) == [0, 1, 2, 3] for e in epochs) and len(set(epochs[:6])) > 2 and epochs[:6] != epochs[6:]


def test_stop_is_asked_with_what_the_loss_returned():
    asked = []

    def loss(model, xs, target):
        return mse_loss(model(xs), target), "more"

    def stop(k, value, more):
        asked.append((k, value.item(), more))
        return k == 4

    _, history = fit(net(), loss, batch, 50, stop=stop, progress=False)
    assert asked == [(k, v, "more") for k, v in enumerate(history)] and len(history) == 5


def test_early_stopping_ends_after_patience_and_gives_the_best_weights_back():
    values, seen = iter([5.0, 6.0, 3.0, 4.0, 3.0, 3.5, 1.0]), []

    def validate(model):
        assert not model.training and not torch.is_grad_enabled()
        seen.append({k: v.clone() for k, v in model.state_dict().items()})
        return next(values)

    model, history = train(net(), steps=100, every=2, validate=validate, patience=3)
    assert len(history) == 12 and model.training
    assert all(torch.equal(v, seen[2][k]) for k, v in model.state_dict().items())
    model, history = train(net(), steps=3, validate=lambda m: 1.0)  # asked at the end, however short
    assert len(history) == 3 and not same(model, net())


@pytest.mark.parametrize("at", [1, 7, 10, 19])
def test_an_interrupted_run_goes_on_with_the_same_numbers_bit_for_bit(tmp_path, at):
    def run(path, steps, **more):
        torch.manual_seed(1)
        model, rng = net(), np.random.default_rng(0)

        def batches(k):
            xs = rng.normal(size=(5, 3)).astype(np.float32)
            return xs, xs.sum(axis=1, keepdims=True)

        def validate(model):
            return loss(model, *batch(0))

        sgd = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        return train(model, batches, steps, optim=sgd, rng=rng, validate=validate, every=3, checkpoint=path, **more)

    whole, history = run(None, 20)
    path = tmp_path / "run.pt"
    with pytest.raises(KeyboardInterrupt, match=rf"Stopped after step {at} of 20; .*run.pt has this state: the same"):
        run(path, 20, stop=lambda k, value: os.kill(os.getpid(), signal.SIGINT) if k == at - 1 else False)
    assert len(torch.load(path)["run"]["history"]) == at
    again, numbers = run(path, 20)
    assert same(whole, again) and numbers.tolist() == history.tolist()
    assert [file.name for file in tmp_path.iterdir()] == ["run.pt"]
    assert run(path, 20)[1].tolist() == history.tolist()  # finished: nothing is left to do


def test_a_list_of_batches_and_a_stopped_run_go_on_too(tmp_path):
    path = tmp_path / "run.pt"
    _, history = train(net(), BATCHES, None, epochs=5, seed=1)
    train(net(), BATCHES, None, epochs=2, seed=1, checkpoint=path)
    model, numbers = train(net(), BATCHES, None, epochs=5, seed=1, checkpoint=path)
    assert numbers.tolist() == history.tolist()
    over = tmp_path / "over.pt"
    for _ in range(2):
        _, history = train(net(), stop=lambda k, value: k == 6, checkpoint=over)
        assert len(history) == 7


def test_ctrl_c_waits_for_the_step_and_a_second_does_not():
    def twice(model, xs, target):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        return loss(model, xs, target)

    with pytest.raises(KeyboardInterrupt) as caught:
        fit(net(), twice, batch, 5, progress=False)
    assert not caught.value.args
    model, before = net(), net()
    with pytest.raises(KeyboardInterrupt, match="Stopped after step 1 of 5; the model keeps this step's weights; with"):
        train(model, steps=5, stop=lambda k, value: os.kill(os.getpid(), signal.SIGINT))
    assert not same(model, before)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_someone_else_is_left_alone():
    came = []
    signal.signal(signal.SIGINT, lambda *_: came.append(1))
    _, history = train(net(), steps=3, stop=lambda k, value: os.kill(os.getpid(), signal.SIGINT))
    assert len(history) == len(came) == 3
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ended = []  # and in a thread Python allows none
    thread = threading.Thread(target=lambda: ended.append(train(net(), steps=2)))
    thread.start()
    thread.join()
    assert len(ended[0][1]) == 2


def test_a_write_that_breaks_off_leaves_the_old_checkpoint_whole(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    train(net(), steps=5, seed=0, checkpoint=path)
    whole = path.read_bytes()

    def half(state, file):
        file.write(b"half")
        raise OSError("No space left on device")

    with monkeypatch.context() as m, pytest.raises(OSError):
        m.setattr(torch, "save", half)
        train(net(), steps=9, seed=0, checkpoint=path)
    assert path.read_bytes() == whole
    assert len(train(net(), steps=9, seed=0, checkpoint=path)[1]) == 9


def test_the_bar_shows_the_name_and_where_a_resumed_run_stands(tmp_path, capsys):
    path = tmp_path / "run.pt"
    train(net(), steps=5, checkpoint=path)
    train(net(), steps=8, checkpoint=path, progress=True, name="slope")
    shown = capsys.readouterr().err
    assert "slope" in shown and "5/8" in shown


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({}, "steps is None and epochs is None; one of them should be given"),
        ({"steps": 3, "epochs": 3}, "steps is 3 and epochs is 3; one of them should be given"),
        ({"steps": 0}, "steps is 0; it should be at least 1"),
        ({"epochs": 0}, "epochs is 0; it should be at least 1"),
        ({"steps": 3, "batches": BATCHES}, "batches is a list; it should be a function of the step's number"),
        ({"epochs": 3}, "batches is a function; it should be a list of batches, since epochs are asked for"),
        ({"epochs": 3, "batches": []}, "batches is an empty list; it should have at least one batch"),
        ({"steps": 3, "batches": lambda k: torch.zeros(3)}, "a batch is a Tensor; it should be a tuple"),
        ({"steps": 3, "every": 0}, "every is 0, patience None; both are at least 1"),
        ({"steps": 3, "patience": 2}, "every is 100, patience 2; .* patience needs validate"),
        ({"steps": 3, "model": torch.nn.Tanh()}, "the model Tanh has no weights to train"),
        (
            {"steps": 3, "model": torch.nn.Sequential(net(), torch.nn.Linear(1, 1).double())},
            "the model's weights are torch.float32 and torch.float64; they should have one dtype",
        ),
        (
            {"steps": 3, "model": torch.nn.Sequential(net(), torch.nn.Linear(1, 1, device="meta"))},
            "the model's weights are cpu and meta; they should have one device",
        ),
        ({"steps": 3, "loss": lambda m, x, y: m(x)}, r"the loss is a tensor of shape \(5, 1\); it should be a tensor"),
        ({"steps": 3, "loss": lambda m, x, y: 1.0}, "the loss is a float; it should be a tensor with one number"),
        ({"steps": 3, "loss": lambda m, x, y: y.sum()}, r"the loss is a tensor of shape \(\); .* gradient to the wei"),
        ({"steps": 3, "loss": lambda m, x, y: m(x).sum() * np.nan}, "the loss is nan at step 1; try a lower lr"),
        ({"steps": 3, "loss": lambda m, x, y: (0 * m(x)).sqrt().sum()}, "the gradient's norm is nan at step 1"),
    ],
)
def test_fit_says_what_is_wrong_and_changes_nothing(change, sentence):
    model = net()
    with pytest.raises(ValueError, match=sentence):
        fit(**{"model": model, "loss": loss, "batches": batch, "progress": False, **change})
    assert same(model, net())


def test_fit_says_why_a_checkpoint_does_not_fit(tmp_path):
    path = tmp_path / "run.pt"
    train(net(), steps=5, checkpoint=path)
    with pytest.raises(ValueError, match=r"run.pt is of a training with .*'lr': 0.001.*; this one has .*'lr': 0.1"):
        train(net(), lr=0.1, checkpoint=path)
    with pytest.raises(ValueError, match=r"run.pt holds 5 steps; steps is 4, and should be as many at least"):
        train(net(), steps=4, checkpoint=path)
    with pytest.raises(ValueError, match=r"run.pt holds the weights of another model; delete it to start anew"):
        train(torch.nn.Linear(3, 1), checkpoint=path)
    torch.save({"run": tmp_path, "random": 0}, path)  # an object, which might run code when it is read
    for content in (path.read_bytes(), b"", b"not a checkpoint", path.read_bytes()[:500]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"run.pt is no checkpoint of this fit; delete it to start anew"):
            train(net(), checkpoint=path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU")
def test_a_gpu_asked_for_and_missing_is_one_sentence():
    with pytest.raises(ValueError, match="device is cuda, but PyTorch sees 0 CUDA GPUs here; it should be cpu"):
        train(net(), device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_fit_trains_on_a_gpu_and_goes_on_there(tmp_path):
    model, history = train(net(), device="cuda", seed=0)
    assert next(model.parameters()).is_cuda
    path = tmp_path / "run.pt"
    train(net(), steps=9, device="cuda", seed=0, checkpoint=path)
    _, numbers = train(net(), device="cuda", seed=0, checkpoint=path)
    np.testing.assert_allclose(numbers, history, rtol=1e-5)
