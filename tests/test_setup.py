"""The set-up: what it installs when, what it says to those who may not, and what CI lets pass."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
LOCKS = sorted(REPOSITORY.glob("requirements*.lock"))

# Stands for a Python: notes what it is asked, and makes environments of its own kind.
PYTHON = """#!/bin/sh
echo "python $*" >>"$CALLS"
case "$*" in
"-m venv --clear .venv") rm -rf .venv; mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
*requirements-broken*) exit 1 ;;
esac
"""
NPM = """#!/bin/sh
echo "npm $*" >>"$CALLS"
mkdir -p node_modules/leaflet/dist node_modules/swagger-ui-dist
for file in leaflet/dist/leaflet.js leaflet/dist/leaflet.css leaflet/LICENSE \\
    swagger-ui-dist/swagger-ui-bundle.js swagger-ui-dist/swagger-ui.css \\
    swagger-ui-dist/LICENSE swagger-ui-dist/NOTICE; do echo stand-in >"node_modules/$file"; done
"""


class Machine:
    """A copy of the set-up in a folder of its own, with stand-ins for Python and npm."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "checkout"
        self.bin = folder / "bin"
        self.calls = folder / "calls"
        self.checkout.mkdir()
        self.bin.mkdir()
        for name in ("bootstrap.sh", "pyproject.toml", "package.json", "package-lock.json"):
            shutil.copy(REPOSITORY / name, self.checkout)
        for lock in LOCKS:
            shutil.copy(lock, self.checkout)
        self.add("python3", PYTHON)
        self.add("npm", NPM)
        self.add("node", "#!/bin/sh\n")
        self.path = f"{self.bin}:{os.environ['PATH']}"

    def add(self, name: str, script: str) -> None:
        (self.bin / name).write_text(script)
        (self.bin / name).chmod(0o755)

    def bootstrap(self, mode: str) -> tuple["subprocess.CompletedProcess[str]", list[str]]:
        """Run the set-up; return how it ended and what it asked of Python and npm to install."""
        self.calls.write_text("")
        done = subprocess.run(
            ["sh", str(self.checkout / "bootstrap.sh"), mode],
            env={"PATH": self.path, "CALLS": str(self.calls), "HOME": str(self.bin)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        asked = [
            call
            for call in self.calls.read_text().splitlines()
            if re.search("install|ci|venv", call)
        ]
        return done, asked


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_first_run_installs_from_the_hashed_lock_and_the_second_is_silent(
    machine: Machine,
) -> None:
    done, asked = machine.bootstrap("runtime")
    assert done.returncode == 0, done.stderr
    assert asked[0] == "python -m venv --clear .venv"
    assert any("--require-hashes -r requirements.lock" in call for call in asked)
    assert any("--no-deps --no-build-isolation --editable ." in call for call in asked)
    assert asked[-1] == "npm ci --omit=dev"
    assert (machine.checkout / "gis/chart/vendor/leaflet.js").exists()
    assert (machine.checkout / "api/web/vendor/swagger-ui-bundle.js").exists()
    assert "done in" in done.stdout

    done, asked = machine.bootstrap("runtime")
    assert (done.returncode, done.stdout, done.stderr, asked) == (0, "", "", [])


def test_what_a_developer_has_is_enough_to_run(machine: Machine) -> None:
    done, asked = machine.bootstrap("dev")
    assert done.returncode == 0, done.stderr
    assert any("--require-hashes -r requirements-dev.lock" in call for call in asked)
    assert asked[-1] == "npm ci"
    for mode in ("runtime", "dev"):
        done, asked = machine.bootstrap(mode)
        assert (done.returncode, done.stdout, asked) == (0, "", [])


def test_only_what_changed_is_installed_again(machine: Machine) -> None:
    machine.bootstrap("runtime")
    with (machine.checkout / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    _, asked = machine.bootstrap("runtime")
    assert asked
    assert all(call.startswith("python -m pip") for call in asked)
    with (machine.checkout / "package-lock.json").open("a") as lock:
        lock.write("\n")
    _, asked = machine.bootstrap("runtime")
    assert asked == ["npm ci --omit=dev"]


def test_folder_that_was_moved_gets_a_new_environment(machine: Machine) -> None:
    machine.bootstrap("runtime")
    machine.checkout = machine.checkout.rename(machine.checkout.with_name("moved"))
    _, asked = machine.bootstrap("runtime")
    assert asked[0] == "python -m venv --clear .venv"


def test_install_that_failed_says_why_and_is_tried_again(machine: Machine) -> None:
    script = (machine.checkout / "bootstrap.sh").read_text()
    broken = script.replace('--require-hashes -r "$1"', "--require-hashes -r requirements-broken")
    (machine.checkout / "bootstrap.sh").write_text(broken)
    done, _ = machine.bootstrap("runtime")
    assert done.returncode == 1
    assert "failed after" in done.stderr
    (machine.checkout / "bootstrap.sh").write_text(script)
    done, asked = machine.bootstrap("runtime")
    assert done.returncode == 0
    assert any("requirements.lock" in call for call in asked)


@pytest.mark.parametrize("sudo", [None, "#!/bin/sh\nexit 1\n"])
def test_who_may_not_install_is_told_the_exact_command(machine: Machine, sudo: str | None) -> None:
    # A machine where everything is but Chromium, and a user who isn't root.
    for folder in ("/usr/bin", "/bin"):
        for tool in Path(folder).iterdir():
            if (
                tool.name not in ("chromium", "sudo", "id")
                and not (machine.bin / tool.name).exists()
            ):
                (machine.bin / tool.name).symlink_to(tool)
    machine.add("id", "#!/bin/sh\necho 1000\n")
    if sudo:
        machine.add("sudo", sudo)
    machine.path = str(machine.bin)
    done, asked = machine.bootstrap("dev")
    assert done.returncode == 2
    command = "apt-get update && apt-get install --yes --no-install-recommends chromium\n"
    assert command in done.stderr
    assert "Nothing was changed" in done.stderr
    assert asked == []
    assert not (machine.checkout / ".venv").exists()


def test_wrong_word_is_refused(machine: Machine) -> None:
    done, asked = machine.bootstrap("everything")
    assert (done.returncode, asked) == (2, [])
    assert "runtime|dev" in done.stderr


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_is_hashed_and_names_no_registry(lock: Path) -> None:
    text = lock.read_text()
    requirements = re.findall(r"^([A-Za-z0-9._\[\]-]+)==[^ ]+ \\$", text, re.MULTILINE)
    assert requirements
    assert len(re.findall(r"==[^ ]+ \\\n    --hash=sha256:", text)) == len(requirements)
    assert not re.search(r"https?://|file://|^-", text, re.MULTILINE)


def test_every_direct_dependency_is_locked() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    runtime = (REPOSITORY / "requirements.lock").read_text()
    dev = (REPOSITORY / "requirements-dev.lock").read_text()

    def named(requirement: str) -> str:
        return re.match(r"[A-Za-z0-9_-]+", requirement)[0]  # type: ignore[index]  # always matches

    for requirement in project["dependencies"]:
        pattern = rf"^{named(requirement)}(\[.*\])?=="
        assert re.search(pattern, runtime, re.MULTILINE), requirement
        assert re.search(pattern, dev, re.MULTILINE), requirement
    for requirement in project["optional-dependencies"]["dev"]:
        assert re.search(rf"^{named(requirement)}(\[.*\])?==", dev, re.MULTILINE), requirement


def test_browser_assets_are_locked_and_name_no_registry() -> None:
    package = json.loads((REPOSITORY / "package.json").read_text())
    lock = json.loads((REPOSITORY / "package-lock.json").read_text())
    for name in {**package["dependencies"], **package["devDependencies"]}:
        assert lock["packages"][f"node_modules/{name}"]["integrity"]
    assert not any("resolved" in entry for entry in lock["packages"].values())


def make(*words: str) -> str:
    done = subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=REPOSITORY,
        env={key: value for key, value in os.environ.items() if not key.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_make_help_names_every_word_that_a_user_types() -> None:
    said = make("help")
    for word in ("demo", "demo FRESH=1", "test", "check", "bench", "clean"):
        assert f"make {word} " in said


def test_make_demo_passes_fresh_on_and_starts_the_service_without_a_shell() -> None:
    assert make("-n", "demo").splitlines()[-1].strip() == ".venv/bin/lianxin demo"
    assert make("-n", "demo", "FRESH=1").splitlines()[-1] == ".venv/bin/lianxin demo --fresh"


@pytest.mark.parametrize(
    ("ci", "reason", "status"),
    [
        ("true", "no browser here", 1),
        ("true", "real data are not here: /shared", 0),
        ("", "no browser here", 0),
    ],
)
def test_skipped_test_fails_ci_unless_the_real_data_are_absent(
    tmp_path: Path, ci: str, reason: str, status: int
) -> None:
    (tmp_path / "test_one.py").write_text(
        f"import pytest\ndef test_skipped():\n    pytest.skip({reason!r})\n"
        "def test_passed():\n    pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.skips", "-p", "no:cacheprovider", "-q"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout
    assert ("COUNTS AS FAILED" in done.stdout) == bool(status)


def test_scripts_parse_and_ci_may_be_executed() -> None:
    subprocess.run(["sh", "-n", str(REPOSITORY / "bootstrap.sh")], check=True)
    subprocess.run(["bash", "-n", str(REPOSITORY / ".ci/run")], check=True)
    assert os.access(REPOSITORY / ".ci/run", os.X_OK)
