"""What the verbs of the command pgwitness share: options, connections, and how they fail.

Knows no verb.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import psycopg

from generator.config import Config, ConfigError, TrackedTable
from generator.names import as_printed, did_you_mean
from generator.parse import read_config

Command = TypeVar("Command", bound=Callable[..., Any])


class UsageProblem(click.ClickException):
    """What is wrong with the input, and how to mend it; nothing was done."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Print the message alone: every finding says already where it is."""
        for line in self.format_message().split("\n"):
            say(line, err=True)


def say(line: str, *, err: bool = False) -> None:
    """Print a line. Names and values in it are anybody's: what does not print is an escape."""
    click.echo(as_printed(line), err=err)


def config_option(command: Command) -> Command:
    """Give a command the option that names its audit.toml."""
    option = click.option(
        "-c",
        "--config",
        "path",
        type=click.Path(path_type=Path, dir_okay=False),
        default=Path("audit.toml"),
        show_default=True,
        help="The configuration.",
    )
    return option(command)


def read(path: Path) -> Config:
    """Return a configuration, or exit 2 with all that is wrong with it."""
    with problems():
        return read_config(path)


@contextmanager
def problems() -> Iterator[None]:
    """Turn what the user can mend into a message and exit 2."""
    try:
        yield
    except ConfigError as error:
        raise UsageProblem(str(error)) from None
    except OSError as error:
        # Such as the pipe of a reader that is gone, which click knows how to end.
        if error.filename is None:
            raise
        raise UsageProblem(f"{error.filename}: {error.strerror}") from None


def selected(config: Config, only: str | None) -> list[TrackedTable]:
    """Return all tables, or the one of a name, or exit 2 where there is none."""
    tables = [table for table in config.tables if only in (None, str(table.name))]
    if only is not None and not tables:
        names = [str(table.name) for table in config.tables]
        which = did_you_mean(only, names, f"known: {', '.join(names)}")
        raise UsageProblem(f'{config.path}: table "{only}" is not in it – {which}')
    return tables


@contextmanager
def connect(database: str) -> Iterator[psycopg.Connection]:
    """Connect for as long as it is needed; what can't be done there is a message and exit 2."""
    # As yoyo wants it, too. What libpq can't read it would repeat, with the password in it.
    conninfo = database.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        with problems(), psycopg.connect(conninfo, connect_timeout=10) as connection:
            yield connection
    except psycopg.ProgrammingError as error:
        if error.sqlstate is None:
            what = "is no connection string – write postgresql://user@host/database"
            raise UsageProblem(f"--database: {what}") from None
        raise UsageProblem(_told(error)) from None
    except psycopg.Error as error:
        raise UsageProblem(_told(error)) from None


def _told(error: psycopg.Error) -> str:
    """Return what a database said, and how to mend what a DBA meets most: it gives no hint."""
    said = error.diag.message_primary
    fix = _FIXES.get(error.sqlstate or "")
    # libpq begins a line of its hint with a tab, which would show as an escape.
    return f"--database: {f'{said} – {fix}' if said and fix else str(error).strip().expandtabs(4)}"


_FIXES = {
    "25006": "this is a standby, or read-only: connect to the primary",
    "42501": "connect as a role that may: --help says which",
}
