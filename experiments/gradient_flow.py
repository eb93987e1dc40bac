"""How much of a gradient is left after T steps: plain nets against their bounds, LSTM and GRU against their gates.

The norm is that of the exact Jacobian d state_T / d state_0 (largest singular value) along a run over random inputs,
H = 32, float64. `bound` is (γ σ_max(W))^T with γ = 1, the most that tanh can pass; `radius` is ρ(W), whose power T a
linear net follows.
LSTM and GRU: weights U(±1/√H), all biases 0 but that of the gate which keeps; `gates` is the product of f (or z).
"""

import numpy as np

from experiments import columns
from lstmcore import weights
from lstmcore.numpy import gru, lstm, rnn
from lstmcore.numpy.rtrl import state_jacobian

LAGS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
D, H = 4, 32
SEEDS = 5
CASES = [
    *(dict(net=net, sigma=sigma, keep=None) for net in ("linear", "tanh") for sigma in (0.9, 1.1, 1.5, 3.0)),
    *(dict(net="lstm", sigma=None, keep=keep) for keep in (0, 1, 5, 7)),
    *(dict(net="gru", sigma=None, keep=keep) for keep in (0, 1, 5, 7)),
]


def linear_backward(p, state, x, dnew):
    """The gradient of h' = W_x x + W_h h + b with respect to h; all that `state_jacobian` needs here."""
    return rnn.Params(*map(np.zeros_like, p)), rnn.State(dnew.h @ p.W_h), x


def run(seed, net, sigma, keep):
    rng = np.random.default_rng(seed)
    cell = {"lstm": lstm, "gru": gru}.get(net, rnn)
    p = weights.uniform(cell.Params, D, H, rng)
    if sigma is not None:
        p = p._replace(W_h=p.W_h * sigma / np.linalg.norm(p.W_h, 2))
    else:
        p = weights.gate_bias(p, **{"f" if net == "lstm" else "z": keep})
    state, backward = weights.zeros_state(cell.State, 1, H), linear_backward if net == "linear" else cell.step_backward
    J, log_size, gates, found = np.eye(len(state) * H), 0.0, np.zeros(H), {}
    for t, x in enumerate(rng.normal(size=(LAGS[-1], 1, D)), 1):
        J = state_jacobian(backward, p, state, x) @ J
        if sigma is None:
            g = cell.gates(p, state, x)
            gates = gates + np.log(g.f if net == "lstm" else g.z)[0]
        state = cell.step(p, state, x) if net != "linear" else state
        size = np.linalg.norm(J)
        J, log_size = J / size, log_size + np.log(size)  # 0.9^1000 is no float64's business
        if t in LAGS:
            found[t] = (log_size + np.log(np.linalg.norm(J, 2))) / np.log(10)
    result = {"log10": list(found.values())}
    if sigma is None:
        return {**result, "gates": gates.max() / np.log(10)}  # of the unit that keeps most
    radius = np.abs(np.linalg.eigvals(p.W_h)).max()
    return {**result, "radius": radius, "rate": 10 ** (found[1000] / 1000)}


def table(rows):
    """log10 of the norm, the median over seeds."""
    lines = []
    for case in CASES:
        mine = [row for row in rows if all(row[k] == v for k, v in case.items())]
        if mine:
            logs = np.median([row["log10"] for row in mine], axis=0)
            name = f"{case['net']} " + (f"σ {case['sigma']}" if case["sigma"] else f"keeps {case['keep']}")
            bound = f"{LAGS[-1] * np.log10(case['sigma']):.0f}" if case["sigma"] else ""
            key = "radius" if case["sigma"] else "gates"
            other = np.median([row[key] for row in mine])
            other = f"{LAGS[-1] * np.log10(other):.0f}" if case["sigma"] else f"{other:.1f}"
            lines.append((name, *(f"{v:.1f}" for v in logs), bound, other))
    head = ["log10 of the norm", *(f"T={lag}" for lag in LAGS), "bound", "ρ^T or ∏ gate"]
    return columns(head, lines)
