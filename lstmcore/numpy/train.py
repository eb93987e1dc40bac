"""One plain training loop, which can be stopped early, interrupted, and taken up again."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lstmcore.numpy.optim import Adam, clip_norm
from lstmcore.tree import leaves, unflatten


class Run(NamedTuple):
    """All that a training knows after some steps. A checkpoint holds its arrays and nothing else."""

    params: Any
    optim: Any  # the optimiser's state
    history: Any  # the loss of every step so far
    best: Any  # the params of the best validation so far
    least: Any  # what it gave
    waited: Any  # validations since then
    over: Any  # True once `stop` or `patience` ended the training
    rng: Any  # the state of rng, as text


def fit(
    params, loss, batches, steps, lr=1e-3, clip=None, optim=None, stop=None, progress=True, name="fit",
    rng=None, validate=None, patience=None, checkpoint=None, every=100,
):  # fmt: skip
    """Train and return (params, history): the loss of every step, as it went.

    loss(params, *batch) -> (number, gradient of the type of params, …)
    batches(k)           -> the k-th batch, a tuple
    steps, lr, clip      updates; learning rate, a number or a function of k; most norm of the gradient, or a function
                         from gradients to gradients (None: no clipping)
    optim                anything with step(params, grads) -> params, in place of Adam(lr); it brings its own lr
    stop(k, *result)     asked after every step with what loss returned; True ends the training
    progress, name       a bar, and the word before it

    Early stopping. validate(params) -> number is asked after every `every` steps and at the end, and the params of its
    least answer are returned; `patience` such answers in a row that are no better end the training (None: none do).

    Checkpoint. The file `checkpoint` is written after every `every` steps and at the end, an interruption included.
    The same call takes the training up from there and returns the same numbers, bit for bit, as without the
    interruption. For that, batches(k) depends on k alone, or draws from `rng` alone, whose state is saved as well.

    ValueError if the loss stops being a number, or the checkpoint is of another training.
    """
    for word, number in [("steps", steps), ("every", every)]:
        if number < 1:
            raise ValueError(f"{word} is {number}; it should be at least 1.")
    if not callable(batches):
        raise ValueError(f"batches is a {type(batches).__name__}; it should be a function of the step's number.")
    optim = optim or Adam(lr)
    path, history = checkpoint and Path(checkpoint), np.empty(steps)
    run = start(params, optim, history, rng, path)
    with bar(steps, name, progress, len(run.history)) as shown:
        try:
            while len(run.history) < steps and not run.over:
                k = len(run.history)
                if callable(lr):
                    optim.lr = lr(k)
                result = loss(run.params, *batches(k))
                value, grads = float(result[0]), result[1]
                if not np.isfinite(value):
                    raise ValueError(f"the loss is {value} at step {k + 1}; try a lower lr, or clip the gradient.")
                if clip is not None:
                    grads = clip(grads) if callable(clip) else clip_norm(grads, clip)
                new = run._replace(params=optim.step(run.params, grads), optim=getattr(optim, "state", ()))
                history[k], over = value, bool(stop and stop(k, *result))
                due = (k + 1) % every == 0 or k + 1 == steps or over
                if validate and due:
                    new = judged(new, float(validate(new.params)), patience)
                run = new._replace(history=history[: k + 1], over=over or new.over, rng=rng_state(rng))
                shown.update()
                shown.set_postfix(loss=f"{value:.3f}", refresh=False)
                if path and due:
                    save(path, run)
        finally:  # run is whole, wherever the interruption came
            if path:
                save(path, run)
    return run.best if validate else run.params, run.history


def start(params, optim, history, rng, path):
    """The run before its first step, or as its checkpoint holds it; optim, history and rng are set to it."""
    if path and not hasattr(optim, "start"):
        raise ValueError(
            f"optim is a {type(optim).__name__}; for a checkpoint it should have start and state, as Adam."
        )
    if path and not path.parent.is_dir():
        raise ValueError(f"checkpoint is {path}; there is no folder {path.parent}.")
    if path and optim.state is None:
        optim.start(params)
    run = Run(params, getattr(optim, "state", ()), history[:0], params, np.inf, 0, False, rng_state(rng))
    if not path or not path.exists():
        return run
    run = load(path, run)
    done, steps = len(run.history), len(history)
    if done > steps:
        raise ValueError(f"{path} holds {done} steps; steps is {steps}, and should be as many at least.")
    if (rng is None) != (run.rng == "null"):
        raise ValueError(
            f"{path} was written {'without' if run.rng == 'null' else 'with'} an rng; it should be the same."
        )
    history[:done], optim.state = run.history, run.optim
    if rng is not None:
        rng.bit_generator.state = json.loads(run.rng)
    return run._replace(history=history[:done])


def judged(run, value, patience):
    """The run after a validation that gave `value`."""
    if np.isnan(value):
        raise ValueError(f"validate gave {value} after step {len(run.history) + 1}; it should be a number.")
    if value < run.least:
        return run._replace(best=run.params, least=value, waited=0)
    return run._replace(waited=run.waited + 1, over=patience is not None and run.waited + 1 >= patience)


def save(path, run):
    """The run's arrays, all or none: they are written beside and renamed when whole."""
    arrays = {f"{name}.{k}": leaf for name, tree in run._asdict().items() for k, leaf in enumerate(leaves(tree))}
    beside = path.with_name(path.name + ".part")
    with open(beside, "wb") as file:
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def load(path, like):
    """The run that `save` wrote. ValueError unless its params and optimiser's state have the shapes of `like`'s."""
    try:
        with open(path, "rb") as raw, np.load(raw) as file:
            arrays = dict(file)
        held = {name: [arrays[key] for key in arrays if key.split(".")[0] == name] for name in Run._fields}
        history, least, waited, over, rng = (held[name][0] for name in ("history", "least", "waited", "over", "rng"))
    except (ValueError, OSError, EOFError, IndexError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not a checkpoint of fit; delete it to start anew.") from error
    for name in ("params", "optim"):
        want = [(np.shape(leaf), np.asarray(leaf).dtype) for leaf in leaves(getattr(like, name))]
        if [(a.shape, a.dtype) for a in held[name]] != want:
            raise ValueError(f"{path} holds other {name} than this training has; delete it to start anew.")
    params, optim, best = (unflatten(getattr(like, name), held[name]) for name in ("params", "optim", "best"))
    return Run(params, optim, history, best, float(least), int(waited), bool(over), str(rng))


def rng_state(rng):
    return "null" if rng is None else json.dumps(rng.bit_generator.state, default=np.ndarray.tolist)


def bar(steps, name, progress, done=0):
    from tqdm.auto import tqdm

    return tqdm(total=steps, initial=done, desc=name, disable=not progress, leave=False, mininterval=0.5)
