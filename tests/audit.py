"""Look for known holes in what the locks name: ``python -m tests.audit requirements.lock``.

It asks the OSV database over the network. Where that does not answer in time nothing is known,
which is said and is no failure: a check must not depend on somebody else's server. A hole that does
not touch us is named, with its reason, in ``EXPLAINED``.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

SECONDS: Final = int(os.environ.get("LIANXIN_AUDIT_SECONDS", "20"))

EXPLAINED: Final[Mapping[str, str]] = {}
"""Advisory → why it does not touch us."""


@dataclass(frozen=True)
class Hole:
    """A known hole in a package that is locked."""

    package: str
    version: str
    advisory: str
    fixed_in: tuple[str, ...]

    def __str__(self) -> str:
        """Say what and where, and which version mends it."""
        mended = ", ".join(self.fixed_in) or "no version yet"
        return f"{self.package} {self.version}: {self.advisory}; mended in {mended}"


def holes(report: Mapping[str, Any]) -> list[Hole]:
    """Return what pip-audit found and nobody has explained."""
    return [
        Hole(each["name"], each["version"], hole["id"], tuple(hole.get("fix_versions", ())))
        for each in report["dependencies"]
        for hole in each.get("vulns", ())
        if hole["id"] not in EXPLAINED
    ]


def read(output: str) -> Mapping[str, Any] | None:
    """Return pip-audit's report, or None where it has none."""
    try:
        report = json.loads(output)
    except ValueError:
        return None
    return report if isinstance(report, dict) and "dependencies" in report else None


def ask(lock: str) -> Mapping[str, Any] | None:
    """Return what is known about the packages of a lock, or None where nobody answers."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", lock, "--disable-pip",
               "--require-hashes", "--vulnerability-service", "osv", "--format", "json",
               "--progress-spinner", "off", "--timeout", "5"]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    return read(done.stdout)


def main(*locks: str) -> int:
    """Audit each lock; return how many holes there are."""
    count = 0
    for lock in locks:
        report = ask(lock)
        if report is None:
            print(
                f"{lock}: SKIPPED, not audited: the advisory database gave no answer within "
                f"{SECONDS} s. Try again with a network, or with LIANXIN_AUDIT_SECONDS=300."
            )
            continue
        found = holes(report)
        print(f"{lock}: {len(report['dependencies'])} packages, {len(found)} known holes")
        for hole in found:
            print(f"  {hole}")
        count += len(found)
    return count


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
