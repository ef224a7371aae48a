"""The command ``lianxin``; each module here adds its own commands to it."""

import sys
from importlib import import_module
from importlib.metadata import version

import typer

from api.cli.process import ServiceFailed
from gis.errors import GisError
from layers.errors import LayersError

# In the order of --help. The modules import what is heavy inside their commands.
_GROUPS = {
    "Start": ("serving", "database", "users", "keys"),
    "Load and check": (
        "checking",
        "mending",
        "importing",
        "editions",
        "networks",
        "proposing",
    ),
    "Find and show": ("routing", "charting"),
    "Account for": ("auditing",),
}

app = typer.Typer(
    name="lianxin",
    help="Grid-based community governance: who owns a point, and the chart that shows it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Joins the lines of a paragraph, and leaves [brackets] in a text alone.
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lianxin {version('lianxin')}")
        raise typer.Exit


@app.callback()
def start(
    show_version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version."
    ),
    debug: bool = typer.Option(False, "--debug", help="Show where in the code an error arose."),
) -> None:
    """Take the options that stand before every command."""


def register_all() -> None:
    """Add every module's commands, under the heading of its group."""
    for heading, names in _GROUPS.items():
        for name in names:
            before = len(app.registered_commands), len(app.registered_groups)
            import_module(f"api.cli.{name}").register(app)
            for command in app.registered_commands[before[0] :]:
                command.rich_help_panel = heading
            for group in app.registered_groups[before[1] :]:
                group.rich_help_panel = heading


register_all()


def main() -> None:
    """Run the command line: 0 done, 1 findings, 2 wrong use, 3 a fault of ours."""
    debug = "--debug" in sys.argv
    try:
        # Wherever on the line it stands, which is where one adds it: at the end.
        app([word for word in sys.argv[1:] if word != "--debug"])
    except (GisError, LayersError, ServiceFailed) as error:
        if debug:
            raise
        print(f"lianxin: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody to tell.
        sys.stderr.close()
        sys.exit(141)
    except Exception as error:
        if debug:
            raise
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        print(
            f"lianxin: something went wrong that should not have ({said}). "
            "The same command with --debug shows where.",
            file=sys.stderr,
        )
        sys.exit(3)
