"""Comparisons that teach: what is wrong, where it is, and which known mistake explains it."""

import numpy as np


def close(got, want, name, mistakes=None, **tolerance):
    """AssertionError, a sentence, unless `got` equals `want`; if it equals a known wrong answer, the sentence says so.

    mistakes: {"what the learner did": the array that doing so makes}
    """
    said = explain([(got, want, mistakes or {})], name, **tolerance)
    if said:
        raise AssertionError(said)


def explain(results, name, **tolerance):
    """None if every `got` equals its `want`, else one sentence. results: [(got, want, {mistake: what it makes})].

    A mistake explains the results if it makes each wrong `got` exactly.
    """
    wrong = [result for result in results if difference(*result[:2], name, **tolerance)]
    if not wrong:
        return None
    for mistake in wrong[0][2]:
        if not any(difference(got, made[mistake], name, **tolerance) for got, _, made in wrong):
            return f"{name} is what you get when {mistake}."
    return difference(*wrong[0][:2], name, **tolerance)


def difference(got, want, name, rtol=None, atol=None, blocks=()):
    """None if `got` equals `want`, whatever its dtype, else what is wrong: the shape, or the worst entry and the place.

    By default as precise as the dtype of `want` allows. blocks: names of equal blocks of rows, ("i", "f", "g", "o").
    """
    if got is None:
        return f"{name} is None; does the function return it?"
    try:
        got, want = np.asarray(got) + 0.0, np.asarray(want) + 0.0
    except (TypeError, ValueError):
        return f"{name} is a {type(got).__name__}; it should be an array of numbers."
    if got.shape != want.shape:
        return f"{name} has shape {got.shape}; it should be {want.shape}."
    single = want.dtype == np.float32
    rtol = (1e-4 if single else 1e-7) if rtol is None else rtol
    atol = (1e-5 if single else 1e-9) if atol is None else atol
    with np.errstate(all="ignore"):
        right = np.isclose(got, want, rtol, atol, equal_nan=True)  # a mistake may make the same nan
        if right.all():
            return None
        error = np.where(np.isfinite(got), np.abs(got - want), np.inf)
    k = np.unravel_index(error.argmax(), error.shape)
    where = f"[{', '.join(map(str, k))}]" if k else ""
    return f"{name}{where} is {got[k]:.6g}; it should be {want[k]:.6g}.{place(right, name, blocks)}"


def place(right, name, blocks):
    """Which gates' rows, or which steps of an array (T, B, H), are right: a sentence, or "" where none is."""
    if len(blocks) > 1 and right.ndim and len(right) % len(blocks) == 0:
        fine = dict(zip(blocks, right.reshape(len(blocks), -1).all(axis=1), strict=True))
        wrong, good = (", ".join(gate for gate in blocks if fine[gate] == is_fine) for is_fine in (False, True))
        return f" {name} is wrong for {wrong} and right for {good}." if good else ""
    if right.ndim == 3:
        steps = right.all(axis=(1, 2))
        first, after = steps.argmin(), len(steps) - steps[::-1].argmin()
        if first:
            return f" It is right up to {name}[{first - 1}], wrong from there on: is the state carried?"
        if after < len(steps):
            return f" It is right from {name}[{after}] on, wrong before: is the gradient carried back?"
    return ""


def answer(notebook, function):
    """Judge a function of an exercise on inputs that its author has not seen, as grading does.

    notebook: "03_lstm_gates/gates". Prints a line if it is right, else AssertionError, a sentence. Where the solutions
    are not at hand (work for marks) it says that this is checked on handing in.
    """
    try:
        from coursekit.grading import specs

        fraction, sentence, inputs = specs.try_out(*notebook.split("/"), function)
    except (ImportError, FileNotFoundError):
        print("More of this answer is checked on handing in.")
        return
    if fraction < 1:
        raise AssertionError(sentence)
    print(f"{sentence} ({function.__name__}, {inputs} hidden inputs)")
