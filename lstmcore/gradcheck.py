"""A gradient held against central differences: (L(x + ε) - L(x - ε)) / 2ε for every number of every argument."""

import numpy as np

from lstmcore.cells import gate_names
from lstmcore.tree import leaves, unflatten


def numeric(f, x, eps=1e-6):
    """df/dx of a number f(x), by central differences: as many pairs of calls as x has entries. x is float64."""
    x = np.array(x)
    if x.dtype != np.float64:
        raise ValueError(f"x is {x.dtype}; it should be float64, since differences lose half of the digits.")
    d, flat = np.empty(x.size), x.reshape(-1)
    for k, old in enumerate(flat.copy()):
        flat[k] = old + eps
        up = f(x)
        flat[k] = old - eps
        d[k] = (up - f(x)) / (2 * eps)
        flat[k] = old
    return d.reshape(x.shape)


def gradcheck(step, step_backward, p, state, x, rtol=1e-5, atol=1e-7):
    """AssertionError, a sentence for each wrong term, unless step_backward is the gradient of step at (p, state, x).

    The loss is a random weighting of all that the step returns, so nothing in its gradient is zero by chance.
    """
    rng = np.random.default_rng(0)
    new = step(p, state, x)
    dnew = type(new)(*(rng.normal(size=part.shape) for part in new))
    got = step_backward(p, state, x, dnew)
    args = [p, state, x]

    def loss(term, place, value):
        changed = list(args)
        changed[term] = value if place is None else args[term]._replace(**{place: value})
        return sum(np.sum(d * part) for d, part in zip(dnew, step(*changed), strict=True))

    said = []
    for term, arg in enumerate(args):
        for place in getattr(arg, "_fields", [None]):
            value = arg if place is None else getattr(arg, place)
            name = f"d{place or 'x'}"
            want = numeric(lambda v, t=term, w=place: loss(t, w, v), value)
            mine = got[term] if place is None else getattr(got[term], place)
            said.append(
                wrong(np.asarray(mine), want, name, gate_names(p) if place in ("W_x", "W_h", "b") else (), rtol, atol)
            )
    if said := [sentence for sentence in said if sentence]:
        raise AssertionError(" ".join(said))


def wrong(got, want, name, gates, rtol, atol):
    """None, or a sentence: which gate's rows are wrong, or where the first wrong entry is."""
    if got.shape != want.shape:
        return f"{name} has shape {got.shape}; it should be {want.shape}."
    ok = np.isclose(got, want, rtol, atol)
    if ok.all():
        return None
    if len(gates) > 1 and len(want) % len(gates) == 0:
        right = [block.all() for block in np.split(ok, len(gates))]
        bad = [g for g, r in zip(gates, right, strict=True) if not r]
        good = [g for g, r in zip(gates, right, strict=True) if r]
        if good:
            return f"{name} is wrong for gate {', '.join(bad)} and right for {', '.join(good)}."
    k = tuple(int(j) for j in np.argwhere(~ok)[0])
    return f"{name}{list(k)} is {got[k]:.6g}; central differences give {want[k]:.6g}."


def loss_gradcheck(loss, params, rtol=1e-5, atol=1e-7):
    """The same for a loss of many parameters: `loss(params) -> (number, gradient of the type of params)`."""
    values, got = leaves(params), leaves(loss(params)[1])
    for k, value in enumerate(values):

        def at(v, k=k):
            return loss(unflatten(params, [*values[:k], v, *values[k + 1 :]]))[0]

        if said := wrong(np.asarray(got[k]), numeric(at, value), f"the gradient of leaf {k}", (), rtol, atol):
            raise AssertionError(said)
