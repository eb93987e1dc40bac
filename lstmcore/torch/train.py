"""One training loop for cells and models, on a CPU or a GPU; the names of `lstmcore.numpy.train.fit`."""

import contextlib
import copy
import json
import math
import os
import pickle
import signal
import threading
from pathlib import Path

import numpy as np
import torch

from lstmcore.numpy.train import bar
from lstmcore.torch.recurrent import usable


def fit(
    model, loss, batches, steps=None, lr=1e-3, clip=None, optim=None, stop=None, progress=True, name="fit",
    rng=None, validate=None, patience=None, checkpoint=None, every=100, epochs=None, seed=None, device=None,
):  # fmt: skip
    """Train the model in place and return (model, history): the loss of every step, as it went.

    loss(model, *batch)  -> one number (a tensor), or a tuple that starts with it
    batches              a function: batches(k) is the k-th batch, a tuple of tensors or arrays, for `steps` steps; or
                         a list of such tuples, gone through `epochs` times, each time in a new order
    lr, clip             learning rate, a number or a function of k; most norm of the gradient, or a function that
                         clips the gradients of a list of weights in place (None: no clipping)
    optim                a torch.optim optimiser of the model's weights, in place of Adam(lr)
    stop(k, *result)     asked after every step with what loss returned; True ends the training
    progress, name       a bar, and the word before it
    seed                 of torch's random numbers (dropout) and of a list's order
    device               where to train, "cuda" say; None: where the model is. Batches are brought there

    Early stopping. validate(model) -> number is asked after every `every` steps and at the end, with dropout off and
    without gradients, and the model gets back the weights of its least answer; `patience` such answers in a row that
    are no better end the training (None: none do).

    Checkpoint. The file `checkpoint` is written after every `every` steps, at the end and on Ctrl-C. The same call
    takes the training up from there and on a CPU gives the same numbers, bit for bit, as without the interruption.
    For that, batches(k) depends on k alone, or draws from `rng` alone (a NumPy generator), whose state is saved too.

    ValueError, a sentence, if the arguments do not fit together, or the loss or its gradient stops being a number.
    """
    batch, steps = plan(batches, steps, epochs, seed)
    if every < 1 or (patience is not None and (patience < 1 or not validate)):
        raise ValueError(f"every is {every}, patience {patience}; both are at least 1, and patience needs validate.")
    device = place(model, device)
    optim = optim or torch.optim.Adam(model.parameters(), 0.0 if callable(lr) else lr)
    settings = {
        "lr": None if callable(lr) else lr,
        "clip": None if callable(clip) else clip,
        "seed": seed,
        "rng": rng is not None,
    }
    run = {"history": [], "least": math.inf, "best": None, "waited": 0, "over": False}
    gpus, was_training = [device] if device.type == "cuda" else [], model.training
    with torch.random.fork_rng(gpus, enabled=seed is not None), CtrlC() as ctrl_c:
        if seed is not None:
            torch.manual_seed(seed)
        if checkpoint and Path(checkpoint).exists():
            run = load(checkpoint, model, optim, settings, rng, device, steps)
        with bar(steps, name, progress, len(run["history"])) as shown:
            model.train()
            while len(run["history"]) < steps and not run["over"]:
                k = len(run["history"])
                if callable(lr):
                    for group in optim.param_groups:
                        group["lr"] = lr(k)
                result = loss(model, *brought(batch(k), device))
                result = result if isinstance(result, tuple) else (result,)
                value = update(model, optim, result[0], clip, k)
                run["history"].append(value)
                run["over"] = bool(stop and stop(k, *result))
                due = (k + 1) % every == 0 or k + 1 == steps or run["over"]
                if validate and due:
                    judge(model, validate, patience, run)
                shown.update()
                shown.set_postfix(loss=f"{value:.3f}", refresh=False)
                if checkpoint and (due or ctrl_c.came):
                    save(checkpoint, model, optim, settings, rng, device, run)
                if ctrl_c.came:
                    kept = f"{checkpoint} has this state: the same call goes on from it"
                    lost = "the model keeps this step's weights; with a checkpoint the same call could go on from here"
                    raise KeyboardInterrupt(f"Stopped after step {k + 1} of {steps}; {kept if checkpoint else lost}.")
    if run["best"]:
        model.load_state_dict(run["best"])
    model.train(was_training)
    return model, np.array(run["history"])


def plan(batches, steps, epochs, seed):
    """(function from k to a batch, number of steps)."""
    if (steps is None) == (epochs is None):
        raise ValueError(f"steps is {steps} and epochs is {epochs}; one of them should be given.")
    length, count = ("steps", steps) if epochs is None else ("epochs", epochs)
    if count < 1:
        raise ValueError(f"{length} is {count}; it should be at least 1.")
    if steps and callable(batches):
        return batches, steps
    if steps or not isinstance(batches, list | tuple):
        wanted = "a function of the step's number" if steps else "a list of batches, since epochs are asked for"
        raise ValueError(f"batches is a {type(batches).__name__}; it should be {wanted}.")
    if not batches:
        raise ValueError("batches is an empty list; it should have at least one batch.")

    def batch(k):
        epoch, at = divmod(k, len(batches))
        return batches[np.random.default_rng([seed or 0, epoch]).permutation(len(batches))[at]]

    return batch, epochs * len(batches)


def place(model, device):
    """Bring the model to the device -> that device."""
    weights = list(model.parameters())
    if not weights:
        raise ValueError(f"the model {type(model).__name__} has no weights to train.")
    if device is not None:
        model.to(usable(device))
    for what in ("dtype", "device"):
        kinds = sorted({str(getattr(p, what)) for p in weights})
        if len(kinds) > 1:
            raise ValueError(f"the model's weights are {' and '.join(kinds)}; they should have one {what}.")
    return weights[0].device


def brought(batch, device):
    if not isinstance(batch, list | tuple):
        raise ValueError(f"a batch is a {type(batch).__name__}; it should be a tuple, the loss's arguments.")
    return [torch.as_tensor(a, device=device) if isinstance(a, torch.Tensor | np.ndarray) else a for a in batch]


def update(model, optim, value, clip, k):
    """One step down the gradient -> the loss as a number. Nothing is changed where that or the gradient is none."""
    if not isinstance(value, torch.Tensor) or value.numel() != 1 or not value.requires_grad:
        what = f"tensor of shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else type(value).__name__
        raise ValueError(
            f"the loss is a {what}; it should be a tensor with one number, with a gradient to the weights."
        )
    number = value.item()
    if not math.isfinite(number):
        raise ValueError(f"the loss is {number} at step {k + 1}; try a lower lr, or clip the gradient.")
    optim.zero_grad()
    value.backward()
    weights = list(model.parameters())
    if callable(clip):
        clip(weights)
    norm = torch.nn.utils.clip_grad_norm_(weights, math.inf if clip is None or callable(clip) else clip).item()
    if not math.isfinite(norm):
        raise ValueError(f"the gradient's norm is {norm} at step {k + 1}; try a lower lr.")
    optim.step()
    return number


def judge(model, validate, patience, run):
    model.eval()
    with torch.no_grad():
        value = float(validate(model))
    model.train()
    if value < run["least"]:
        run |= {"least": value, "best": copy.deepcopy(model.state_dict()), "waited": 0}
    else:
        run["waited"] += 1
        run["over"] |= run["waited"] == patience


def save(path, model, optim, settings, rng, device, run):
    """Write beside, then rename: a crash leaves the old file."""
    state = {"model": model.state_dict(), "optim": optim.state_dict(), "settings": settings, "run": run}
    state["random"] = torch.get_rng_state(), torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    state["rng"] = rng and json.dumps(rng.bit_generator.state, default=np.ndarray.tolist)
    path = Path(path)
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def load(path, model, optim, settings, rng, device, steps):
    """Bring model, optimiser and random numbers to the state of the file -> the run so far."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        run, random = state["run"], state["random"]
    except (RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} is no checkpoint of this fit; delete it to start anew.") from error
    if state["settings"] != settings:
        raise ValueError(f"{path} is of a training with {state['settings']}; this one has {settings}.")
    if len(run["history"]) > steps:
        raise ValueError(f"{path} holds {len(run['history'])} steps; steps is {steps}, and should be as many at least.")
    shapes = [{key: tuple(a.shape) for key, a in m.items()} for m in (state["model"], model.state_dict())]
    if shapes[0] != shapes[1]:
        raise ValueError(f"{path} holds the weights of another model; delete it to start anew.")
    model.load_state_dict(state["model"])
    optim.load_state_dict(state["optim"])
    torch.set_rng_state(random[0])
    if device.type == "cuda" and random[1] is not None:
        torch.cuda.set_rng_state(random[1], device)
    if rng:
        rng.bit_generator.state = json.loads(state["rng"])
    return run


class CtrlC(contextlib.AbstractContextManager):
    """Makes Ctrl-C wait for the end of a step, so that no half-made update is kept; a second one does not wait.

    Only where Python's own handler stands: not in a thread, not where someone else watches or SIGINT is ignored.
    """

    def __init__(self):
        self.came = False
        main = threading.current_thread() is threading.main_thread()
        self.ours = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler

    def __enter__(self):
        if self.ours:
            signal.signal(signal.SIGINT, self.handle)
        return self

    def handle(self, *_):
        self.came = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *_):
        if self.ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
