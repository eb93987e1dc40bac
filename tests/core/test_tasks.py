"""Every generated task follows its paper's rules: counted, measured against printed figures, or by brute force."""

import itertools

import numpy as np
import pytest
from chances import rng, share

from lstmcore import tasks
from lstmcore.numpy.loss import cross_entropy
from lstmcore.tasks import video

SMALL = {
    tasks.adding: (7,),
    tasks.adding_1997: (30,),
    tasks.anbn: (6,),
    tasks.bouncing_digits: (3, 9, 2, np.full((2, 4, 3), 0.5, np.float32)),
    tasks.continual_reber: (25,),
    tasks.copying: (4,),
    tasks.embedded_reber: (),
    tasks.long_lag_2a: (5,),
    tasks.long_lag_2b: (5,),
    tasks.long_lag_2c: (4, 6),
    tasks.multiplication: (30,),
    tasks.reber: (),
    tasks.recall: (5,),
    tasks.sentences: (),
    tasks.temporal_order_6a: (),
    tasks.temporal_order_6b: (),
}
each_task = pytest.mark.parametrize("task", SMALL, ids=lambda task: task.__name__)


def test_every_generator_is_tested_here():
    assert {task.__name__ for task in SMALL} | {"accepts", "sentence", "embedded_reber_sets"} == set(tasks.__all__)


@each_task
def test_batches_are_time_major_float32_and_repeatable(task):
    batch, again = (task(rng(), 5, *SMALL[task]) for _ in range(2))
    batch, again = (b if isinstance(b, tuple) else (b,) for b in (batch, again))
    assert all(np.array_equal(a, b) for a, b in zip(batch, again, strict=True))
    xs, *rest = batch
    assert xs.dtype == np.float32 and xs.shape[1] == 5
    for part in rest:
        assert part.shape[0] == 5 or part.shape[:2] == xs.shape[:2]
        assert part.dtype in (np.int64, np.bool_) or (part.dtype == np.float32 and part.shape == (5, 1))
    lengths = [part for part in rest[1:] if part.ndim == 1]
    if lengths:
        assert len(xs) == lengths[0].max()
        outside = np.arange(len(xs))[:, None] >= lengths[0]
        padded = [part for part in batch if part.ndim > 1 and part.shape[:2] == xs.shape[:2]]
        assert outside.any() and not any(part[outside].any() for part in padded)


@each_task
def test_a_batch_of_none_is_an_error_that_names_b(task):
    with pytest.raises(ValueError, match="^B is 0; it should be a whole number, at least 1"):
        task(rng(), 0, *SMALL[task])


def test_2a_has_two_sequences_whose_middle_is_always_the_same():
    xs, target = tasks.long_lag_2a(rng(), 1000, 6)
    symbols = xs.argmax(axis=-1)
    assert xs.shape == (6, 1000, 7) and np.array_equal(symbols[1:], target[:-1])
    assert (symbols[1:] == np.arange(5)[:, None]).all() and np.array_equal(target[-1], symbols[0])
    assert set(symbols[0]) == {5, 6} and share(symbols[0] == 5, 1 / 2)


def test_2b_draws_the_middle_anew_and_keeps_the_ends():
    xs, target = tasks.long_lag_2b(rng(), 2000, 6)
    symbols = xs.argmax(axis=-1)
    assert xs.shape == (6, 2000, 7) and np.array_equal(symbols[1:], target[:-1])
    assert np.array_equal(target[-1], symbols[0]) and set(symbols[0]) == {5, 6}
    assert set(symbols[1:].ravel()) == set(range(5)) and all(share(row == 4, 1 / 5) for row in symbols[1:])


def test_2c_follows_its_rules():
    q, p = 5, 3
    xs, target, lengths = tasks.long_lag_2c(rng(), 4000, q, p)
    e, b, x = p, p + 1, p + 2
    symbols, every, places = xs.argmax(axis=-1), np.arange(4000), np.arange(len(xs))[:, None]
    assert (symbols[0] == b).all() and np.array_equal(symbols[1] - x, target)
    assert (symbols[lengths - 1, every] == e).all() and share(target, 1 / 2)
    between = symbols[(places > 1) & (places < lengths - 1)]
    assert set(between) == {0, 1, 2} and share(between == 2, 1 / 3)
    k = lengths - q - 3
    assert k.min() == 0 and share(k == 0, 0.1) and share(k > 6, 0.9**7) and abs(lengths.mean() - (q + 12)) < 0.6


def test_adding_marks_one_number_in_each_half():
    xs, target = tasks.adding(rng(), 20_000, 7)
    numbers, marks = xs[..., 0], xs[..., 1] == 1
    assert (
        (marks[:3].sum(axis=0) == 1).all()
        and (marks[3:].sum(axis=0) == 1).all()
        and set(np.unique(xs[..., 1])) == {0, 1}
    )
    assert all(share(row, 1 / 3) for row in marks[:3]) and all(share(row, 1 / 4) for row in marks[3:])
    np.testing.assert_allclose(target[:, 0], (numbers * marks).sum(axis=0), rtol=1e-6)
    assert numbers.min() >= 0 and numbers.max() <= 1
    assert abs(np.mean((target - 1) ** 2) - 1 / 6) < 0.006  # always answering 1


@pytest.mark.parametrize("task, low, first", [(tasks.adding_1997, -1, 0), (tasks.multiplication, 0, 1)])
def test_the_pairs_of_1997_follow_their_rules(task, low, first):
    xs, target, lengths = task(rng(), 5000, 24)
    numbers, marks, every = xs[..., 0], xs[..., 1] == 1, np.arange(5000)
    assert set(lengths) == {24, 25, 26} and (xs[0, :, 1] == -1).all() and (xs[lengths - 1, every, 1] == -1).all()
    assert ((xs[..., 1] == -1).sum(axis=0) == 2).all() and set(np.unique(xs[..., 1])) == {-1, 0, 1}
    count = marks.sum(axis=0)  # two, or one where the first step is marked, which keeps its -1
    assert set(count) == {1, 2} and share(count == 1, 0.1 + 0.9 / 10)
    assert (numbers[0, count == 1] == first).all() and not (numbers[0, count == 2] == first).any()
    assert marks[:11].sum() == marks.sum() and (marks[:10].sum(axis=0) > 0)[count == 2].all()
    assert all(share(row, 0.1 + 0.9 / 10) for row in marks[1:10]) and share(marks[10], 1 / 10)
    assert low <= numbers.min() < low + 0.01 and 0.99 < numbers.max() <= 1
    X = np.where(marks, numbers, first)
    want = 0.5 + X.sum(axis=0) / 4 if task is tasks.adding_1997 else X.prod(axis=0)
    np.testing.assert_allclose(target[:, 0], want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("T, B, baseline", [(22, 60_000, 0.0375), (100, 20_000, 0.0392)])
def test_the_baseline_of_1997s_adding_is_a_24th_less_the_marked_first_steps(T, B, baseline):
    at_first = np.array([0.1, 0.9 / (T // 2 - 2)])  # probability that a mark falls on the first step
    exact = np.sum((1 - at_first) / 3) / 16
    assert abs(exact - baseline) < 5e-5
    _, target, _ = tasks.adding_1997(rng(), B, T)
    assert abs(np.mean((target - 0.5) ** 2) - exact) < 4 * 0.047 / np.sqrt(B)


@pytest.mark.parametrize(
    "task, ranges",
    [(tasks.temporal_order_6a, [(10, 20), (50, 60)]), (tasks.temporal_order_6b, [(10, 20), (33, 43), (66, 76)])],
)
def test_temporal_order_is_read_off_the_x_and_y(task, ranges):
    B, n = 2000, len(ranges)
    xs, target, lengths = task(rng(), B)
    symbols, places = xs.argmax(axis=-1), np.arange(len(xs))[:, None]
    inside, marks = places < lengths, np.isin(symbols, [2, 3])
    where = np.nonzero(marks.T)[1].reshape(B, n).T
    assert all(set(w) == set(range(a, b + 1)) for w, (a, b) in zip(where, ranges, strict=True))
    names = ["".join("XY"[s - 2] for s in column[column > 0]) for column in np.where(marks, symbols, 0).T]
    classes = ["".join(word) for word in itertools.product("XY", repeat=n)]
    assert [classes.index(name) for name in names] == list(target) and len(set(target)) == 2**n
    assert set(lengths) == set(range(100, 111)) and (symbols[0] == 0).all()
    assert (symbols[lengths - 1, np.arange(B)] == 1).all()
    assert set(symbols[inside & ~marks & (places > 0) & (places < lengths - 1)]) == {4, 5, 6, 7}


def test_copying_repeats_ten_symbols_and_costs_ten_ln_8_without_memory():
    T, B = 6, 50
    xs, target = tasks.copying(rng(), B, T)
    symbols = xs.argmax(axis=-1)
    assert symbols.shape == (26, B) and set(symbols[:10].ravel()) == set(range(8))
    assert (symbols[10:15] == 8).all() and (symbols[15] == 9).all() and (symbols[16:] == 8).all()
    assert (target[:16] == 8).all() and np.array_equal(target[16:], symbols[:10])
    guess = np.full((26, B, 9), -1e3)  # blank, and then any of the eight
    guess[:16, :, 8] = guess[16:, :, :8] = 0
    loss, _ = cross_entropy(guess, target)
    assert abs(loss - 10 * np.log(8) / (T + 20)) < 1e-12


def test_digits_move_as_between_mirrors():
    generator, room = rng(), np.array([8.0, 3.0])
    place, velocity = generator.uniform(0, room), np.array([1.7, -1.3])
    path = video._reflect(place + velocity * np.arange(40)[:, None], room)
    for there in path:
        np.testing.assert_allclose(there, place, atol=1e-9)
        place = place + velocity
        out = (place < 0) | (place > room)
        place = np.where(place < 0, -place, np.where(place > room, 2 * room - place, place))
        velocity = np.where(out, -velocity, velocity)


def test_digits_stay_whole_inside_the_frame_and_overlap_by_their_maximum():
    image = rng().uniform(0.1, 1, (1, 3, 2)).astype(np.float32)
    xs = tasks.bouncing_digits(rng(), 6, 40, size=7, count=1, images=image)
    assert xs.shape == (40, 6, 1, 7, 7)
    np.testing.assert_allclose(xs.sum(axis=(2, 3, 4)), image.sum(), rtol=1e-5)
    rows, columns = (xs.any(axis=(0, 1, 2, k)) for k in (4, 3))
    assert rows.all() and columns.all()
    dot = tasks.bouncing_digits(rng(), 8, 40, size=9, count=1, images=np.ones((1, 1, 1), np.float32))
    places = np.argwhere(dot.transpose(1, 0, 2, 3, 4) == 1)[:, 3:].reshape(8, 40, 2)
    assert 1 < np.linalg.norm(np.diff(places, axis=1), axis=-1).max() <= 2 + 2**0.5
    two = np.array([0.3, 0.7], np.float32)[:, None, None] * np.ones((2, 4, 4), np.float32)
    both = tasks.bouncing_digits(rng(), 20, 20, size=6, count=2, images=two)
    assert set(np.unique(both)) == {np.float32(v) for v in (0, 0.3, 0.7)}
    with pytest.raises(ValueError, match="size is 8; it should be a whole number, at least 9"):
        tasks.bouncing_digits(rng(), 1, 1, size=8, images=np.zeros((1, 8, 8)))
