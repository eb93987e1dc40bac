"""Initial weights and states, in NumPy. A distribution takes `rng`; the same rng gives the same numbers."""

import numpy as np

from lstmcore.cells import gate_names
from lstmcore.tree import tree_map


def uniform(Params, D, H, rng, dtype=np.float64):
    """Weights and biases from U(-1/√H, 1/√H), PyTorch's default for recurrent layers."""
    shapes, most = Params.shapes(D, H), H**-0.5
    return Params(*(rng.uniform(-most, most, shape).astype(dtype) for shape in shapes))


def zeros_state(State, B, H, dtype=np.float64, space=()):
    """The state before a sequence starts: every part zero, (B, H), or (B, H, Y, X) on images."""
    return State(*(np.zeros((B, H, *space), dtype) for _ in State._fields))


def gate_bias(p, **gates):
    """p with these gates' biases at these values, and all other biases zero: gate_bias(p, f=5, i=-3).

    A value is a number or (H,). ValueError if the cell has no gate of that name.
    """
    names = gate_names(p)
    if unknown := set(gates) - set(names):
        raise ValueError(f"this cell has no gate {', '.join(sorted(unknown))}; it has {', '.join(names) or 'none'}.")
    p = p._replace(**{name: np.zeros_like(getattr(p, name)) for name in p._fields if name.startswith("b")})
    rows = dict(zip(names, np.split(p.b, len(names)), strict=True))  # views
    for name, value in gates.items():
        rows[name][:] = value
    return p


def chrono(p, T, rng):
    """Biases for lags up to T (Tallec & Ollivier, 2018, eq. 16): the gate that keeps starts at log U(1, T - 1).

    LSTM: b_f = log u, b_i = -b_f. GRU: b_z = log u. All other biases zero.
    """
    names = gate_names(p)
    u = np.log(rng.uniform(1, T - 1, len(p.b) // len(names)))
    if "f" in names:
        return gate_bias(p, f=u, i=-u)
    if "z" in names:
        return gate_bias(p, z=u)
    raise ValueError(f"chrono needs a gate that keeps the memory, f or z; this cell has {', '.join(names)}.")


def astype(tree, dtype):
    """Every array of the tree as dtype."""
    return tree_map(lambda a: a.astype(dtype), tree)


def glorot(Params, D, H, rng, dtype=np.float64):
    """Weights from U(±√(6 / (inputs + H))) for each gate (Glorot & Bengio, 2010, eq. 16); what is no matrix is zero."""
    shapes, gates = Params.shapes(D, H), len(gate_names(Params.shapes(D, H)))

    def draw(shape):
        if len(shape) == 1:
            return np.zeros(shape, dtype)
        area = int(np.prod(shape[2:]))  # of a convolution's kernel
        most = (6 / (area * (shape[1] + shape[0] // gates))) ** 0.5
        return rng.uniform(-most, most, shape).astype(dtype)

    return Params(*map(draw, shapes))


def orthogonal(p, rng, gain=1.0):
    """p with each gate's block of W_h a random orthogonal matrix, times gain (Saxe, McClelland & Ganguli, 2014)."""
    H = p.W_h.shape[1]
    blocks = []
    for _ in gate_names(p):
        q, r = np.linalg.qr(rng.normal(size=(H, H)))
        blocks.append(gain * q * np.sign(np.diag(r)))  # the signs make it uniform over all rotations
    return p._replace(W_h=np.concatenate(blocks).astype(p.W_h.dtype))
