"""All models forecast a dryer's ten sensors: their weights, CPU seconds an epoch, and error.

The next 12 samples from the last 48, every window of the first 50 batches for training, of the other 21 for the test;
scaled by the training's mean and spread. Errors are in squares of that spread, 1 being the forecast that always says
the mean. "persistence" says the last value twelve times, and has nothing to learn. Seconds are the thread's at work,
whatever else the machine was doing.
"""

import time

import numpy as np
import torch

from experiments import columns
from lstmcore import data
from lstmcore.torch import gru, lstm, rnn
from lstmcore.torch.models.cnn import CNN
from lstmcore.torch.models.ltsf_linear import DLinear, Linear, NLinear
from lstmcore.torch.models.neural_ode import NeuralODE
from lstmcore.torch.models.recurrent import RecurrentModel
from lstmcore.torch.models.tcn import TCN
from lstmcore.torch.models.transformer import Transformer
from lstmcore.torch.train import fit

PAST, HORIZON, D, H, B, EPOCHS = 48, 12, 10, 32, 64, 5
MODELS = {
    "rnn": lambda: RecurrentModel(rnn, D, D, H, HORIZON),
    "lstm": lambda: RecurrentModel(lstm, D, D, H, HORIZON),
    "gru": lambda: RecurrentModel(gru, D, D, H, HORIZON),
    "cnn": lambda: CNN(D, D, H, HORIZON),
    "tcn": lambda: TCN(D, D, H, HORIZON),
    "transformer": lambda: Transformer(D, D, H, HORIZON),
    "neural ode": lambda: NeuralODE(D, D, H, HORIZON),
    "linear": lambda: Linear(D, D, PAST, HORIZON),
    "nlinear": lambda: NLinear(D, D, PAST, HORIZON),
    "dlinear": lambda: DLinear(D, D, PAST, HORIZON),
    "persistence": lambda: None,
}
CASES = [{"model": name} for name in MODELS]
SEEDS = 3


def windows():
    """xs (PAST, N, D) and target (HORIZON, N, D), for training and for the test."""
    xs, lengths, _ = data.dryer()
    known = np.concatenate([xs[:n, b] for b, n in enumerate(lengths[:50])])
    xs = (xs - known.mean(axis=0)) / known.std(axis=0)
    length, cut = PAST + HORIZON, []
    for part in (range(50), range(50, len(lengths))):
        every = [xs[t : t + length, b] for b in part for t in range(lengths[b] - length + 1)]
        both = torch.from_numpy(np.stack(every, axis=1))
        cut.append((both[:PAST], both[PAST:]))
    return cut


def error(model, xs, target):
    return torch.nn.functional.mse_loss(model(xs), target)


def run(seed, model):
    (xs, target), test = windows()
    torch.manual_seed(seed)
    net = MODELS[model]()
    if net is None:
        return {"weights": 0, "cpu_seconds": 0.0, "mse": error(lambda xs: xs[-1:].expand_as(test[1]), *test).item()}
    order = torch.randperm(xs.shape[1])
    batches = [(xs[:, n], target[:, n]) for n in order.split(B)]
    began = time.process_time()
    fit(net, error, batches, epochs=EPOCHS, lr=2e-3, clip=1.0, seed=seed, progress=False)
    seconds = (time.process_time() - began) / EPOCHS
    with torch.no_grad():
        mse = error(net.eval(), *test).item()
    return {"weights": sum(p.numel() for p in net.parameters()), "cpu_seconds": round(seconds, 3), "mse": mse}


def table(rows):
    lines = []
    for name in MODELS:
        mine = [row for row in rows if row["model"] == name]
        if mine:
            mses = [row["mse"] for row in mine]
            seconds = np.median([row["cpu_seconds"] for row in mine])
            spread = f"{np.median(mses):.3f} ({min(mses):.3f} … {max(mses):.3f})"
            lines.append((name, f"{mine[0]['weights']:,}", f"{seconds:.2f}", spread))
    return columns(["model", "weights", "CPU s an epoch", f"test MSE after {EPOCHS} epochs"], lines)
