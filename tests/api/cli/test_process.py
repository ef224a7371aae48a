"""What a serving process minds, where it needs no process to show."""

import os
import signal

import pytest

from api.cli import process
from layers.errors import SettingsInvalid


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_this_machine_only_is_fine(host: str) -> None:
    process.require_loopback(host)


@pytest.mark.parametrize("number", process.ENDING)
def test_signal_ends_the_block_and_leaves_the_clean_up_in_peace(number: signal.Signals) -> None:
    before = {each: signal.getsignal(each) for each in process.ENDING}
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # what a shell gives to a background process
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with pytest.raises(KeyboardInterrupt), process.ended_by_signals():
            os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)  # the second Ctrl-C of somebody impatient
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def test_ignored_hangup_stays_ignored() -> None:
    before = {each: signal.getsignal(each) for each in process.ENDING}
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what nohup does
    try:
        with process.ended_by_signals():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def test_port_is_held_from_the_moment_it_is_taken() -> None:
    with process.take_port("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsInvalid, match=f"Port {port} .*LIANXIN_PORT"):
            process.take_port("127.0.0.1", port)


def test_step_says_what_was_done_and_how_long_it_took(capsys: pytest.CaptureFixture[str]) -> None:
    steps = process.Steps()
    with steps.step("Loading"):
        steps.progress("1/2")  # at once, and so not worth a line
    assert capsys.readouterr().out == "  Loading  0.0 s\n"


def test_step_that_failed_is_not_said_to_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), process.Steps().step("Loading"):
        raise KeyError
    assert "Loading  " not in capsys.readouterr().out
