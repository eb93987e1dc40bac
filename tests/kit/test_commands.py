import argparse
import ast
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from coursekit import ROOT
from coursekit import __main__ as kit

needs_make = pytest.mark.skipif(not shutil.which("make"), reason="there is no make here")
TARGETS = dict(re.findall(r"^([a-z-]+):.*\n\t(.+)", (ROOT / "Makefile").read_text(), re.MULTILINE))


def make(*words):
    """What make prints, also where these tests run under make, which hands its options and variables down."""
    handed = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ARGS", "PYTHON", "ASSIGNMENT", "SUBMISSIONS"}
    env = {name: value for name, value in os.environ.items() if name not in handed}
    return subprocess.run(["make", *words], cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout


def test_help_lists_every_command(capsys):
    assert kit.main([]) == 0
    assert kit.main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"\n  {name} " in said for name in kit.COMMANDS)


@pytest.mark.parametrize(
    "word, meant", [("bok", "Did you mean book?"), ("graed", "grade"), ("xyzzy", "There are install,")]
)
def test_an_unknown_command_is_answered_with_the_nearest(word, meant):
    assert meant in kit.main([word])


def test_words_after_two_dashes_go_only_to_commands_that_pass_them_on(capsys):
    from coursekit import serve, test

    assert kit.arguments("test", test, ["--quick", "--", "-k", "name"]).rest == ["-k", "name"]
    with pytest.raises(SystemExit):
        kit.arguments("serve", serve, ["--", "-k"])
    assert "takes nothing after --" in capsys.readouterr().err


@pytest.mark.parametrize(
    "version, old", [((3, 6, 15), True), ((3, 10, 99), True), ((3, 11, 0), False), ((4, 0, 0), False)]
)
def test_a_python_that_is_too_old_is_told_so(version, old):
    said = kit.too_old(version)
    assert bool(said) == old
    if old:
        assert f"This is Python {version[0]}.{version[1]}; the course needs Python 3.11 or newer." in said


@pytest.mark.parametrize("name", ["__init__.py", "__main__.py"])
def test_an_old_python_gets_as_far_as_the_sentence(name):
    assert ast.parse((ROOT / "coursekit" / name).read_text(), feature_version=(3, 6))


def test_every_command_tells_its_options_with_the_standard_library_alone():
    """Before .venv is there: Python with no packages but what it came with."""
    code = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import importlib
from coursekit import __main__ as kit
for name in kit.COMMANDS:
    module = importlib.import_module("coursekit." + name)
    try: kit.arguments(name, module, ["--help"])
    except SystemExit as end: assert end.code == 0, name
    assert module.main
"""
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert all(f"usage: python3 -m coursekit {name} " in ran.stdout for name in kit.COMMANDS)


def test_every_make_target_runs_one_command_of_the_kit_or_a_real_tool():
    assert {
        "book",
        "serve",
        "lab",
        "test",
        "test-quick",
        "exercises",
        "check",
        "grade",
        "experiments",
        "help",
        "clean",
    } == {*TARGETS}
    for target, line in TARGETS.items():
        word, name = line.removeprefix("@").split()[:2]
        assert (word == "$(KIT)" and name in kit.COMMANDS) or word in ("rm", "sed"), target


@needs_make
def test_make_help_lists_every_target():
    said = make("help")
    assert re.findall(r"^ +make (\S+) ", said, re.MULTILINE) == [*TARGETS]


@needs_make
@pytest.mark.parametrize("words", [[], ["ASSIGNMENT=03_lstm", "SUBMISSIONS=a folder"]])
def test_make_grade_passes_on_what_the_command_takes(words):
    from coursekit import grade

    line = make("-n", "grade", *words)
    parser = argparse.ArgumentParser()
    grade.add_arguments(parser)
    args = vars(parser.parse_args(shlex.split(line)[4:]))
    assert not words or {"03_lstm", "a folder"} <= {*map(str, args.values())}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_commands_that_are_told_to_be_typed_exist(page):
    text = (ROOT / page).read_text()
    blocks = "\n".join(re.findall(r"^```(?:sh)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    typed = [*blocks.splitlines(), *re.findall(r"`([^`\n]+)`", text)]
    makes = [line.split()[1] for line in typed if line.startswith("make ")]
    kits = [line.split()[3] for line in typed if line.startswith("python3 -m coursekit ")]
    assert makes and kits
    assert {*makes} <= {*TARGETS}
    assert {*kits} <= {*kit.COMMANDS}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_files_that_are_linked_exist(page):
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text())
    assert links
    assert not [link for link in links if not link.startswith("https://") and not (ROOT / link).exists()]


def test_the_example_in_the_readme_runs():
    code = re.search(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)[1]
    last = code.splitlines()[-1]
    names = {}
    exec(code, names)
    assert str(eval(last, names)) == last.split("# ")[1]


def test_no_file_holds_a_path_of_somebodys_machine():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    path = re.compile(rb"/(?:home|Users|root|work|tmp/[\w-]+)/[A-Za-z]")
    files = [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]
    assert len(files) > 20
    assert not [f"{f.relative_to(ROOT)}: {m[0].decode()}" for f in files for m in path.finditer(f.read_bytes())]


@pytest.mark.parametrize("module", ["lstmcore", "lstmcore.numpy.lstm", "lstmcore.check", "coursekit.system"])
def test_importing_leaves_heavy_libraries_alone(module):
    code = f"import {module}, sys; print([name for name in ('torch', 'matplotlib', 'pandas') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
