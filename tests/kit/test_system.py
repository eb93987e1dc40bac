import pytest

from coursekit import system


@pytest.mark.parametrize(
    "env, root, container, sudo, prefix",
    [
        ({}, True, True, None, []),
        ({"CI": "true"}, True, False, None, []),
        ({"CI": "true"}, False, False, "/usr/bin/sudo", ["sudo", "-n"]),
        ({"CI": "true"}, False, True, None, None),
        ({}, True, False, None, None),  # root of a whole machine is asked first
        ({}, False, True, "/usr/bin/sudo", None),
        ({"CI": "false"}, False, False, "/usr/bin/sudo", None),
    ],
)
def test_apt_is_used_in_ci_and_by_the_root_of_a_container(env, root, container, sudo, prefix):
    assert system.apt_prefix(env, root, container, sudo) == prefix


@pytest.fixture
def bare(monkeypatch):
    """A Debian with apt-get and without the two programs; the list of the commands that were run there."""
    ran = []
    monkeypatch.setattr(system.shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None)
    monkeypatch.setattr(system.sys, "platform", "linux")
    monkeypatch.setattr(system, "distribution", lambda: "debian")
    monkeypatch.setattr(system, "step", lambda what, command, *_: ran.append(command))
    monkeypatch.delenv("CHROMIUM", raising=False)
    system.bubblewrap.cache_clear()
    yield ran
    system.bubblewrap.cache_clear()


def test_where_it_is_not_safe_nothing_is_installed_and_the_command_is_named(bare, monkeypatch, capsys):
    monkeypatch.setattr(system, "apt_prefix", lambda *_: None)
    system.provide("chromium", "bubblewrap")
    assert bare == []
    said = capsys.readouterr().out
    assert "sudo apt-get install chromium fonts-noto-cjk" in said
    assert "sudo apt-get install bubblewrap" in said


def test_where_it_is_safe_what_is_missing_is_installed_at_once(bare, monkeypatch):
    monkeypatch.setattr(system, "apt_prefix", lambda *_: [])
    system.provide("chromium", "bubblewrap")
    assert [command[:2] for command in bare] == [["apt-get", "update"], ["apt-get", "install"]]
    assert bare[1][-3:] == ["chromium", "fonts-noto-cjk", "bubblewrap"]


def test_an_apt_that_fails_ends_nothing(bare, monkeypatch, capsys):
    def step(*_):
        raise SystemExit("no network")

    monkeypatch.setattr(system, "step", step)
    monkeypatch.setattr(system, "apt_prefix", lambda *_: [])
    system.provide("bubblewrap")
    assert "no network" in capsys.readouterr().out


def test_ubuntu_gets_no_snap():
    assert system.apt_packages("chromium", "ubuntu") == []
    assert system.apt_packages("bubblewrap", "ubuntu") == ["bubblewrap"]
    assert system.apt_packages("bubblewrap", "fedora") == []


def test_a_browser_can_be_named(monkeypatch, tmp_path):
    browser = tmp_path / "browser"
    browser.write_text("")
    browser.chmod(0o755)
    monkeypatch.setenv("CHROMIUM", str(browser))
    assert system.chromium() == (str(browser), "")
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "none"))
    assert system.chromium() == (None, f"CHROMIUM names {tmp_path / 'none'}, which is no program.")


@pytest.mark.skipif("sys.platform != 'linux'", reason="bubblewrap exists on Linux alone")
def test_a_bubblewrap_that_is_there_and_may_not_work_is_found_out(tmp_path, monkeypatch):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    system.bubblewrap.cache_clear()
    path, why = system.bubblewrap()
    system.bubblewrap.cache_clear()
    assert path is None
    assert "does not work (bwrap: No permissions to create new namespace)" in why


@pytest.mark.parametrize(
    "container, settings, words",
    [
        (True, {"kernel/apparmor_restrict_unprivileged_userns": "1"}, "apparmor_restrict_unprivileged_userns=0"),
        (False, {"kernel/unprivileged_userns_clone": "0"}, "unprivileged_userns_clone=1"),
        (False, {"user/max_user_namespaces": "0"}, "max_user_namespaces="),
        (True, {}, "seccomp=unconfined"),
        (False, {}, "forbids the namespaces"),
    ],
)
def test_the_remedy_fits_the_cause(container, settings, words):
    assert words in system.remedy(container, lambda name: settings.get(name, ""))
