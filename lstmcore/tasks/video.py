"""Digits that move in a small frame."""

import numpy as np

from lstmcore.tasks.batch import at_least


def bouncing_digits(rng, B, T, size=16, count=2, images=None):
    """Films of `count` digits that bounce off the edges. -> xs (T, B, 1, size, size), from 0 to 1.

    After moving MNIST (Srivastava, Mansimov & Salakhutdinov, 2015): each digit starts anywhere, in a direction
    uniform on the circle, keeps its speed, and is reflected at the edges; where digits overlap, the brighter pixel
    shows. To predict: the films' second halves from their first.
    Our choices: 8 × 8 digits, a speed uniform in 0.5 … 2 pixels a step, positions rounded to whole pixels.
    images (N, h, w) from 0 to 1 are drawn from; None: all of `data.digits`. Give one part to train, another to test.
    """
    if images is None:
        from lstmcore import data

        images, _ = data.digits()
    _, h, w = images.shape
    at_least(1, B=B, T=T, count=count)
    at_least(max(h, w) + 1, size=size)
    room = np.array([size - h, size - w])  # the corner's places are 0 … room
    start = rng.uniform(0, room, (B, count, 2))
    angle, speed = rng.uniform(0, 2 * np.pi, (B, count)), rng.uniform(0.5, 2, (B, count))
    velocity = np.stack([speed * np.sin(angle), speed * np.cos(angle)], axis=-1)
    corners = np.rint(_reflect(start + velocity * np.arange(T)[:, None, None, None], room)).astype(int)
    shown = images[rng.integers(len(images), size=(B, count))]
    xs = np.zeros((T, B, 1, size, size), np.float32)
    for t, b, k in np.ndindex(T, B, count):
        y, x = corners[t, b, k]
        part = xs[t, b, 0, y : y + h, x : x + w]
        np.maximum(part, shown[b, k], out=part)
    return xs


def _reflect(places, room):
    """A straight line folded into 0 … room, as between two mirrors."""
    return room - np.abs(places % (2 * room) - room)
