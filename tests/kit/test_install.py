import re
import subprocess
import sys

import pytest

from coursekit import ROOT, install


def never(index):
    raise AssertionError("The index was asked.")


@pytest.mark.parametrize(
    "platform, gpu, env, reachable, options, why",
    [
        ("linux", False, {}, lambda index: True, ["--no-deps", "--index-url", install.CPU_INDEX], "CPU builds"),
        (
            "linux",
            False,
            {"GPU": "0"},
            lambda index: True,
            ["--no-deps", "--index-url", install.CPU_INDEX],
            "CPU builds",
        ),
        ("linux", False, {}, lambda index: False, [], "several gigabytes"),
        ("linux", True, {}, never, [], "several gigabytes"),
        ("linux", False, {"GPU": "1"}, never, [], "several gigabytes"),
        ("darwin", False, {}, never, [], "usual package index"),
        ("win32", True, {"GPU": "1"}, never, [], "usual package index"),
    ],
)
def test_where_pytorch_comes_from(platform, gpu, env, reachable, options, why):
    plan = install.torch_plan(platform, gpu, env, reachable)
    assert plan.options == options
    assert why in plan.why


def test_an_index_that_does_not_answer_is_not_reachable():
    assert not install.reachable("http://127.0.0.1:9")


def test_the_requirement_on_pytorch_is_read_from_requirements_txt():
    assert install.torch_requirement("numpy\ntorchdiffeq>=1\ntorch>=2.6  # a comment\n") == "torch>=2.6"
    assert install.torch_requirement((ROOT / "requirements.txt").read_text()).startswith("torch>=")


def test_a_pytorch_that_is_there_replaces_the_pin_alone():
    assert (
        install.keep_torch("six==1\ntorch==2.13.0\ntorchx==1\n", "2.9.1+rocm")
        == "six==1\ntorch==2.9.1+rocm\ntorchx==1\n"
    )


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A folder with the three files, and a list of the steps taken there; steps make no .venv but an empty Python."""
    for name in install.FILES:
        (tmp_path / name).write_text("torch>=2.6\n")
    steps = []

    def step(what, command, log, env=None):
        if what in steps.failing:
            raise KeyboardInterrupt
        steps.append(what)
        if what == "Making .venv":
            log.write_text("")
            install.python(tmp_path).parent.mkdir(parents=True, exist_ok=True)
            install.python(tmp_path).touch()

    class Steps(list):
        failing = ()

    steps = Steps()
    monkeypatch.setattr(install, "step", step)
    monkeypatch.setattr(install, "torch_there", lambda root, requirement: "")
    monkeypatch.setattr(install, "reachable", lambda index: False)
    monkeypatch.setattr(install, "has_pip", lambda root: True)
    return tmp_path, steps


ALL = ["Making .venv", "PyTorch", "The other packages", "lstmcore and coursekit"]


def test_after_an_installation_there_is_nothing_to_do(course):
    root, steps = course
    install.install(root)
    assert steps == ALL
    assert install.fresh(root)


@pytest.mark.parametrize("name", install.FILES)
def test_a_change_in_a_file_makes_it_stale_and_keeps_what_is_there(course, name):
    root, steps = course
    install.install(root)
    (root / name).write_text("torch>=2.7\n")
    assert not install.fresh(root)
    install.install(root)
    assert steps == ALL + ALL[1:]


@pytest.mark.parametrize("where", ALL)
def test_an_interrupted_installation_goes_on(course, where):
    root, steps = course
    steps.failing = (where,)
    with pytest.raises(KeyboardInterrupt):
        install.install(root)
    assert not install.fresh(root)
    steps.failing = ()
    install.install(root)
    assert install.fresh(root)
    assert steps.count("Making .venv") == 1


def test_an_interrupted_update_is_not_taken_for_the_complete_one_before(course):
    root, steps = course
    install.install(root)
    text = (root / "constraints.txt").read_text()
    (root / "constraints.txt").write_text("other")
    steps.failing = ("The other packages",)
    with pytest.raises(KeyboardInterrupt):
        install.install(root)
    (root / "constraints.txt").write_text(text)
    assert not install.fresh(root)


def test_a_folder_that_was_moved_gets_a_new_venv(course, tmp_path_factory):
    root, steps = course
    install.install(root)
    moved = root.rename(tmp_path_factory.mktemp("elsewhere") / "course")
    assert not install.fresh(moved)
    assert not install.usable(moved)


def test_a_venv_whose_python_went_away_is_made_anew(course):
    root, steps = course
    install.install(root)
    install.python(root).unlink()
    assert not install.fresh(root)
    install.install(root)
    assert steps == ALL + ALL


def test_the_venv_of_another_folder_is_not_emptied_through_a_link(course, tmp_path_factory):
    root, _ = course
    install.install(root)
    other = tmp_path_factory.mktemp("other")
    for name in install.FILES:
        (other / name).write_text("torch>=2.6\n")
    (other / ".venv").symlink_to(root / ".venv")
    with pytest.raises(SystemExit, match=r"\.venv is a link to .* Remove the link"):
        install.install(other)
    assert install.fresh(root)


def test_python_without_venv_says_what_to_install(course, monkeypatch):
    root, _ = course
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else name)
    with pytest.raises(SystemExit, match=r"no ensurepip.*apt install python3-venv"):
        install.install(root)


def test_a_folder_that_cannot_be_written_is_named(course, monkeypatch):
    root, _ = course

    def step(*_):
        raise PermissionError(13, "Permission denied", str(root))

    monkeypatch.setattr(install, "step", step)
    with pytest.raises(SystemExit, match=r"Cannot install into .*\.venv: Permission denied"):
        install.install(root)


def test_pytorch_comes_from_the_usual_index_if_its_own_fails(course, monkeypatch):
    root, _ = course
    tried = []

    def step(what, command, log, env=None):
        tried.append(command)
        if install.CPU_INDEX in command:
            raise SystemExit("no such version")

    install.python(root).parent.mkdir(parents=True)
    install.python(root).touch()
    monkeypatch.setattr(install, "step", step)
    monkeypatch.setattr(install, "torch_plan", lambda *_: install.Plan(["--index-url", install.CPU_INDEX], "why"))
    install.install(root)
    assert install.CPU_INDEX in tried[0] and install.CPU_INDEX not in tried[1]
    assert "torch>=2.6" in tried[0] and "torch>=2.6" in tried[1]


def test_a_step_that_fails_shows_the_end_of_its_log(tmp_path, capsys):
    log = tmp_path / "log"
    with pytest.raises(SystemExit, match=r"(?s)no wheel\n.*Reading failed.*log"):
        install.step("Reading", [sys.executable, "-c", "print('no wheel'); raise SystemExit(1)"], log)
    assert "Reading: 0 s, failed" in capsys.readouterr().out


def test_ctrl_c_ends_the_program_that_a_step_runs(tmp_path, monkeypatch):
    begun = []
    popen = subprocess.Popen
    monkeypatch.setattr(install.subprocess, "Popen", lambda *a, **k: begun.append(popen(*a, **k)) or begun[0])

    def interrupted(process, seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(install, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        install.step("Waiting", [sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "log")
    assert begun[0].poll() is not None


def test_pytorch_in_this_venv_is_found_and_judged_by_its_version():
    assert install.torch_there(ROOT, "torch>=2.6").startswith("2.")
    assert install.torch_there(ROOT, "torch>=99") == ""


def test_the_versions_of_constraints_txt_are_those_of_this_venv():
    from importlib.metadata import PackageNotFoundError, version

    other = []
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if "==" in line:
            name, pin = line.split("==")
            try:
                if version(name).split("+")[0] != pin:
                    other.append((name, pin, version(name)))
            except PackageNotFoundError:
                pass  # needed on other systems alone
    assert not other


def test_everything_that_is_needed_is_pinned():
    def names(file):
        lines = (ROOT / file).read_text().splitlines()
        return {re.match(r"[\w.-]+", line)[0].lower().replace("_", "-") for line in lines if line and line[0] != "#"}

    assert not names("requirements.txt") - names("constraints.txt")
