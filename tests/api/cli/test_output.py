"""How long work is shown: a bar for who looks, a line now and then for a log."""

import pytest

from api.cli import output


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_log_gets_a_line_a_step_and_one_now_and_then(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = output.Progress(clock)
    for second in range(25):
        clock.now = float(second)
        progress("route", 1000 * second, 24_000)
    progress("write", 24_000, 24_000)
    progress.end()
    told = capsys.readouterr()
    assert told.out == ""
    lines = told.err.splitlines()
    assert [line.split()[0] for line in lines] == ["route", "route", "route", "write"]
    assert "10,000 / 24,000  1,000 rows/s  0:14 left" in lines[1]


def test_a_terminal_gets_one_line_that_is_redrawn(
    clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    progress = output.Progress(clock)
    for step in range(100):
        clock.now = step / 100
        progress("route", step, 100)
    progress.end()
    told = capsys.readouterr().err
    assert "\n" not in told
    assert 5 < told.count("█ ") + told.count("░ ") < 15
    assert told.endswith("\r\033[K")


def test_hours_are_told_as_such() -> None:
    assert output.progress_line("route", 1, 7201, 1.0).endswith("2:00:00 left")
