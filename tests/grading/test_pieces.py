"""The walls of the sandbox, and what comes through them: data that may be forged."""

import json
import socket

import nbformat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit import exercises
from coursekit.grading import data, intake, sandbox, specs, submission, verdict
from lstmcore.cells.lstm import State

SPEC = specs.load("03_lstm", "lstm_step")["lstm_step"]
INPUTS = list(SPEC.cases(np.random.default_rng(0)))


VALUES = [np.arange(6.0).reshape(2, 3), np.float32(2), 3, True, 1j, [1, 2], (1, np.ones(2)), None]


@pytest.mark.parametrize("value", [*VALUES, State(np.ones((1, 2)), np.zeros((1, 2)))], ids=str)
def test_values_survive_the_way(value):
    back = data.unpack(json.loads(json.dumps(data.pack(value))), data.find)
    assert data.alike(back, back) and type(back) in (type(value), np.ndarray)
    for one, two in zip(back, value, strict=True) if isinstance(value, tuple) else [(back, value)]:
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    "value", ["text", {"a": 1}, object(), {1, 2}, [1, "a"], np.array(["a"]), np.array([None])], ids=str
)
def test_what_is_not_numbers_is_refused_with_a_sentence(value):
    with pytest.raises(TypeError, match="where numbers should be"):
        data.pack(value)


KEYS = "value tuple array dtype shape type list changed differs warned error text line why".split()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(JSON, max_size=5))
def test_forged_messages_get_no_points_and_break_nothing(said):
    fraction, sentence = specs.score(SPEC, INPUTS, said)
    assert fraction == 0 and isinstance(sentence, str) and sentence
    sentence.encode()


@pytest.mark.parametrize(
    "line", [b"", b"[1]", b"{", b"\xff", b"[" * 10**5, b'{"a": 1' + b"0" * 5000 + b"}", b'{"a": "\\ud800"}']
)
def test_a_forged_line_is_a_message_or_nothing(line):
    assert sandbox.message(line) is None or isinstance(sandbox.message(line), dict)


def run(code, unsafe):
    messages, end = sandbox.run({"cells": [[0, code]], "calls": {}, "library": {}}, unsafe)
    errors = [m["error"] for m in messages if "error" in m]
    return errors[0]["type"] if errors else end or "fine"


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


REACHES = {
    "the network": "import socket; socket.create_connection(('127.0.0.1', {port}), 1)",
    "files": "open({here!r})",
    "the password file": "open('/etc/passwd')",
    "this process": "import os; os.kill({pid}, 0)",
    "a place to write": "open('/tmp/x', 'w')",
    "a new process": "import os; pid = os.fork(); pid or os._exit(0); os.waitpid(pid, 0)",
}


@pytest.mark.parametrize("what", REACHES)
def test_the_sandbox_does_not_reach(what, port, bubblewrap):
    import os

    code = REACHES[what].format(port=port, here=__file__, pid=os.getpid())
    assert run(code, unsafe=True) == "fine", "outside it is reached, so that the next line means something"
    assert run(code, unsafe=False) in (
        "ConnectionRefusedError",
        "FileNotFoundError",
        "ProcessLookupError",
        "OSError",
        "PermissionError",
    )


def test_threads_are_allowed(bubblewrap):
    assert run("import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()", unsafe=False) == "fine"


def test_the_probe_says_when_python_does_not_start(bubblewrap, monkeypatch):
    monkeypatch.setattr(sandbox, "bubblewrap", lambda rules: ["false"])
    with pytest.raises(sandbox.Unavailable, match="Python does not start in it"):
        sandbox.probe()


# ---- files that come in

RELEASED = {"gates": {"sigmoid", "output"}, "lstm_step": {"lstm_step"}}


def notebook(*names):
    cells = [{"cell_type": "code", "source": "", "metadata": {"nbgrader": {"grade_id": n}}} for n in names]
    return json.dumps({"cells": cells})


@pytest.mark.parametrize("name, text, want", [
    ("gates.ipynb", "", "gates"),
    ("Homework.ipynb", notebook("lstm_step"), "lstm_step"),
    ("kim_lstm_step (1).ipynb", "", "lstm_step"),
    ("other.ipynb", notebook("dtw"), None),
])  # fmt: skip
def test_a_renamed_notebook_is_known(tmp_path, name, text, want):
    (tmp_path / name).write_text(text)
    assert intake.known(tmp_path / name, RELEASED) == want


def test_two_folders_of_one_student_are_told(tmp_path):
    for name in ("a b", "a_b"):
        (tmp_path / "in" / name).mkdir(parents=True)
    with pytest.raises(ValueError, match="a_b; rename one"):
        intake.take(tmp_path / "in", "x", RELEASED, tmp_path / "out")


def test_the_newer_of_two_copies_is_taken(tmp_path):
    import os

    folder = tmp_path / "in" / "ann"
    folder.mkdir(parents=True)
    for k, name in enumerate(["gates.ipynb", "gates (1).ipynb"]):
        (folder / name).write_text(f"{k}")
        os.utime(folder / name, (k, k))
    intake.take(tmp_path / "in", "x", RELEASED, tmp_path / "out")
    assert (tmp_path / "out" / "ann" / "x" / "gates.ipynb").read_text() == "1"


@pytest.mark.parametrize("nest", [["worksheets"], ["cells"]], ids=str)
def test_old_formats_are_read(tmp_path, nest):
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "language": "python"}
    cells = [{**cell, "input": "x = 1"}] if nest == ["worksheets"] else [{**cell, "source": ["x = 1"]}]
    found = {"worksheets": [{"cells": cells}], "nbformat": 3} if nest == ["worksheets"] else {"cells": cells}
    (tmp_path / "a.ipynb").write_text(json.dumps({"nbformat_minor": 0, "metadata": {}, "nbformat": 4} | found))
    assert submission.learner_cells(tmp_path / "a.ipynb")[0][:2] == ("code", "x = 1")


# ---- what goes in


def test_the_library_in_the_sandbox_lacks_what_is_asked_and_has_the_rest():
    hidden = frozenset({("lstmcore.numpy.lstm", "step")})
    library = specs.library("from lstmcore.numpy import lstm", hidden)
    assert "step is yours to write" in library["lstmcore.numpy.lstm"] and "np.split" in library["lstmcore.numpy.lstm"]
    assert "lstmcore.numpy.ops" in library and "lstmcore.numpy.gru" not in library
    assert set(specs.library("import numpy as np\nfrom lstmcore import check", hidden)) == {
        "lstmcore",
        "lstmcore.check",
    }


def test_what_is_asked_are_the_oracles_and_what_the_script_hides():
    asked = specs.asked(specs.load("03_lstm_gates", "gates"))
    assert {("lstmcore.numpy.ops", "sigmoid"), ("lstmcore.numpy.ops", "dsigmoid")} <= asked
    assert ("lstmcore.numpy.lstm", "step") in specs.asked(specs.load("03_lstm", "lstm_step"))


def test_hidden_inputs_differ_by_everything_but_the_time():
    def first(*words):
        return verdict.draw(SPEC, *words)[0][2].tobytes()

    words = ["secret", "assignment", "answer", "student", "code"]
    assert first(*words) == first(*words)
    others = [first(*words[:k], "other", *words[k + 1 :]) for k in range(len(words))]
    assert len({first(*words), *others}) == 1 + len(words)


def test_another_student_another_code_and_another_secret_get_other_inputs(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(verdict, "draw", lambda spec, *words: drawn.append(words) or INPUTS)
    monkeypatch.setattr(verdict, "apply", lambda *_: ({}, {}))
    path = exercises.SCRIPTS / "03_lstm" / "lstm_step.py"
    for answers, student, secret in [({}, "a", "s"), ({"lstm_step": "x"}, "a", "s"), ({}, "b", "s"), ({}, "a", "t")]:
        nbformat.write(exercises.answered(path, answers), tmp_path / "n.ipynb")
        verdict.judge(tmp_path / "n.ipynb", exercises.source(path), "03_lstm", "lstm_step", student, secret)
    assert len({str(words) for words in drawn}) == 4
