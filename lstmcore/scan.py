"""A step, repeated over a sequence. Knows neither NumPy nor PyTorch; takes any step, a learner's own too."""

from lstmcore.cells import sizes


def scan(step, p, state, xs):
    """States of a whole sequence: xs (T, B, D), first state -> [state_0, state_1, …, state_T].

    `step(p, state, x) -> state` is any cell's. ValueError if xs, p and state do not fit together.
    """
    check_sequence(p, state, xs)
    states = [state]
    for x in xs:
        states.append(step(p, states[-1], x))
    return states


def check_sequence(p, state, xs):
    """ValueError, one sentence, unless xs is a sequence for the weights p that starts in `state`."""
    (D, H), B, space = sizes(p), state[0].shape[0], state[0].shape[2:]
    want = f"(T, {', '.join(map(str, [B, D, *space]))})"
    if not hasattr(xs, "shape"):
        raise ValueError(f"xs is a {type(xs).__name__}; it should be an array of shape {want}.")
    if tuple(xs.shape[1:]) != (B, D, *space):
        raise ValueError(f"xs has shape {tuple(xs.shape)}; it should be {want}: B of the state, D of p.")
    if len(xs) == 0:
        raise ValueError(f"xs has shape {tuple(xs.shape)}, an empty sequence; it should have at least one step.")
    for name, part in zip(state._fields, state, strict=True):
        if tuple(part.shape) != (B, H, *space):
            raise ValueError(f"state.{name} has shape {tuple(part.shape)}; it should be {(B, H, *space)}.")
    for name, array in [("xs", xs), *((f"state.{n}", s) for n, s in zip(state._fields, state, strict=True))]:
        if array.dtype != p.W_x.dtype:
            raise ValueError(f"{name} is {array.dtype}; it should be {p.W_x.dtype}, as the weights are.")
