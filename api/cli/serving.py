"""``lianxin serve``, ``demo`` and ``settings``: the service, its town to look at, its settings."""

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

import typer

from api.cli.database import open_with_reference
from api.cli.options import AsJson
from api.cli.process import (
    ServiceFailed,
    Steps,
    die_with_make,
    ended_by_signals,
    require_loopback,
    say,
    serving,
    take_port,
)
from layers.errors import SettingsInvalid

if TYPE_CHECKING:
    from layers.actions.demo import DemoReport
    from layers.session import Database
    from layers.settings import Settings

CREATED, REPLAYED = 201, 200
_DEMO_PASSWORD_LENGTH = 16
_LOCAL_ONLY = (
    "只在本机可访问；对网络开放请用 https 代理。 This machine only; an https proxy opens it."
)

Host = Annotated[
    str | None, typer.Option(help="Listen on this address; of this machine only.", metavar="HOST")
]
Port = Annotated[
    int | None, typer.Option(help="Listen on this port.", metavar="PORT", min=1, max=65535)
]
Workers = Annotated[
    int | None, typer.Option(help="Serve by so many processes.", metavar="N", min=1, max=64)
]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("demo")(demo)
    app.command("serve")(serve)
    app.command("settings")(show_settings)


def serve(host: Host = None, port: Port = None, workers: Workers = None) -> None:
    """Serve what the database holds, until Ctrl-C."""
    settings = _settings(host, port, workers)
    with _ended_in_order(settings, "\n已停止 stopped") as (taken, last):
        database = open_with_reference(settings)
        last.callback(database.close)
        _hint_at_the_first_account(database)
        with _serving(settings, taken) as wait:
            say(f"Lianxin  {_address(settings)}/  (Ctrl-C 停止 stops it)")
            say(_LOCAL_ONLY)
            wait()


def demo(
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over, from nothing.")] = False,
    households: Annotated[
        int,
        typer.Option(help="How many households the town has.", metavar="N", min=100, max=1_000_000),
    ] = 20_000,
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
) -> None:
    """Make an invented town, report its cases, and serve it until Ctrl-C."""
    began = time.monotonic()
    settings = _settings(host, port, workers)
    steps = Steps()
    farewell = "\n已停止，数据库也已停止 stopped, the database too"
    with _ended_in_order(settings, farewell) as (taken, last):
        if fresh:
            _start_over(settings, steps)
        with steps.step("启动数据库 Starting the database"):
            from layers.actions.demo import load_demo, settle_demo, unreported  # noqa: PLC0415
            from layers.sealing import load_keys  # noqa: PLC0415

            database = open_with_reference(settings)
            last.callback(database.close)
        with steps.step("装入演示城镇 Loading the demo town"):
            cases = load_demo(
                database, households=households, progress=steps.progress, keys=load_keys(settings)
            )
            reports = unreported(database, cases)
        with steps.step("演示账号 Accounts"):
            accounts, password = _demo_accounts(database, settings)
        # A demo shows its own lines; the service's log is for what goes wrong.
        if settings.log_level == "info":
            settings = settings.model_copy(update={"log_level": "warning"})
        with _serving(settings, taken) as wait:
            if reports:
                with steps.step(f"上报案件 Reporting {len(reports)} cases"):
                    _report(settings, reports, steps, ("banner", password))
            settle_demo(database, cases)
            _tell_what_to_open(settings, time.monotonic() - began, accounts, password)
            wait()


def show_settings(as_json: AsJson = False) -> None:
    """List every setting: its value, where that comes from, and what it means."""
    from layers.settings import describe, load_settings  # noqa: PLC0415

    lines = describe(load_settings())
    if as_json:
        typer.echo(json.dumps([asdict(line) for line in lines], ensure_ascii=False, indent=2))
        return
    for line in lines:
        value = "-" if line.value is None else line.value
        typer.echo(f"{line.variable:<28} {value}  ({line.source})")
        typer.echo(f"    {line.meaning}")


def _settings(host: str | None, port: int | None, workers: int | None) -> "Settings":
    from layers.settings import load_settings  # noqa: PLC0415

    settings = load_settings(host=host, port=port, workers=workers)
    require_loopback(settings.host)
    return settings


def _serving(
    settings: "Settings", taken: socket.socket
) -> AbstractContextManager[Callable[[], object]]:
    """Serve in this process, or by as many others as the settings say."""
    if settings.workers > 1:
        from api.cli.workers import serving_by_workers  # noqa: PLC0415

        return serving_by_workers(settings, taken)
    from api.app import create_app  # noqa: PLC0415

    return serving(create_app(settings), taken)


@contextmanager
def _ended_in_order(
    settings: "Settings", farewell: str
) -> Iterator[tuple[socket.socket, ExitStack]]:
    """Hold the port until a signal ends the block, and then undo what ``last`` was given."""
    die_with_make()
    try:
        with (
            ExitStack() as last,
            ended_by_signals(),
            take_port(settings.host, settings.port) as taken,
        ):
            yield taken, last
    except KeyboardInterrupt:
        say(farewell)


def _hint_at_the_first_account(database: "Database") -> None:
    from layers.actions.accounts import any_account  # noqa: PLC0415

    if not any_account(database):
        say(
            "还没有账号 no accounts yet; the first 第一个: "
            "lianxin user add NAME --role administrator"
        )


def _start_over(settings: "Settings", steps: Steps) -> None:
    from layers.cluster import PrivateCluster  # noqa: PLC0415

    if settings.database_url is not None:
        raise SettingsInvalid(
            "--fresh starts over in the private database only, and LIANXIN_DATABASE_URL names "
            "another. Empty that one yourself, or unset the variable."
        )
    with steps.step(f"清空 Emptying {settings.data_dir}"):
        PrivateCluster(settings.data_dir).destroy()


def _demo_accounts(database: "Database", settings: "Settings") -> tuple[list[str], str]:
    """Make the demo's accounts; return a line of words for each, and the password of all."""
    from layers.actions.accounts import demo_accounts  # noqa: PLC0415
    from layers.secrets import secret  # noqa: PLC0415

    if settings.demo_password is not None:
        password = settings.demo_password.get_secret_value()
    else:  # the same at every start
        password = secret(settings, "demo_accounts").hex()[:_DEMO_PASSWORD_LENGTH]
    made = demo_accounts(database, password)
    return [f"{new.name:<14} {new.area or '全部 everywhere'}" for new in made], password


def _report(
    settings: "Settings",
    reports: Sequence["DemoReport"],
    steps: Steps,
    credentials: tuple[str, str],
) -> None:
    """Report the cases as anybody would, over HTTP; a key each, so that none comes twice."""
    connection = http.client.HTTPConnection(settings.host, settings.port, timeout=60)
    try:
        token = _sign_in(connection, *credentials)
        for number, report in enumerate(reports, start=1):
            body = json.dumps(report.body, ensure_ascii=False).encode("utf-8")
            headers = {
                "Content-Type": "application/json",
                "Idempotency-Key": report.key,
                "Authorization": f"Bearer {token}",
            }
            connection.request("POST", "/cases", body, headers)
            response = connection.getresponse()
            answer = response.read().decode("utf-8", "replace")
            if response.status not in (CREATED, REPLAYED):
                raise ServiceFailed(
                    f"The service refused demo case {report.key}: {response.status} {answer[:300]}"
                )
            steps.progress(f"{number}/{len(reports)}")
    except (OSError, http.client.HTTPException) as error:
        raise ServiceFailed(f"The service did not take a demo case: {error}") from error
    finally:
        connection.close()


def _sign_in(connection: http.client.HTTPConnection, account: str, password: str) -> str:
    form = urlencode({"grant_type": "password", "username": account, "password": password})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/auth/token", form, headers)
    response = connection.getresponse()
    answer = response.read()
    if response.status != http.HTTPStatus.OK:
        raise ServiceFailed(f"The service did not sign the demo in: {response.status}")
    return str(json.loads(answer)["access_token"])


def _address(settings: "Settings") -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def _tell_what_to_open(
    settings: "Settings", seconds: float, accounts: Sequence[str], password: str
) -> None:
    address = _address(settings)
    listed = "\n".join(f"    {line}" for line in accounts)
    say(
        f"""
演示城镇已就绪 The demo town is ready ({seconds:.1f} s).
人、户、案件均为虚构。 Its people, homes and cases are invented.

    开始 start here       {address}/
    作战图 battle chart   {address}/charts/all.html
    各处 every chart      {address}/charts
    接口文档 API docs     {address}/docs

账号 accounts, each with the password 密码 {password}
{listed}

{_LOCAL_ONLY}
Ctrl-C 停止服务和数据库 stops the service and its database."""
    )
