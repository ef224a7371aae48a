"""The service as a process of its own: however it ends, its database ends with it."""

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from layers.session import open_database
from layers.settings import Settings
from tests.faults.service import COMMAND, Service, a_service, wait_until, wait_until_gone


@pytest.fixture
def service(open_folder: Path) -> Iterator[Service]:
    with a_service(open_folder) as service:
        yield service


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_the_service_and_its_database_in_order(
    service: Service, number: signal.Signals
) -> None:
    service.start().wait_until_said("/  (Ctrl-C")
    assert service.get("/livez") == 200
    pid = service.server_pid()
    assert service.process is not None
    service.process.send_signal(number)
    time.sleep(0.05)
    assert service.end(signal.SIGTERM) == 0  # make passes its own on after the terminal's
    assert not Path(f"/proc/{pid}").exists()
    said = service.log.read_text("utf-8")
    assert "stopped" in said
    assert not re.search(r'Traceback|"warning"|"error"', said)
    assert "database system is shut down" in service.cluster.log.read_text("utf-8")


def test_service_that_is_killed_takes_its_database_along(service: Service) -> None:
    service.start().wait_until_said("/  (Ctrl-C")
    pid = service.server_pid()
    service.end(signal.SIGKILL)
    wait_until_gone(pid)


def test_make_that_is_killed_takes_both_along(service: Service) -> None:
    # What make is to the service: a parent that says MAKELEVEL.
    program = f"""
        import subprocess, sys
        child = subprocess.Popen({[*COMMAND, "serve"]!r})
        print(child.pid, flush=True)
        child.wait()
        """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        text=True,
        env={**service.environment, "MAKELEVEL": "1"},
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    try:
        wait_until(lambda: service.cluster.running)
        pid = service.server_pid()
    finally:
        parent.kill()
        parent.communicate()
    wait_until_gone(child)
    wait_until_gone(pid)


def test_signal_while_starting_leaves_nothing_behind(service: Service) -> None:
    service.start()
    wait_until(lambda: service.cluster.running)
    pid = service.server_pid()
    service.end(signal.SIGTERM)
    wait_until_gone(pid)
    service.start().wait_until_said("/  (Ctrl-C")


def test_service_answers_again_after_its_database_was_killed(service: Service) -> None:
    service.start().wait_until_said("/  (Ctrl-C").sign_in()
    os.kill(service.server_pid(), signal.SIGKILL)
    wait_until(lambda: not service.cluster.running)
    assert service.get("/cases") == 200
    assert service.cluster.running


def test_second_service_on_the_same_data_outlives_the_first(
    service: Service, open_folder: Path
) -> None:
    service.start().wait_until_said("/  (Ctrl-C")
    with a_service(open_folder) as second:
        second.start().wait_until_said("/  (Ctrl-C").sign_in()
        pid = service.server_pid()
        service.end(signal.SIGKILL)
        wait_until_gone(pid)
        assert second.get("/cases") == 200


def refusal(service: Service, *words: str, **more: str) -> str:
    done = subprocess.run(
        [*COMMAND, *words],
        env={**service.environment, **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("lianxin: ")
    assert not service.cluster.data_dir.exists()  # refused before anything was begun
    return done.stderr


def test_taken_port_is_named_with_a_way_out(service: Service) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", service.port))
        other.listen()
        said = refusal(service, "serve")
    assert f"Port {service.port}" in said
    assert f"LIANXIN_PORT={service.port + 1}" in said


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org"])  # noqa: S104
def test_address_that_others_may_reach_is_refused(service: Service, host: str) -> None:
    for words in (["serve"], ["demo"]):
        assert "this machine only" in refusal(service, *words, LIANXIN_HOST=host)


def test_fresh_demo_never_touches_a_configured_database(service: Service) -> None:
    said = refusal(
        service, "demo", "--fresh", LIANXIN_DATABASE_URL="postgresql://li:mima@127.0.0.1:1/grid"
    )
    assert "--fresh" in said
    assert "mima" not in said


def count_cases(data_dir: Path) -> int:
    database = open_database(Settings(data_dir=data_dir))
    try:
        with database.raw() as connection:
            row = connection.execute("SELECT count(*) FROM cases").fetchone()
            return int(row[0]) if row else 0
    finally:
        database.close()


def test_demo_that_was_killed_goes_on_where_it_was_and_reports_no_case_twice(
    open_folder: Path,
) -> None:
    with a_service(open_folder, "demo", "--households", "300") as demo:
        data_dir = demo.cluster.data_dir
        demo.start().wait_until_said("Loading the demo town  ")
        wait_until(lambda: count_cases(data_dir) > 20)
        pid = demo.server_pid()
        demo.end(signal.SIGKILL)
        wait_until_gone(pid)
        left = count_cases(data_dir)
        assert 20 < left < 600

        demo.start().wait_until_said("demo town is ready")
        reported = re.search(r"Reporting (\d+) cases", demo.log.read_text("utf-8"))
        assert reported is not None
        assert int(reported[1]) == 600 - left
        assert count_cases(data_dir) == 600
        told = demo.log.read_text("utf-8")
        password = re.search(r"密码 (\w+)", told)
        assert password is not None
        demo.sign_in_as("banner", password[1])
        for path in re.findall(rf"http://127.0.0.1:{demo.port}(\S+)", told):
            assert demo.get(path) == 200  # whatever it says to open can be opened
        assert demo.end(signal.SIGINT) == 0

        demo.start().wait_until_said("demo town is ready")
        assert "Reporting" not in demo.log.read_text("utf-8")
        assert count_cases(data_dir) == 600
        assert demo.end(signal.SIGTERM) == 0
