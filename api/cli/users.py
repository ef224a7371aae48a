"""``lianxin user``: who may sign in."""

import getpass
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.database import ready_database
from api.cli.options import AsJson
from api.cli.output import print_json
from layers.errors import AccountInvalid
from layers.vocabulary import Duty, Role

if TYPE_CHECKING:
    from layers.actions.accounts import AccountSummary, NewAccount

Name = Annotated[str, typer.Argument(help="Name of the account.", metavar="NAME")]
FromInput = Annotated[
    bool,
    typer.Option(
        "--password-stdin",
        help="Read the password from standard input; without it, make a random one and print it.",
    ),
]

_ROLES = ", ".join(role for role in Role if role is not Role.SYSTEM)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(help="Accounts: who may sign in, and as what.")
    group.command("add")(add)
    group.command("list")(list_all)
    group.command("disable")(disable)
    group.command("enable")(enable)
    group.command("reset")(reset)
    group.command("sign-out")(sign_out)
    group.command("nine")(nine)
    app.add_typer(group, name="user", no_args_is_help=True)


def add(  # noqa: PLR0913, PLR0917 - each parameter is an option
    name: Name,
    role: Annotated[str, typer.Option(help=f"One of: {_ROLES}.", metavar="ROLE")],
    area: Annotated[
        str | None,
        typer.Option(
            help="Code of its grid, community, street or banner; none is everywhere.",
            metavar="CODE",
        ),
    ] = None,
    majors: Annotated[
        str | None,
        typer.Option(help="Of a department: its categories, as 51,53.", metavar="LIST"),
    ] = None,
    duties: Annotated[
        str | None,
        typer.Option(help=f"Of a worker: some of {', '.join(Duty)}.", metavar="LIST"),
    ] = None,
    display_name: Annotated[
        str | None, typer.Option(help="The name that is shown.", metavar="TEXT")
    ] = None,
    password_stdin: FromInput = False,
    as_json: AsJson = False,
) -> None:
    """Make an account. The first one is an administrator's, who is not shown anybody's data."""
    from layers.actions.accounts import NewAccount, add_account  # noqa: PLC0415

    new = NewAccount(
        name, _role(role), area, display_name or "",
        majors=_list(majors), duties=_duties(duties),
    )  # fmt: skip
    given = _password() if password_stdin else None
    with ready_database() as database:
        made = add_account(database, new, given)
    _tell_passwords([(new, None if given else made)], as_json=as_json)


def list_all(as_json: AsJson = False) -> None:
    """List the accounts."""
    from layers.actions.accounts import list_accounts  # noqa: PLC0415

    with ready_database() as database:
        found = list_accounts(database)
    if as_json:
        print_json([_as_json(account) for account in found])
    elif not found:
        typer.echo(
            "还没有账号 · no accounts yet; the first: lianxin user add NAME --role administrator"
        )
    else:
        for account in found:
            typer.echo(_line(account))


def disable(name: Name, as_json: AsJson = False) -> None:
    """Let nobody in any more by an account; whoever is signed in is out within five seconds."""
    from layers.actions.accounts import disable_account  # noqa: PLC0415

    with ready_database() as database:
        disable_account(database, name)
    _tell(name, "disabled", "已停用", as_json=as_json)


def enable(name: Name, as_json: AsJson = False) -> None:
    """Let a disabled account sign in again."""
    from layers.actions.accounts import enable_account  # noqa: PLC0415

    with ready_database() as database:
        enable_account(database, name)
    _tell(name, "enabled", "已启用", as_json=as_json)


def reset(name: Name, password_stdin: FromInput = False, as_json: AsJson = False) -> None:
    """Give an account another password; whoever is signed in by it is signed out."""
    from layers.actions.accounts import reset_password  # noqa: PLC0415

    given = _password() if password_stdin else None
    with ready_database() as database:
        made = reset_password(database, name, given)
    if as_json:
        print_json({"name": name, "password": None if given else made})
    else:
        typer.echo(f"{name}: 已重设 password reset" + ("" if given else f": {made}"))


def sign_out(name: Name, as_json: AsJson = False) -> None:
    """Revoke every token of an account, its kiosks' included; it may sign in again."""
    from layers.actions.accounts import sign_out_everywhere  # noqa: PLC0415

    with ready_database() as database:
        sign_out_everywhere(database, name)
    _tell(name, "signed out", "已全部退出", as_json=as_json)


def nine(
    community: Annotated[str, typer.Argument(help="Code of the community.", metavar="COMMUNITY")],
    as_json: AsJson = False,
) -> None:
    """Make the nine grid accounts of a community, shared out over its grids in force."""
    from layers.actions.accounts import nine_accounts  # noqa: PLC0415

    with ready_database() as database:
        made = nine_accounts(database, community)
    _tell_passwords(list(made), as_json=as_json)


def _tell_passwords(made: "list[tuple[NewAccount, str | None]]", *, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {"name": new.name, "role": str(new.role), "area": new.area, "password": password}
                for new, password in made
            ]
        )
        return
    for new, password in made:
        shown = "" if password is None else f"  密码 password: {password}"
        typer.echo(f"{new.name}  {new.role}  {new.area or '全部 everywhere'}{shown}")
    if any(password for _, password in made):
        typer.echo("密码只显示这一次 · passwords are shown this once")


def _tell(name: str, done: str, done_zh: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"name": name, "state": done})
    else:
        typer.echo(f"{name}: {done_zh} {done}")


def _line(account: "AccountSummary") -> str:
    state = "  已停用 disabled" if account.disabled_at else ""
    lost = "" if account.in_force else "  区域已失效 its area is not in force"
    majors = f"  {','.join(account.majors)}" if account.majors else ""
    area = account.area or "全部 everywhere"
    return f"{account.name:<20} {account.role:<14} {area}{majors}{state}{lost}"


def _as_json(account: "AccountSummary") -> dict[str, Any]:
    return {
        "name": account.name,
        "display_name": account.display_name,
        "role": str(account.role),
        "area": account.area,
        "in_force": account.in_force,
        "majors": account.majors,
        "duties": [str(duty) for duty in account.duties],
        "created_at": account.created_at.isoformat(),
        "password_changed_at": account.password_changed_at.isoformat(),
        "disabled_at": account.disabled_at and account.disabled_at.isoformat(),
    }


def _password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("密码 password: ")
    return sys.stdin.readline().rstrip("\r\n")


def _role(text: str) -> Role:
    try:
        return Role(text.casefold())
    except ValueError:
        raise AccountInvalid(f"There is no role {text}; there are: {_ROLES}.") from None


def _duties(text: str | None) -> tuple[Duty, ...] | None:
    try:
        return None if text is None else tuple(Duty(word) for word in _list(text) or ())
    except ValueError:
        raise AccountInvalid(f"There are these duties: {', '.join(Duty)}.") from None


def _list(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    return tuple(dict.fromkeys(part.strip() for part in text.replace("，", ",").split(",") if part))
