"""Forward and backward on a GPU: the loop, the loop as one CUDA graph, our backward by hand, torch.nn with cuDNN.

D = H. Each way is timed in turn with CUDA events; a row has medians, ratios to the loop, and the largest difference of
hs and dW_h from float64 on the CPU, as a share of their largest entry.

Without a CUDA GPU nothing is written. No GPU could be had when this was written, so there is no results/speed_gpu.json
yet, and the graphs were never run.
"""

import numpy as np
import torch

from experiments import columns
from lstmcore import weights
from lstmcore.scan import scan
from lstmcore.torch import coupled, fast, gru, gru_reset_before, lstm, lstm1997, peephole, rnn
from lstmcore.tree import tree_map

CELLS = {
    "rnn": rnn, "lstm": lstm, "gru": gru,
    "lstm1997": lstm1997, "coupled": coupled, "peephole": peephole, "gru_reset_before": gru_reset_before,
}  # fmt: skip
KERNELS = ("rnn", "lstm", "gru")  # torch.nn has these, with cuDNN
ROUNDS = 10
CASES = [
    dict(cell=cell, B=B, T=T, H=H, dtype=dtype)
    for cell in CELLS for dtype in ("float32", "bfloat16") for B, T, H in
    [(32, 100, 128), (32, 1000, 128), (256, 100, 512), (64, 1000, 512)]
]  # fmt: skip
SEEDS = 1


def loop(cell, p, state, xs):
    return torch.stack([s.h for s in scan(cell.step, p, state, xs)[1:]])


def by_hand(cell, p, state, xs):
    return fast.run(cell, p, state, xs)[0]


def gradients(way, cell, p, state, xs, dhs):
    """hs, dW_h."""
    hs = way(cell, p, state, xs)
    return hs, torch.autograd.grad(hs, p.W_h, dhs)[0]


def graphed(cell, p, state, xs, dhs):
    """A function of no arguments that replays loop and backward as one CUDA graph -> hs, dW_h."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            gradients(loop, cell, p, state, xs, dhs)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = gradients(loop, cell, p, state, xs, dhs)

    def replay():
        graph.replay()
        return out

    return replay


def problem(seed, cell, B, T, H):
    """p, state, xs, dhs as float64 on the CPU."""
    rng = np.random.default_rng(seed)
    p = tree_map(torch.tensor, weights.uniform(cell.Params, H, H, rng))
    state = tree_map(torch.tensor, weights.zeros_state(cell.State, B, H))
    return p, state, *torch.tensor(rng.normal(size=(2, T, B, H)))


def ways(name, args):
    """{name of a way: a function of no arguments}."""
    found = {
        "loop": lambda: gradients(loop, CELLS[name], *args),
        "nn" if name in KERNELS else "by hand": lambda: gradients(by_hand, CELLS[name], *args),
    }
    if args[2].is_cuda:
        found["graph"] = graphed(CELLS[name], *args)
    return found


def run(seed, cell, B, T, H, dtype):
    if not torch.cuda.is_available():
        raise SystemExit("speed_gpu needs a CUDA GPU, and PyTorch sees none here; nothing was measured or written.")
    right = problem(seed, CELLS[cell], B, T, H)
    args = tree_map(lambda a: a.to("cuda", getattr(torch, dtype)), right)
    args[0].W_h.requires_grad_()
    right[0].W_h.requires_grad_()
    want, row = gradients(loop, CELLS[cell], *right), {"device": torch.cuda.get_device_name()}
    todo = ways(cell, args)
    times = {name: [] for name in todo}
    for k in range(ROUNDS + 2):
        for name, way in todo.items():
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            got = way()
            end.record()
            end.synchronize()
            if k >= 2:
                times[name].append(begin.elapsed_time(end))
            row[f"{name} error"] = max(error(a, b) for a, b in zip(got, want, strict=True))
    return row | {f"{name} ms": float(np.median(each)) for name, each in times.items()}


def error(got, want):
    return float((got.detach().double().cpu() - want.detach()).abs().max() / want.detach().abs().max())


def table(rows):
    lines = []
    for r in rows:
        for name in ("loop", "graph", "by hand", "nn"):
            if f"{name} ms" in r:
                lines.append(
                    (r["cell"], r["dtype"], r["B"], r["T"], r["H"], name, f"{r[f'{name} ms']:.2f}",
                     f"{r['loop ms'] / r[f'{name} ms']:.1f}", f"{r[f'{name} error']:.0e}")
                )  # fmt: skip
    return columns(["cell", "dtype", "B", "T", "H", "way", "ms", "loop / this", "error"], lines)
