"""fit: early stopping, and interruptions that lose nothing; SGD and clipping by value against torch."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from lstmcore import tasks
from lstmcore.cells.lstm import State
from lstmcore.numpy import gru, layers, lstm, model, train
from lstmcore.numpy.loss import cross_entropy, squared_error
from lstmcore.numpy.optim import SGD, Adam, clip_value, norm
from lstmcore.numpy.train import fit
from lstmcore.tree import leaves


@pytest.mark.parametrize("momentum", [0, 0.9])
def test_sgd_is_torchs_over_many_steps(momentum):
    rng = np.random.default_rng(0)
    ours = State(rng.normal(size=(2, 3)), rng.normal(size=4))
    theirs = [torch.tensor(a, requires_grad=True) for a in ours]
    sgd, oracle = SGD(0.1, momentum), torch.optim.SGD(theirs, 0.1, momentum)
    for _ in range(20):
        grads = State(rng.normal(size=(2, 3)), rng.normal(size=4))
        ours = sgd.step(ours, grads)
        for a, g in zip(theirs, grads, strict=True):
            a.grad = torch.tensor(g)
        oracle.step()
    for got, want in zip(ours, theirs, strict=True):
        assert_allclose(got, want.detach(), rtol=1e-10)


def test_clipping_by_value_is_torchs():
    rng = np.random.default_rng(0)
    grads = State(3 * rng.normal(size=(2, 3)), rng.normal(size=4))
    theirs = [torch.zeros(a.shape, dtype=torch.float64) for a in grads]
    for a, g in zip(theirs, grads, strict=True):
        a.grad = torch.tensor(g)
    torch.nn.utils.clip_grad_value_(theirs, 0.7)
    for got, want in zip(clip_value(grads, 0.7), theirs, strict=True):
        assert_array_equal(got, want.grad)


# A problem that uses all there is: a recurrent model, batches from an rng, a falling learning rate, clipping.


def problem(seed=0, bits=np.random.PCG64, optim=Adam):
    rng = np.random.Generator(bits(seed))
    m = model.init(gru, 6, 3, 2, rng)
    return {
        "params": m,
        "loss": lambda m, *batch: model.loss(gru, m, *batch),
        "batches": lambda k: tasks.recall(rng, 4, 3),
        "lr": lambda k: 0.03 / (1 + k),
        "optim": optim(),
        "clip": 1.0,
        "rng": rng,
        "progress": False,
        "every": 4,
    }


def same(a, b):
    for got, want in zip(leaves(a), leaves(b), strict=True):
        assert got.dtype == want.dtype
        assert_array_equal(got, want)


def failing(function, at, error):
    """function, but its call number `at` fails after its work is done: the worst moment."""
    calls = iter(range(10**6))

    def wrapped(*args):
        result = function(*args)
        if next(calls) == at:
            raise error
        return result

    return wrapped


INTERRUPTIONS = [
    (where, at, np.random.PCG64) for where in ("batches", "loss", "step", "validate", "save") for at in (0, 5)
]
INTERRUPTIONS += [("batches", 9, bits) for bits in (np.random.MT19937, np.random.Philox)]


@pytest.mark.parametrize("where, at, bits", INTERRUPTIONS)
def test_an_interrupted_training_gives_the_same_numbers_bit_for_bit(tmp_path, monkeypatch, where, at, bits):
    def validate(m):
        return model.loss(gru, m, *tasks.recall(np.random.default_rng(9), 8, 3))[0]

    want = fit(steps=30, validate=validate, **problem(bits=bits))
    again = problem(bits=bits) | {"checkpoint": tmp_path / "run.npz", "validate": validate}
    broken = dict(again)
    if where == "step":
        broken["optim"].step = failing(broken["optim"].step, at, KeyboardInterrupt())
    elif where == "save":
        monkeypatch.setattr(train.os, "replace", failing(train.os.replace, at, KeyboardInterrupt()))
    else:
        broken[where] = failing(broken[where], at, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        fit(steps=30, **broken)
    monkeypatch.undo()

    resumed = []
    fresh = problem(seed=1, bits=bits)  # another start, which the checkpoint replaces
    fresh |= {"checkpoint": tmp_path / "run.npz", "validate": validate, "stop": lambda k, *_: resumed.append(k)}
    got = fit(steps=30, **fresh)
    same(got, want)
    assert resumed == list(range(resumed[0], 30)) and (resumed[0] > 0 or at == 0)
    same(fit(steps=30, **fresh), want)  # once more: all done, nothing is computed
    assert resumed[-1] == 29 and len(resumed) <= 30


@pytest.mark.parametrize("optim", [Adam, lambda: SGD(momentum=0.9)])
def test_more_steps_go_on_where_the_checkpoint_ended(tmp_path, optim):
    want = fit(steps=20, **problem(optim=optim))
    fit(steps=7, checkpoint=tmp_path / "run.npz", **problem(optim=optim))
    same(fit(steps=20, checkpoint=str(tmp_path / "run.npz"), **problem(optim=optim)), want)


KILLED = """
import sys, time
import numpy as np
from lstmcore.numpy.train import fit

def loss(p, k):
    time.sleep(0.002)
    return float(np.sum(p[0] ** 2)), (2 * p[0] + 0.1 * np.random.default_rng(k).normal(size=3),)

params, history = fit((np.ones(3),), loss, lambda k: (k,), 250, checkpoint=sys.argv[1], every=10, progress=False)
print(repr(params), repr(history.sum()))
"""


def test_a_killed_training_loses_at_most_the_steps_since_its_checkpoint(tmp_path):
    """SIGKILL cannot be caught, at whatever moment it comes; the file is whole, and the end is the same."""

    def run(name):
        return subprocess.Popen([sys.executable, "-c", KILLED, tmp_path / name], stdout=subprocess.PIPE, text=True)

    whole, killed = run("whole.npz"), run("killed.npz")
    end = time.monotonic() + 60
    while not (tmp_path / "killed.npz").exists() and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.1)
    killed.kill()
    assert killed.communicate()[0] == "" and killed.returncode == -signal.SIGKILL
    with np.load(tmp_path / "killed.npz") as file:
        assert 0 < len(file["history.0"]) < 250
    want = whole.communicate(timeout=60)[0]
    assert want and run("killed.npz").communicate(timeout=60)[0] == want


def test_a_write_that_fails_leaves_the_old_checkpoint_whole(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    fit(steps=4, checkpoint=path, **problem())
    before = path.read_bytes()

    def half(file, **arrays):
        file.write(b"PK half of it")
        raise OSError("no space left")

    monkeypatch.setattr(train.np, "savez", half)
    with pytest.raises(OSError, match="no space left"):
        fit(steps=9, checkpoint=path, **problem())
    assert path.read_bytes() == before


def test_a_checkpoint_holds_arrays_only(tmp_path):
    fit(steps=4, checkpoint=tmp_path / "run.npz", **problem())
    with np.load(tmp_path / "run.npz", allow_pickle=False) as file:
        assert not any(file[name].dtype.hasobject for name in file)
        assert len(file["history.0"]) == 4


def test_patience_ends_a_training_and_the_best_params_are_returned(tmp_path):
    answers = iter([5.0, 3.0, 4.0, 3.0, 2.0, 2.5, 2.0, 9.0, 1.0])
    seen = []

    def validate(m):
        seen.append(m)
        return next(answers)

    q = problem() | {"checkpoint": tmp_path / "run.npz"}
    m, history = fit(steps=100, validate=validate, patience=3, **q)
    assert len(history) == 8 * 4 and len(seen) == 8
    same(m, seen[4])
    same(fit(steps=100, validate=validate, patience=3, **q)[0], m)  # it is over, and stays so
    assert next(answers) == 1.0


def test_validate_is_asked_after_every_few_steps_and_after_the_last():
    asked = []
    fit(steps=10, validate=lambda m: asked.append(1) or 1.0, **problem())
    assert len(asked) == 3  # after 4, 8 and 10 steps


def test_a_training_that_is_stopped_before_its_first_validation_is_validated_then():
    asked = []
    m, history = fit(steps=10, stop=lambda k, *result: k == 1, validate=lambda m: asked.append(m) or 1.0, **problem())
    assert len(history) == 2 and len(asked) == 1
    same(m, asked[0])


def test_clip_takes_a_function_of_the_gradients():
    q, sizes = problem() | {"optim": SGD(1.0), "lr": 1.0}, []
    q["clip"] = lambda grads: sizes.append(norm(grads)) or clip_value(grads, 1e-6)
    m, _ = fit(steps=1, **q)
    moved = max(np.abs(a - b).max() for a, b in zip(leaves(m), leaves(q["params"]), strict=True))
    assert sizes[0] > 1e-3 and moved <= 1.1e-6


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    fit(steps=4, checkpoint=path, **problem())
    with pytest.raises(ValueError, match="holds other params than this training has; delete it to start anew"):
        fit(steps=4, checkpoint=path, **problem() | {"params": model.init(gru, 6, 4, 2, np.random.default_rng(0))})
    with pytest.raises(ValueError, match="holds other optim than this training has"):
        fit(steps=4, checkpoint=path, **problem(optim=SGD))
    with pytest.raises(ValueError, match="was written with an rng; it should be the same"):
        fit(steps=4, checkpoint=path, **problem() | {"rng": None})
    with pytest.raises(ValueError, match="holds 4 steps; steps is 3, and should be as many at least"):
        fit(steps=3, checkpoint=path, **problem())
    for content in (b"", b"not a checkpoint", b"PK\x03\x04"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is not a checkpoint of fit; delete it to start anew"):
            fit(steps=4, checkpoint=path, **problem())
        assert path.read_bytes() == content
    with pytest.raises(ValueError, match="there is no folder"):
        fit(steps=4, checkpoint=tmp_path / "nowhere" / "run.npz", **problem())
    with pytest.raises(ValueError, match="optim is a object; for a checkpoint it should have start and state"):
        fit(steps=4, checkpoint=path, **problem() | {"optim": object()})
    with pytest.raises(ValueError, match="every is 0; it should be at least 1"):
        fit(steps=4, **problem() | {"every": 0})
    with pytest.raises(ValueError, match="validate gave nan after step 4"):
        fit(steps=4, validate=lambda m: np.nan, **problem())


@pytest.mark.parametrize("every", [False, True])
def test_a_model_is_torchs_net_values_and_gradients_for_squared_error_on_padded_stacks(every):
    """Two LSTM layers and a readout against torch.nn with a mask; half of torch's mean squared error."""
    rng, lengths = np.random.default_rng(0), np.array([5, 2, 4])
    p = layers.init(lstm, 3, 4, rng, layers=2, dtype=np.float64)
    m = model.Model(p, rng.normal(size=(2, 4)), rng.normal(size=2))
    xs, target = rng.normal(size=(5, 3, 3)), rng.normal(size=(5, 3, 2) if every else (3, 2))
    value, grads, y = model.loss(lstm, m, xs, target, lengths, squared_error)

    net = torch.nn.LSTM(3, 4, num_layers=2, dtype=torch.float64)
    with torch.no_grad():
        for k, layer in enumerate(p):
            for name, array in [
                ("weight_ih", layer.W_x),
                ("weight_hh", layer.W_h),
                ("bias_ih", layer.b),
                ("bias_hh", 0),
            ]:
                getattr(net, f"{name}_l{k}").copy_(torch.as_tensor(array))
    W_y, b_y = (torch.tensor(a, requires_grad=True) for a in (m.W_y, m.b_y))
    want_y = net(torch.tensor(xs))[0] @ W_y.T + b_y
    inside = torch.tensor(np.arange(5)[:, None] < lengths)
    picked = want_y[inside] if every else want_y[lengths - 1, range(3)]
    want = torch.nn.functional.mse_loss(picked, torch.tensor(target[inside] if every else target))  # over 2 numbers
    want.backward()
    assert_allclose(value, want.detach(), rtol=1e-10)
    assert_allclose(y[inside] if every else y, picked.detach(), rtol=1e-10)
    for got, theirs in [(grads.W_y, W_y), (grads.b_y, b_y), (grads.cell[0].W_h, net.weight_hh_l0)]:
        assert_allclose(got, theirs.grad, rtol=1e-9, atol=1e-12)


def test_losses_need_an_entry_that_counts():
    with pytest.raises(ValueError, match=r"the weights add up to 0.0; at least one entry should count"):
        cross_entropy(np.zeros((2, 3)), np.zeros(2, int), np.zeros(2))
