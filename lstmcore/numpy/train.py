"""One plain training loop."""

import numpy as np

from lstmcore.numpy.optim import Adam, clip_norm


def fit(params, loss, batches, steps, lr=1e-3, clip=None, optim=None, stop=None, progress=True, name="fit"):
    """Train and return (params, history): the loss of every step, as it went.

    loss(params, *batch) -> (number, gradient of the type of params, …)
    batches(k)           -> the k-th batch, a tuple
    steps, lr, clip      updates, learning rate of Adam, most norm of the gradient (None: no clipping)
    optim                anything with step(params, grads) -> params, in place of Adam(lr)
    stop(k, *result)     asked after every step with what loss returned; True ends the training
    progress, name       a bar, and the word before it
    ValueError if the loss stops being a number.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; it should be at least 1.")
    if not callable(batches):
        raise ValueError(f"batches is a {type(batches).__name__}; it should be a function of the step's number.")
    optim = optim or Adam(lr)
    history = []
    with bar(steps, name, progress) as shown:
        for k in range(steps):
            result = loss(params, *batches(k))
            value, grads = float(result[0]), result[1]
            if not np.isfinite(value):
                raise ValueError(f"the loss is {value} at step {k + 1}; try a lower lr, or clip the gradient.")
            history.append(value)
            params = optim.step(params, grads if clip is None else clip_norm(grads, clip))
            shown.update()
            shown.set_postfix(loss=f"{value:.3f}", refresh=False)
            if stop and stop(k, *result):
                break
    return params, np.array(history)


def bar(steps, name, progress):
    from tqdm.auto import tqdm

    return tqdm(total=steps, desc=name, disable=not progress, leave=False, mininterval=0.5)
