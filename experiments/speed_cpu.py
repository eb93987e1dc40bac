"""How fast the cells are on one core, in float32, beside torch.nn, the products alone, and plain code.

Every number is CPU time of the process, one thread; the engines take turns in one run, and a ratio is taken within a
turn. Forward is the one that keeps what backward needs.
ours      lstmcore.numpy.*_fast
nn        torch.nn
products  the matrix products alone, each as large as the recurrence allows: what no exact method in NumPy can beat
cached    plain NumPy, step by step (_plain.py)
loop      plain PyTorch, step by step, with autograd (_plain.py)
"""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

from experiments import columns
from experiments._plain import PLAIN, PLAIN_TORCH
from lstmcore.cells import gru, lstm, rnn
from lstmcore.numpy import gru_fast, lstm_fast, rnn_fast

SIZES = [(16, 64), (64, 128), (64, 256)]
CASES = [
    dict(cell=cell, T=T, B=B, D=D, H=H)
    for cell in ("lstm", "gru", "rnn")
    for T in (32, 100, 1000)
    for D, H in SIZES
    for B in (1, 32, 128)
]
SEEDS = 1
ROOT = Path(__file__).resolve().parents[1]
CELLS = {"rnn": (rnn, rnn_fast), "lstm": (lstm, lstm_fast), "gru": (gru, gru_fast)}
CALLS = {"lstm": 18, "gru": 16, "rnn": 5}  # of NumPy in one step, forward and backward
TURNS, SECONDS = 3, 2  # at least as many turns, and as many seconds, for a case: 3 turns only where they are long
PLAIN_UP_TO = 100  # steps: plain code takes the same time per step at 1000


def run(seed, cell, T, B, D, H):
    engines = make(seed, cell, T, B, D, H)
    if T > PLAIN_UP_TO:
        engines = {name: engine for name, engine in engines.items() if name not in ("cached", "loop")}
    for engine in engines.values():
        engine()  # the first time pays for memory
    turns = []
    began = time.perf_counter()
    while len(turns) < TURNS or time.perf_counter() - began < SECONDS:
        turns.append([timed(engine, T) for engine in engines.values()])
    times = dict(zip(engines, np.moveaxis(turns, 0, -1), strict=True))  # of each, (forward, both), all turns
    row = {"turns": len(turns), "error": error(cell, min(T, PLAIN_UP_TO), B, D, H)}
    for name, (forward, both) in times.items():
        row[name] = {
            "us": [np.median(forward), np.median(both)],
            "ratio": [quartiles(times["ours"][0] / forward), quartiles(times["ours"][1] / both)],
        }
    if B == 1:
        row["call_us"], row["nn_operations"] = call_us(), operations(cell, T, D, H)
    if (T, B, H) == (1000, 32, 128):
        row["mb"] = {name: memory(name, cell, T, B, D, H) for name in ("ours", "nn")}
    return row


def timed(engine, T):
    """Microseconds a step: forward, and forward with backward."""
    start = time.process_time()
    middle = engine()
    end = time.process_time()
    return (middle - start) / T * 1e6, (end - start) / T * 1e6


def quartiles(values):
    return np.quantile(values, [0.25, 0.5, 0.75])


def problem(seed, cell, T, B, D, H):
    """A layer of torch.nn, the same weights as our Params, a state of zeros, inputs, gradients of the outputs."""
    torch.manual_seed(seed)
    nn = getattr(torch.nn, cell.upper())(D, H)
    W_x, W_h, b, b_h = (part.detach().numpy().copy() for part in nn.parameters())
    b_hn = b_h[2 * H :].copy()
    b[: 2 * H if cell == "gru" else None] += b_h[: 2 * H if cell == "gru" else None]  # r multiplies the GRU's b_hn
    declared, _ = CELLS[cell]
    p = declared.Params(W_x, W_h, b, *[b_hn][: cell == "gru"])
    state = declared.State(*(np.zeros((B, H), np.float32) for _ in declared.State._fields))
    rng = np.random.default_rng(seed)
    return nn, p, state, *(rng.standard_normal((T, B, n), np.float32) for n in (D, H))


def make(seed, cell, T, B, D, H):
    """Functions that run forward, note the time, run backward, and return that time."""
    nn, p, state, xs, dhs = problem(seed, cell, T, B, D, H)
    fast, x, dy = CELLS[cell][1], torch.tensor(xs, requires_grad=True), torch.tensor(dhs)
    p_torch, state_torch = (type(part)(*(torch.tensor(a, requires_grad=True) for a in part)) for part in (p, state))
    n = len(p.W_h) // H
    a, da, dh, rows = (np.ones(shape, np.float32) for shape in [(n, B, H), (B, n * H), (B, H), (T * B, n * H)])
    W_h, h, from_x = np.ones((n, H, H), np.float32), np.ones((B, H), np.float32), np.ones((T * B, D), np.float32)

    def ours():
        hs, _, cache = fast.forward(p, state, xs)
        middle = time.process_time()
        fast.backward(p, cache, dhs)
        return middle

    def torch_nn():
        x.grad = None
        nn.zero_grad()
        hs, _ = nn(x)
        middle = time.process_time()
        hs.backward(dy)
        return middle

    def products():
        from_x @ p.W_x.T
        for _ in range(T):
            np.matmul(h, W_h, out=a)
        middle = time.process_time()
        for _ in range(T):
            np.matmul(da, p.W_h, out=dh)
        rows @ p.W_x, rows.T @ from_x, rows.T @ dhs.reshape(T * B, H)  # dxs, dW_x, dW_h
        return middle

    def cached():
        forward, backward = PLAIN[cell]
        s, saved, dparams = state, [], [np.zeros_like(part) for part in p]
        for step in xs:
            s, keep = forward(p, s, step)
            saved.append(keep)
        middle = time.process_time()
        ds = state  # zeros
        for keep, d in zip(saved[::-1], dhs[::-1], strict=True):
            dp, ds, _ = backward(p, keep, ds._replace(h=ds.h + d))
            dparams = [a + b for a, b in zip(dparams, dp, strict=True)]
        return middle

    def loop():
        s, hs = state_torch, []
        for step in x:
            s = PLAIN_TORCH[cell](p_torch, s, step)
            hs.append(s.h)
        middle = time.process_time()
        torch.stack(hs).backward(dy)
        return middle

    return {"ours": ours, "nn": torch_nn, "products": products, "cached": cached, "loop": loop}


def error(cell, T, B, D, H):
    """The largest difference between ours and torch.nn in hs and in dW_h, in parts of the largest entry."""
    nn, p, state, xs, dhs = problem(1, cell, T, B, D, H)
    hs, _, cache = CELLS[cell][1].forward(p, state, xs)
    want, _ = nn(torch.tensor(xs))
    want.backward(torch.tensor(dhs))
    dW_h, want_dW_h = CELLS[cell][1].backward(p, cache, dhs)[0].W_h, nn.weight_hh_l0.grad.numpy()
    pairs = [(hs, want.detach().numpy()), (dW_h, want_dW_h)]
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)


def call_us():
    """What NumPy takes for a call that computes next to nothing."""
    a, times = np.zeros((1, 1), np.float32), []
    for _ in range(50):
        start = time.process_time()
        for _ in range(1000):
            np.add(a, a, out=a)
        times.append((time.process_time() - start) * 1e3)
    return np.median(times)


def operations(cell, T, D, H):
    """Operations a step that autograd sees torch.nn do."""
    hs, _ = problem(0, cell, T, 1, D, H)[0](torch.zeros(T, 1, D, requires_grad=True))
    seen, queue = set(), [hs.grad_fn]
    while queue:
        node = queue.pop()
        if node and node not in seen:
            seen.add(node)
            queue += [before for before, _ in node.next_functions]
    return len(seen) / T


def memory(engine, *case):
    """Peak of forward and backward in a process of its own, in MB above what it held with the problem in memory."""
    code = f"from experiments import speed_cpu as s; print(s.rise({engine!r}, *{case!r}))"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT).stdout)


def rise(engine, cell, T, B, D, H):
    status, mark = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    peak = lambda: int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024  # noqa: E731
    make(0, cell, 8, B, D, H)[engine]()  # what a library loads on its first call is not counted
    run_it = make(0, cell, T, B, D, H)[engine]
    mark.write_text("5")  # the peak is counted from here
    before = peak()
    run_it()
    return peak() - before


def table(rows):
    lines = []
    for row in rows:
        forward, both = row["nn"]["ratio"]
        spread = lambda q: f"{q[1]:.2f} ({q[0]:.2f}–{q[2]:.2f})"  # noqa: E731
        others = [f"{1 / row[name]['ratio'][1][1]:.2f}" if name in row else "–" for name in OTHERS]
        size = [row[key] for key in ("cell", "T", "B", "D", "H")]
        lines.append((*size, f"{row['ours']['us'][1]:.0f}", spread(forward), spread(both), *others, row["turns"]))
    head = ["cell", "T", "B", "D", "H", "µs a step", "forward ours/nn", "both ours/nn"]
    parts = [columns([*head, *(f"{name}/ours" for name in OTHERS), "turns"], lines)]
    parts.append("µs a step: forward and backward, ours. In brackets the quartiles over the turns.")

    lines = []
    for cell, what, most, chosen in TARGETS:
        wanted = [row["nn"]["ratio"][what == "both"][1] for row in rows if row["cell"] == cell and chosen(row)]
        if wanted:
            got = np.median(wanted)
            spread = f"{min(wanted):.2f}–{max(wanted):.2f}"
            lines.append((cell, what, f"{got:.2f}", spread, most, "met" if got <= most else "missed"))
    if lines:
        parts.append("")
        parts.append(columns(["ours/nn", "B ≥ 32", "median", "range", "aim", ""], lines))
    parts += [sentence for row in rows for sentence in sentences(row)]
    worst = max(row["error"] for row in rows)
    parts.append(f"Largest difference from torch.nn in hs and dW_h: {worst:.0e} of their largest entry.")
    return "\n".join(parts)


def sentences(row):
    cell, T, B, D, H = (row[key] for key in ("cell", "T", "B", "D", "H"))
    if "mb" in row:
        ours, nn = row["mb"]["ours"], row["mb"]["nn"]
        yield f"Peak memory, {cell}, T={T} B={B} D={D} H={H}: ours {ours:.0f} MB, torch.nn {nn:.0f} MB, inputs apart."
    if B == 1 and (T, H) == (100, 64):
        ours, nn, products = (row[name]["us"][1] for name in ("ours", "nn", "products"))
        calls, seen = CALLS[cell] * row["call_us"], row["nn_operations"]
        why = "its loop over the steps is inside one of them" if seen < 1 else "it pays for each step, too"
        yield (
            f"B = 1, {cell}, T={T} D={D} H={H}: a step takes {ours:.0f} µs, torch.nn's {nn:.0f} µs.\n"
            f"  Of ours the products take {products:.0f} µs; {calls:.0f} µs is what {CALLS[cell]} calls of NumPy cost "
            f"before they compute.\n  Autograd sees {seen:.2f} operations of torch.nn a step: {why}."
        )


OTHERS = ("products", "cached", "loop")
ANY, LONG = (lambda row: row["B"] >= 32), (lambda row: row["B"] >= 32 and row["T"] == 1000)
TARGETS = [
    ("lstm", "both", 1.1, ANY),
    ("gru", "both", 0.7, ANY),
    ("rnn", "both", 0.8, ANY),
    ("lstm", "both", 0.9, LONG),
    ("lstm", "forward", 1.4, ANY),
]
