"""Weights from and to PyTorch's and Keras's layouts, and from ONNX's.

A layout is taken by name: a wrong gate order has the right shape.

        rows or columns          biases
torch   i f g o; r z n           b_ih and b_hh, of which the sum counts, but for the GRU's b_hn, which r multiplies
keras   i f c o; z r h, columns  one; for a GRU that resets after the product two, (2, 3H)
onnx    i o f c; z r h           two as torch's, in one row of 8H or 6H
ours    i f g o; r z n           one; for such a GRU b and b_hn

In all four z is the share of the old state that is kept; where it is the share of the new, `flip_update` converts.
A GRU that resets before the product and one that resets after it do not convert into each other: no weights of the one
give the other's values.
"""

import numpy as np

from lstmcore.cells import gate_names, gru, gru_reset_before, lstm, peephole, rnn

CELLS = {"RNN": rnn, "LSTM": lstm, "GRU": gru}  # torch.nn's names


def from_torch(module, layer=0, reverse=False):
    """One layer and direction of a torch.nn.RNN, LSTM or GRU -> Params of NumPy arrays, dtype kept.

    The Params of an RNN do not say its nonlinearity: `rnn` for tanh, `rnn_relu` for relu take the same.
    ValueError for any other module, and for projections (proj_size).
    """
    kind = type(module).__name__
    if kind not in CELLS or getattr(module, "proj_size", 0):
        raise ValueError(f"from_torch got {module}; it should be a torch.nn.RNN, LSTM or GRU, no projections.")
    if not 0 <= layer < module.num_layers or (reverse and not module.bidirectional):
        raise ValueError(f"{module} has no layer {layer}{' in reverse' if reverse else ''}.")
    end = f"_l{layer}{'_reverse' if reverse else ''}"
    names = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if module.bias else [])]
    W_x, W_h, *biases = (getattr(module, name + end).detach().cpu().numpy().copy() for name in names)
    return _join(CELLS[kind], W_x, W_h, *(biases or np.zeros((2, len(W_x)), W_x.dtype)))


def to_torch(layers, nonlinearity="tanh"):
    """Params of rnn, lstm or gru -> a torch.nn module, dtype kept; all of b in its b_ih.

    layers: Params of one layer, a list of one a layer, or a list of pairs (forward, backward).
    nonlinearity: "tanh" or "relu", for an RNN.
    """
    import torch

    layers = [layers] if hasattr(layers, "_fields") else layers
    layers = [layer if type(layer) in (tuple, list) else (layer,) for layer in layers]
    first = layers[0][0]
    if type(first) is gru_reset_before.Params:
        raise ValueError(
            "this GRU resets before the product and torch.nn.GRU after it: no weights of it give the same."
        )
    kinds = {cell.Params: kind for kind, cell in CELLS.items()}
    if type(first) not in kinds:
        raise ValueError(
            f"to_torch got a {type(first).__module__}.{type(first).__name__}; torch.nn has rnn, lstm and gru."
        )
    (H, D), kind = (first.W_h.shape[1], first.W_x.shape[1]), kinds[type(first)]
    options = {"nonlinearity": nonlinearity} if kind == "RNN" else {}
    both = len(layers[0]) == 2
    module = getattr(torch.nn, kind)(
        D, H, len(layers), bidirectional=both, dtype=torch.from_numpy(first.W_x).dtype, **options
    )
    state = {}
    for k, pair in enumerate(layers):
        for p, end in zip(pair, (f"_l{k}", f"_l{k}_reverse"), strict=False):
            b_ih, b_hh = _split(p)
            arrays = {"weight_ih": p.W_x, "weight_hh": p.W_h, "bias_ih": b_ih, "bias_hh": b_hh}
            state |= {name + end: torch.tensor(array) for name, array in arrays.items()}
    module.load_state_dict(state)
    return module


def from_keras(cell, arrays):
    """`layer.get_weights()` of a SimpleRNN, LSTM or GRU, with or without bias -> Params of a cell of `lstmcore.cells`.

    A GRU of Keras is `gru` with reset_after=True, its default, and `gru_reset_before` with False. A Bidirectional layer
    has the arrays of the forward layer, then of the backward one: convert each half.
    """
    if cell not in (rnn, lstm, gru, gru_reset_before):
        raise ValueError(f"from_keras got {cell.__name__}; Keras has rnn, lstm, gru and gru_reset_before.")
    kernel, recurrent, *bias = arrays
    W_x, W_h = np.array(kernel).T, np.array(recurrent).T
    b = np.array(bias[0]) if bias else np.zeros((2, len(W_x)) if cell is gru else len(W_x), W_x.dtype)
    if b.ndim != (2 if cell is gru else 1):
        form = "after (reset_after=True)" if b.ndim == 2 else "before (reset_after=False, or no GRU)"
        raise ValueError(f"the bias has shape {b.shape}, of a layer that resets {form}: it is not a {cell.__name__}.")
    if "z" in cell.Gates._fields:
        W_x, W_h, b = (_swap(a, axis=axis) for a, axis in ((W_x, 0), (W_h, 0), (b, -1)))
    return _join(cell, W_x, W_h, *b) if cell is gru else cell.Params(W_x, W_h, b)


def to_keras(p):
    """Params of rnn, lstm, gru or gru_reset_before -> [kernel, recurrent_kernel, bias] for `layer.set_weights`."""
    if type(p) not in (rnn.Params, lstm.Params, gru.Params, gru_reset_before.Params):
        raise ValueError(f"to_keras got a {type(p).__module__}.{type(p).__name__}; Keras has rnn, lstm and both GRUs.")
    W_x, W_h, b = p.W_x, p.W_h, np.stack(_split(p)) if type(p) is gru.Params else p.b
    if "z" in gate_names(p):
        W_x, W_h, b = (_swap(a, axis=axis) for a, axis in ((W_x, 0), (W_h, 0), (b, -1)))
    return [W_x.T, W_h.T, b]


def from_onnx(cell, W, R, B=None, P=None, direction=0):
    """The inputs W, R, B (and P) of an ONNX operator RNN, LSTM or GRU -> Params of a cell of `lstmcore.cells`.

    W (directions, gates · H, D), R (directions, gates · H, H), B (directions, 2 · gates · H), P (directions, 3H).
    A GRU is `gru` with linear_before_reset=1, and `gru_reset_before` with 0, the default: its weights do not say which.
    An LSTM with P is `peephole`.
    """
    if cell not in (rnn, lstm, peephole, gru, gru_reset_before):
        raise ValueError(f"from_onnx got {cell.__name__}; ONNX has rnn, lstm, peephole, gru and gru_reset_before.")
    if (P is not None) != (cell is peephole):
        raise ValueError(
            f"P is {'left out' if P is None else 'given'}; it makes an LSTM a peephole, and no other cell."
        )
    W_x, W_h = np.array(W[direction]), np.array(R[direction])
    if len(W_x) != len(cell.Gates._fields) * W_h.shape[1]:
        raise ValueError(
            f"W has {len(W_x)} rows for H = {W_h.shape[1]}; a {cell.__name__} has another number of gates."
        )
    b = np.zeros((2, len(W_x)), W_x.dtype) if B is None else np.reshape(B[direction], (2, -1))
    gates = {4: "iofg", 3: "zrn", 1: "h"}[len(cell.Gates._fields)]

    def ours(a):
        """The blocks of rows in our order."""
        named = dict(zip(gates, np.split(a, len(gates)), strict=True))
        return np.concatenate([named[name] for name in cell.Gates._fields])

    arrays = ours(W_x), ours(W_h), ours(b[0]), ours(b[1])
    if cell is not peephole:
        return _join(cell, *arrays)
    w_ci, w_co, w_cf = np.split(np.array(P[direction]), 3)
    return peephole.Params(*_join(lstm, *arrays), w_ci, w_cf, w_co)


def flip_update(p):
    """The same GRU in the other convention of its update gate, h' = (1 - z) * h + z * n: the rows of z negated.

    Exact, since σ(-a) = 1 - σ(a), and its own inverse. For gru, gru_reset_before and min_gru.
    """
    names = gate_names(p)
    if "z" not in names:
        raise ValueError(f"flip_update needs an update gate z; this cell has {', '.join(names) or 'no gates'}.")
    sign = np.repeat([-1 if name == "z" else 1 for name in names], len(p.b) // len(names)).astype(p.b.dtype)
    rows = {n: (a.T * sign).T for n, a in p._asdict().items() if len(a) == len(sign)}
    return p._replace(**rows)


def _join(cell, W_x, W_h, b_ih, b_hh):
    """Params from two biases."""
    if cell is not gru:
        return cell.Params(W_x, W_h, b_ih + b_hh)
    H = W_h.shape[1]
    rest = np.concatenate([b_hh[: 2 * H], np.zeros_like(b_hh[2 * H :])])
    return gru.Params(W_x, W_h, b_ih + rest, b_hh[2 * H :].copy())


def _split(p):
    """Two biases from Params."""
    b_hn = getattr(p, "b_hn", p.b[:0])
    return p.b, np.concatenate([np.zeros_like(p.b[len(b_hn) :]), b_hn])


def _swap(a, axis):
    """r z n <-> z r n along the axis."""
    first, second, third = np.split(a, 3, axis)
    return np.concatenate([second, first, third], axis)
