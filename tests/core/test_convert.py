"""Keras and ONNX's reference as oracles we did not write; all layers and directions; the two conventions of the GRU."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from problems import of, problem

from lstmcore import convert, weights
from lstmcore.cells import gru, gru_reset_before, lstm, peephole
from lstmcore.scan import scan

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own

KERAS = {
    "rnn": ("SimpleRNN", {}),
    "lstm": ("LSTM", {}),
    "gru": ("GRU", {"reset_after": True}),
    "gru_reset_before": ("GRU", {"reset_after": False}),
}


@pytest.fixture(scope="module")
def keras():
    keras = pytest.importorskip("keras", reason="keras is the oracle here; pip install -r requirements.txt brings it")
    keras.config.set_floatx("float64")
    yield keras
    keras.config.set_floatx("float32")


def near(got, want):
    """Keras 3.15 on torch multiplies float64 matrices in float32, so seven digits are all that it gives."""
    assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def layer(keras, name, **options):
    kind, own = KERAS[name]
    made = getattr(keras.layers, kind)(4, return_sequences=True, **own, **options)
    made.build((2, 5, 3))
    rng = np.random.default_rng(0)
    made.set_weights([rng.normal(size=w.shape) for w in made.get_weights()])
    return made


def outputs(cell, p, xs):
    states = scan(cell.step, p, weights.zeros_state(cell.State, xs.shape[1], 4), xs)
    return np.stack([s.h for s in states[1:]])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", KERAS)
def test_keras_layers_convert_with_the_same_values(keras, name, bias):
    oracle = layer(keras, name, use_bias=bias)
    xs = np.random.default_rng(1).normal(size=(5, 2, 3))
    p = convert.from_keras(of("cells", name), oracle.get_weights())
    want = keras.ops.convert_to_numpy(oracle(xs.swapaxes(0, 1))).swapaxes(0, 1)
    near(outputs(of("numpy", name), p, xs), want)


@pytest.mark.parametrize("name", KERAS)
def test_to_keras_and_back_is_the_same(keras, name):
    p = problem(of("numpy", name), 2, 3, 4).p
    arrays = convert.to_keras(p)
    layer(keras, name).set_weights(arrays)  # Keras takes the shapes
    for a, b in zip(convert.from_keras(of("cells", name), arrays), p, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_bidirectional_layer_of_keras_converts_half_by_half(keras):
    both = keras.layers.Bidirectional(layer(keras, "lstm"))
    both.build((2, 5, 3))
    xs = np.random.default_rng(1).normal(size=(5, 2, 3))
    want = keras.ops.convert_to_numpy(both(xs.swapaxes(0, 1))).swapaxes(0, 1)
    arrays = both.get_weights()
    cell = of("numpy", "lstm")
    there, back = (convert.from_keras(lstm, half) for half in (arrays[:3], arrays[3:]))
    got = np.concatenate([outputs(cell, there, xs), outputs(cell, back, xs[::-1])[::-1]], axis=-1)
    near(got, want)


def test_a_bias_of_the_other_reset_is_refused():
    after = [np.zeros((3, 12)), np.zeros((4, 12)), np.zeros((2, 12))]
    with pytest.raises(ValueError, match=r"the bias has shape \(2, 12\), of a layer that resets after"):
        convert.from_keras(gru_reset_before, after)
    with pytest.raises(ValueError, match=r"the bias has shape \(12,\), of a layer that resets before"):
        convert.from_keras(gru, [*after[:2], np.zeros(12)])
    with pytest.raises(ValueError, match="Keras has rnn, lstm, gru and gru_reset_before"):
        convert.from_keras(peephole, after)
    with pytest.raises(ValueError, match="Keras has rnn, lstm and both GRUs"):
        convert.to_keras(problem(of("numpy", "peephole"), 1, 1, 1).p)


ONNX = {  # the operator, its attributes, gates
    "rnn": ("RNN", {}, 1),
    "lstm": ("LSTM", {}, 4),
    "peephole": ("LSTM", {}, 4),
    "gru": ("GRU", {"linear_before_reset": 1}, 3),
    "gru_reset_before": ("GRU", {}, 3),
}


def operator(kind, attributes, feeds):
    """The outputs Y (T, directions, B, H) of one ONNX operator, as ONNX's own reference computes it."""
    onnx = pytest.importorskip("onnx", reason="onnx is the oracle here; pip install -r requirements.txt brings it")
    from onnx.reference import ReferenceEvaluator

    order = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"]
    order = order[: max(order.index(n) for n in feeds) + 1]
    node = onnx.helper.make_node(kind, [n if n in feeds else "" for n in order], ["Y"], hidden_size=4, **attributes)
    inputs = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.DOUBLE, a.shape) for n, a in feeds.items()]
    output = onnx.helper.make_tensor_value_info("Y", onnx.TensorProto.DOUBLE, None)
    graph = onnx.helper.make_graph([node], "one", inputs, [output])
    return ReferenceEvaluator(onnx.helper.make_model(graph)).run(None, feeds)[0]


def onnx_weights(name, directions=1, bias=True):
    rng, rows = np.random.default_rng(0), ONNX[name][2] * 4
    shapes = {"W": (rows, 3), "R": (rows, 4)} | ({"B": (2 * rows,)} if bias else {})
    shapes |= {"P": (12,)} if name == "peephole" else {}
    return {key: rng.normal(size=(directions, *shape)) for key, shape in shapes.items()}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", ONNX)
def test_onnx_operators_convert_with_the_same_values(name, bias):
    kind, attributes, _ = ONNX[name]
    arrays, xs = onnx_weights(name, bias=bias), np.random.default_rng(1).normal(size=(5, 2, 3))
    p = convert.from_onnx(of("cells", name), **arrays)
    want = operator(kind, attributes, {"X": xs, **arrays})[:, 0]
    assert_allclose(outputs(of("numpy", name), p, xs), want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_both_directions_of_an_onnx_operator_convert(name):
    kind, attributes, _ = ONNX[name]
    arrays, xs = onnx_weights(name, directions=2), np.random.default_rng(1).normal(size=(5, 2, 3))
    there, back = (convert.from_onnx(of("cells", name), **arrays, direction=way) for way in (0, 1))
    want = operator(kind, attributes | {"direction": "bidirectional"}, {"X": xs, **arrays})
    cell = of("numpy", name)
    got = np.stack([outputs(cell, there, xs), outputs(cell, back, xs[::-1])[::-1]], axis=1)
    assert_allclose(got, want, rtol=1e-10, atol=1e-12)


def test_from_onnx_says_what_it_cannot_take():
    arrays = onnx_weights("peephole")
    with pytest.raises(ValueError, match="P is given; it makes an LSTM a peephole"):
        convert.from_onnx(lstm, **arrays)
    with pytest.raises(ValueError, match="P is left out"):
        convert.from_onnx(peephole, arrays["W"], arrays["R"])
    with pytest.raises(ValueError, match="W has 16 rows for H = 4; a lstmcore.cells.gru has another number of gates"):
        convert.from_onnx(gru, arrays["W"], arrays["R"])
    with pytest.raises(ValueError, match=r"from_onnx got lstmcore\.cells\.min_gru; ONNX has rnn"):
        convert.from_onnx(of("cells", "min_gru"), arrays["W"], arrays["R"])


def test_a_gru_that_resets_before_has_no_place_in_torch():
    with pytest.raises(ValueError, match=r"resets before the product and torch\.nn\.GRU after it"):
        convert.to_torch(problem(of("numpy", "gru_reset_before"), 1, 2, 3).p)


def test_the_two_resets_differ_already_with_one_unit():
    """r (W h + b) against W (r h) + b: with W = 0 and a bias the first is r b, the second b."""
    q = problem(of("numpy", "gru"), 1, 1, 1)
    x, state = q.xs[0], q.state
    after = gru.Params(np.zeros((3, 1)), np.zeros((3, 1)), np.zeros(3), b_hn=np.ones(1))
    before = gru_reset_before.Params(np.zeros((3, 1)), np.zeros((3, 1)), np.array([0.0, 0.0, 1.0]))
    n = [of("numpy", name).gates(p, state, x).n for name, p in (("gru", after), ("gru_reset_before", before))]
    assert_allclose(n, [[[np.tanh(0.5)]], [[np.tanh(1.0)]]], rtol=1e-12)


@pytest.mark.parametrize("name", ["gru", "gru_reset_before", "min_gru"])
def test_the_conventions_of_the_update_gate_convert_exactly(name):
    cell = of("numpy", name)
    q = problem(cell, 2, 3, 4)
    flipped = convert.flip_update(q.p)
    gates = cell.gates(flipped, q.state, q.xs[0])
    other = (1 - gates.z) * q.state.h + gates.z * gates.n  # z as the share of the new
    new = cell.step(q.p, q.state, q.xs[0]).h
    assert_allclose(other, new, rtol=1e-12)
    assert np.abs(cell.step(flipped, q.state, q.xs[0]).h - new).max() > 1e-2  # read with the wrong convention
    for a, b in zip(convert.flip_update(flipped), q.p, strict=True):
        np.testing.assert_array_equal(a, b)


def test_flip_update_wants_an_update_gate():
    with pytest.raises(ValueError, match="flip_update needs an update gate z; this cell has i, f, g, o"):
        convert.flip_update(problem(of("numpy", "lstm"), 1, 1, 1).p)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("num_layers, bidirectional", [(1, True), (2, False), (3, True)])
def test_all_layers_and_directions_go_to_torch_and_back(kind, num_layers, bidirectional):
    torch.manual_seed(0)
    first = getattr(torch.nn, kind)(3, 4, num_layers, bidirectional=bidirectional, dtype=torch.float64)
    ways = (False, True) if bidirectional else (False,)
    layers = [tuple(convert.from_torch(first, k, way) for way in ways) for k in range(num_layers)]
    second = convert.to_torch(layers if bidirectional else [pair[0] for pair in layers])
    xs = torch.randn(5, 2, 3, dtype=torch.float64)
    assert_allclose(second(xs)[0].detach(), first(xs)[0].detach(), rtol=1e-10)


def test_a_rectifier_net_converts_too():
    torch.manual_seed(0)
    oracle = torch.nn.RNN(3, 4, nonlinearity="relu", dtype=torch.float64)
    xs = np.random.default_rng(0).normal(size=(5, 2, 3))
    p = convert.from_torch(oracle)
    want = oracle(torch.tensor(xs))[0].detach()
    assert_allclose(outputs(of("numpy", "rnn_relu"), p, xs), want, rtol=1e-10, atol=1e-14)
    assert_allclose(convert.to_torch(p, "relu")(torch.tensor(xs))[0].detach(), want, rtol=1e-10, atol=1e-14)
