"""The runner of experiments: resumable, repeatable, and honest about what is stale."""

import json
import textwrap

import pytest

import experiments
from experiments import __main__ as runner

TOY = '''
    """Whether a coin is fair."""
    import numpy as np

    from experiments import columns

    CASES = [dict(lag=10), dict(lag=[2, 3])]
    SEEDS = 3
    calls = []

    def run(seed, lag):
        calls.append((lag, seed))
        return {"x": np.random.default_rng(seed).normal(size=2), "n": np.int64(seed)}

    def table(rows):
        return columns(["lag", "seed", "n"], [(r["lag"], r["seed"], r["n"]) for r in rows])
'''


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A folder of experiments with one in it; returns its file and a function that runs the command line on it."""
    monkeypatch.setattr(experiments, "HERE", tmp_path)
    monkeypatch.setattr(experiments, "__path__", [str(tmp_path)])
    monkeypatch.setattr(runner, "KEPT", tmp_path / "kept")
    file = tmp_path / "toy.py"
    file.write_text(textwrap.dedent(TOY))

    def run(*words):
        monkeypatch.delitem(runner.sys.modules, "experiments.toy", raising=False)
        monkeypatch.delattr(experiments, "toy", raising=False)
        return runner.main(["toy", *words])

    return file, run


def calls():
    return runner.sys.modules["experiments.toy"].calls


def numbers():
    return [{key: row[key] for key in row if key != "seconds"} for row in experiments.results("toy")["rows"]]


def test_a_full_run_writes_every_row_by_case_then_seed_and_prints_the_table(toy, capsys):
    assert toy[1]() == 0
    result = experiments.results("toy")
    assert [(row["lag"], row["seed"]) for row in result["rows"]] == [(k, s) for k in (10, [2, 3]) for s in range(3)]
    assert {"sources", "revision", "date", "versions", "processor", "seconds"} < set(result)
    assert set(result["versions"]) == {"python", "numpy", "torch"}
    printed = capsys.readouterr().out
    assert "lag  seed  n" in printed and "Written to" in printed


def test_a_fresh_result_is_printed_without_a_new_run(toy, capsys):
    toy[1]()
    first = capsys.readouterr().out
    for file in (toy[0].parent / "kept").iterdir():
        file.unlink()  # as in a fresh clone
    toy[1]()
    assert calls() == []
    assert capsys.readouterr().out.splitlines()[2:] == [
        line for line in first.splitlines()[2:] if "Written" not in line
    ]


def test_an_interruption_loses_one_row_and_the_same_command_goes_on(toy, monkeypatch):
    file, run = toy
    text = file.read_text()
    file.write_text(
        text.replace("    calls.append", "    if len(calls) == 4: raise KeyboardInterrupt\n    calls.append")
    )
    with pytest.raises(KeyboardInterrupt):
        run()
    done = calls()
    assert len(done) == 4 and not (file.parent / "results").exists()
    run()
    assert len(calls()) == 2 and not set(map(str, calls())) & set(map(str, done))
    assert len(numbers()) == 6


def test_a_run_repeated_gives_the_same_numbers(toy):
    toy[1]()
    first = numbers()
    for folder in ("kept", "results"):
        for file in (toy[0].parent / folder).iterdir():
            file.unlink()
    toy[1]()
    assert len(calls()) == 6 and numbers() == first


def test_the_list_says_missing_fresh_and_stale(toy, capsys):
    file, run = toy

    def listed():
        capsys.readouterr()
        assert runner.main(["--list"]) == 0
        return capsys.readouterr().out.splitlines()[2]

    assert "missing" in listed() and "Whether a coin is fair." in listed()
    run()
    assert "fresh" in listed() and "6 rows" in listed()
    file.write_text("# a comment\n\n" + file.read_text())
    assert "fresh" in listed()
    file.write_text(file.read_text().replace("normal", "uniform"))
    assert "stale" in listed()
    run()
    assert len(calls()) == 6 and "fresh" in listed()


def test_what_an_experiment_imports_counts_at_any_depth(toy):
    file, _ = toy
    before = runner.fingerprint("toy")
    file.write_text(file.read_text().replace("import numpy", "import experiments.other, numpy", 1))
    (file.parent / "other.py").write_text("from experiments import deep\n")
    (file.parent / "deep.py").write_text("from experiments.deeper import x\n")
    (file.parent / "deeper.py").write_text("x = 1\n")
    with_others = runner.fingerprint("toy")
    (file.parent / "deeper.py").write_text("x = 2\n")
    assert len({before, with_others, runner.fingerprint("toy")}) == 3


@pytest.mark.parametrize("words", [["--seeds", "2"], ["--cases", "lag=10"]])
def test_a_trial_is_printed_and_not_written(toy, words, capsys):
    toy[1](*words)
    assert "A trial, not written" in capsys.readouterr().out
    assert not (toy[0].parent / "results").exists()
    toy[1]()
    assert len(calls()) == 6 - (4 if "2" in words else 3)  # the trial's rows serve the full run


def test_what_does_not_exist_is_said_with_what_does(toy):
    assert runner.main(["tyo"]) == "There is no experiment named tyo. Did you mean toy?"
    assert toy[1]("--seeds", "0") == "--seeds is 0; it should be at least 1."
    with pytest.raises(SystemExit, match="No case has lag=11. lag is one of"):
        toy[1]("--cases", "lag=11")
    with pytest.raises(SystemExit, match="No case has leg=10"):
        toy[1]("--cases", "leg=10")


def test_every_experiment_here_keeps_to_the_contract():
    for name in runner.names():
        text = runner.source(f"experiments.{name}").read_text(encoding="utf-8")
        assert text.startswith('"""') and all(
            word in text for word in ("\nCASES = ", "\nSEEDS = ", "def run(", "def table(")
        )


def test_results_here_name_their_versions_and_have_no_path_of_a_machine():
    for file in (experiments.HERE / "results").glob("*.json"):
        text = file.read_text(encoding="utf-8")
        assert (
            {"sources", "versions", "rows"} <= set(json.loads(text)) and "/home/" not in text and "/work/" not in text
        )
