"""How a command reaches a database, and says what the user can mend: in a message and by exit 2."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import psycopg

from generator.config import ConfigError


class UsageProblem(click.ClickException):
    """What is wrong with the input, and how to mend it; nothing was done."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Print the message alone: every finding says already where it is."""
        click.echo(self.format_message(), err=True)


@contextmanager
def problems() -> Iterator[None]:
    """Turn what the user can mend into a message and exit 2."""
    try:
        yield
    except ConfigError as error:
        raise UsageProblem(str(error)) from None
    except OSError as error:
        raise UsageProblem(f"{error.filename}: {error.strerror}") from None


@contextmanager
def connect(database: str) -> Iterator[psycopg.Connection]:
    """Connect, and turn what is wrong with that, or what PostgreSQL refuses, into a message."""
    # As yoyo wants it, too. What libpq can't read it would repeat, with the password in it.
    conninfo = database.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        with psycopg.connect(conninfo, connect_timeout=10) as connection:
            yield connection
    except psycopg.ProgrammingError as error:
        if error.sqlstate is None:
            what = "is no connection string – write postgresql://user@host/database"
            raise UsageProblem(f"--database: {what}") from None
        raise UsageProblem(f"--database: {str(error).strip()}") from None
    except psycopg.Error as error:
        raise UsageProblem(f"--database: {str(error).strip()}") from None
