"""Programs that pip cannot bring: Chromium for the browser tests, bubblewrap for grading.

`chromium()` and `bubblewrap()` answer (path, "") or (None, what is wrong and what to type). `provide` installs what is
missing, but only where that surprises nobody: in CI, and as root of a Debian or Ubuntu container.
"""

import functools
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from coursekit import ROOT
from coursekit.install import step

PACKAGES = {"chromium": ["chromium", "fonts-noto-cjk"], "bubblewrap": ["bubblewrap"]}  # the font is for Korean text
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)


def chromium():
    if named := os.environ.get("CHROMIUM"):
        found = shutil.which(named)
        return (found, "") if found else (None, f"CHROMIUM names {named}, which is no program.")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found:
        return found, ""
    return None, f"No Chromium or Chrome here. {how('chromium')}, or set CHROMIUM to the path of one."


@functools.cache
def bubblewrap():
    """Found is not enough: containers and some systems forbid the namespaces it needs, so it is tried."""
    if sys.platform != "linux":
        return None, "bubblewrap exists on Linux alone: grade there, or in a Linux container or virtual machine."
    found = shutil.which("bwrap")
    if not found:
        return None, f"bubblewrap is not here. {how('bubblewrap')}."
    trial = [found, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--ro-bind", "/", "/"]
    try:
        said = subprocess.run([*trial, shutil.which("true")], capture_output=True, text=True, timeout=10)
    except subprocess.TimeoutExpired:
        return None, "bubblewrap is here and does not answer within 10 seconds."
    if said.returncode == 0:
        return found, ""
    reason = (said.stderr.strip().splitlines() or [f"exit {said.returncode}"])[-1]
    return None, f"bubblewrap is here and does not work ({reason}). {remedy(in_container(), setting)}"


def remedy(container, setting):
    """What lets bubblewrap work; `setting(name)` is the text of /proc/sys/<name>, or ''."""
    if setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return "Ubuntu's AppArmor forbids it: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    if setting("kernel/unprivileged_userns_clone") == "0":
        return "The kernel forbids it: sudo sysctl -w kernel.unprivileged_userns_clone=1"
    if setting("user/max_user_namespaces") == "0":
        return "The kernel forbids it: sudo sysctl -w user.max_user_namespaces=10000"
    if container:
        return "Start it by: docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined …"
    return "The system forbids the namespaces that it needs."


def setting(name):
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return ""


def how(program):
    """The command to type for a program that is missing."""
    if sys.platform == "linux":
        if packages := apt_packages(program, distribution()):
            return f"To install it: sudo apt-get install {' '.join(packages)}"
        if program == "bubblewrap":
            return "Install the package bubblewrap with your system's package manager"
    return "Install Chromium or Google Chrome"


def apt_packages(program, distribution):
    """Ubuntu's package chromium is a snap, which does not run in containers: there the user brings Chrome."""
    if distribution == "debian" or (distribution == "ubuntu" and program != "chromium"):
        return PACKAGES[program]
    return []


def apt_prefix(env, root, container, sudo):
    """What goes before apt-get where it may be used without asking, else None."""
    ci = env.get("CI", "").lower() in ("1", "true")
    if root and (ci or container):
        return []
    return ["sudo", "-n"] if ci and sudo else None


def provide(*programs):
    """Install those of `programs` that are missing where that is safe, and say in a line what does not work."""
    packages = [p for name in programs if not CHECKS[name]()[0] for p in apt_packages(name, distribution())]
    prefix = apt_prefix(os.environ, is_root(), in_container(), shutil.which("sudo"))
    if packages and prefix is not None and shutil.which("apt-get"):
        log, env = ROOT / ".venv" / "apt.log", os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        apt = [*prefix, "apt-get"]
        try:
            step("apt-get update", [*apt, "update"], log, env)
            install = [*apt, "install", "-y", "--no-install-recommends", *packages]
            step(f"apt-get install {' '.join(packages)}", install, log, env)
        except SystemExit as failed:
            print(failed)
        bubblewrap.cache_clear()
    for name in programs:
        if why := CHECKS[name]()[1]:
            print(why)


CHECKS = {"chromium": chromium, "bubblewrap": bubblewrap}


def is_root():
    return hasattr(os, "geteuid") and os.geteuid() == 0


def in_container():
    return any(Path(p).exists() for p in ("/.dockerenv", "/run/.containerenv")) or "container" in os.environ


def distribution():
    try:
        return platform.freedesktop_os_release().get("ID", "")
    except OSError:
        return ""
