"""Weights from and to other libraries' layouts. A layout is taken by name: a wrong order of gates has the right shape.

torch   rows i f g o (LSTM), r z n (GRU); two biases, b_ih and b_hh, of which only their sum counts, but for the GRU's
        b_hn, which the reset gate multiplies. These are our rows.
"""

import numpy as np

from lstmcore.cells import gru, lstm, rnn

CELLS = {"RNN": rnn, "LSTM": lstm, "GRU": gru}  # torch.nn's names


def from_torch(module, layer=0, reverse=False):
    """One layer and direction of a torch.nn.RNN (tanh), LSTM or GRU -> Params of NumPy arrays, dtype kept.

    ValueError for any other module, for projections (proj_size) and nonlinearity="relu".
    """
    kind = type(module).__name__
    if kind not in CELLS or getattr(module, "proj_size", 0) or getattr(module, "nonlinearity", "tanh") != "tanh":
        raise ValueError(f"from_torch got {module}; it should be a torch.nn.RNN (tanh), LSTM or GRU, no projections.")
    if not 0 <= layer < module.num_layers or (reverse and not module.bidirectional):
        raise ValueError(f"{module} has no layer {layer}{' in reverse' if reverse else ''}.")
    end = f"_l{layer}{'_reverse' if reverse else ''}"
    names = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if module.bias else [])]
    W_x, W_h, *biases = (getattr(module, name + end).detach().cpu().numpy().copy() for name in names)
    b_ih, b_hh = biases or np.zeros((2, len(W_x)), W_x.dtype)
    if kind != "GRU":
        return CELLS[kind].Params(W_x, W_h, b_ih + b_hh)
    H = W_h.shape[1]
    b_hn = b_hh[2 * H :].copy()
    b_hh[2 * H :] = 0
    return gru.Params(W_x, W_h, b_ih + b_hh, b_hn)


def to_torch(p):
    """Params of an RNN, LSTM or GRU -> a torch.nn module of one layer, dtype kept; all of b in its b_ih."""
    import torch

    kinds = {cell.Params: kind for kind, cell in CELLS.items()}
    if type(p) not in kinds:
        raise ValueError(f"to_torch got a {type(p).__module__}.{type(p).__name__}; torch.nn has rnn, lstm and gru.")
    H, D = p.W_h.shape[1], p.W_x.shape[1]
    module = getattr(torch.nn, kinds[type(p)])(D, H, dtype=torch.from_numpy(p.W_x).dtype)
    b_hh = np.zeros_like(p.b)
    if hasattr(p, "b_hn"):
        b_hh[2 * H :] = p.b_hn
    arrays = {"weight_ih_l0": p.W_x, "weight_hh_l0": p.W_h, "bias_ih_l0": p.b, "bias_hh_l0": b_hh}
    module.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()})
    return module
