"""Wrong answers sent through the real sandbox: they lose points and are called by their names there too."""

import numpy as np
import pytest

from coursekit import exercises
from coursekit.grading import proof, specs, verdict

KNOWN = [
    (path, answer, mistake)
    for path in exercises.scripts()
    for answer, spec in specs.load(path.parent.name, path.stem).items()
    for mistake in spec.mistakes
]
TWENTY = [KNOWN[k] for k in np.linspace(0, len(KNOWN) - 1, 20).astype(int)]  # of every exercise


def sent(path, answer, code):
    """(fraction, sentence) for this code, which may use all that the script has, through the sandbox."""
    cells = [cell for cell in specs.cells(path.read_text(encoding="utf-8")) if cell.kind == "code"]
    own = [cell for cell in cells if cell.tags.get("judge") == answer]
    sources = [cell.source for cell in specs.before_judges(cells) + own]
    spec = specs.load(path.parent.name, path.stem)[answer]
    inputs = verdict.draw(spec, "no secret", answer)
    library = specs.library("\n".join(sources), frozenset())
    errors, said = verdict.apply(list(enumerate([*sources, code])), {answer: inputs}, library, unsafe=False)
    assert errors == {}
    return specs.score(spec, inputs, said[answer])


@pytest.mark.parametrize("path, answer, mistake", TWENTY, ids=[f"{path.stem}-{a}" for path, a, _ in TWENTY])
def test_a_mistake_is_known_in_the_sandbox(path, answer, mistake, bubblewrap):
    fraction, sentence = sent(path, answer, f"{answer} = mistakes[{mistake!r}]")
    assert fraction < 1
    assert f"when {mistake}." in sentence


def test_the_solution_is_right_in_the_sandbox(bubblewrap):
    path, answer, _ = TWENTY[0]
    assert sent(path, answer, f"{answer} = oracle") == (1, "Right.")


def test_the_sandbox_says_what_this_process_says(bubblewrap):
    path, answer, mistake = TWENTY[7]
    spec = specs.load(path.parent.name, path.stem)[answer]
    assert sent(path, answer, f"{answer} = mistakes[{mistake!r}]")[0] == proof.tried(spec, spec.mistakes[mistake])[0]
