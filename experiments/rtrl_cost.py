"""What RTRL costs beside BPTT: multiply-adds of matrix products, counted as they are done, and seconds, per step.

A plain net of n units with n inputs, one sequence of 16 steps, float64. Every product passes through an array that
counts it, so the counts are of our code and not of a formula. The exponent is that of the step from n/2 to n.
"""

import time

import numpy as np

from experiments import columns
from lstmcore import weights
from lstmcore.numpy import rnn
from lstmcore.numpy.bptt import scan_backward
from lstmcore.numpy.rtrl import rtrl
from lstmcore.scan import scan
from lstmcore.tree import tree_map

T = 16
CASES = [dict(n=n) for n in (4, 8, 16, 32, 64)]
SEEDS = 1


class Counted(np.ndarray):
    """An array that counts the multiply-adds of every matrix product it is in."""

    done = 0

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        plain = [np.asarray(a) for a in inputs]
        if ufunc is np.matmul:
            Counted.done += plain[0].size * plain[1].shape[-1]
        if out is not None:
            options["out"] = tuple(np.asarray(a) for a in out)
        result = getattr(ufunc, method)(*plain, **options)
        return result.view(Counted) if isinstance(result, np.ndarray) else result

    def __array_function__(self, func, types, args, kwargs):
        result = super().__array_function__(func, types, args, kwargs)  # concatenate and stack forget the class
        return result.view(Counted) if isinstance(result, np.ndarray) else result


def bptt(p, state, xs, dhs):
    return scan_backward(rnn.step_backward, p, scan(rnn.step, p, state, xs), xs, dhs)[0]


def forward_in_time(p, state, xs, dhs):
    return rtrl(rnn.step, rnn.step_backward, p, state, xs, dhs)[0]


def run(seed, n):
    rng = np.random.default_rng(seed)
    args = (
        weights.uniform(rnn.Params, n, n, rng),
        weights.zeros_state(rnn.State, 1, n),
        *rng.normal(size=(2, T, 1, n)),
    )
    found = {}
    for name, method in (("bptt", bptt), ("rtrl", forward_in_time)):
        Counted.done = 0
        method(*tree_map(lambda a: a.view(Counted), args))
        found[name] = Counted.done / T
    times = {"bptt": [], "rtrl": []}
    for _ in range(5):
        for name, method in (("bptt", bptt), ("rtrl", forward_in_time)):
            began = time.perf_counter()
            got = method(*args)
            times[name].append((time.perf_counter() - began) / T)
            found[f"{name}_gradient"] = np.sqrt(sum((a**2).sum() for a in got))
    return found | {f"{name}_seconds": float(np.median(each)) for name, each in times.items()}


def table(rows):
    lines, before = [], None
    for row in rows:
        slope = [f"{np.log2(row[k] / before[k]):.2f}" if before else "" for k in ("bptt", "rtrl")]
        seconds = [f"{1e6 * row[k]:,.0f}" for k in ("bptt_seconds", "rtrl_seconds")]
        ratio = f"{row['rtrl'] / row['bptt']:,.0f}"
        lines.append((row["n"], f"{row['bptt']:,.0f}", slope[0], f"{row['rtrl']:,.0f}", slope[1], ratio, *seconds))
        before = row
    return columns(["n", "BPTT", "exponent", "RTRL", "exponent", "ratio", "BPTT µs", "RTRL µs"], lines)
