"""The command pgwitness check."""

from pathlib import Path

import click

from generator.command_line import config_option, connect, read, say
from generator.drift import find_drift
from generator.migrations import plan
from generator.wording import count


@click.command()
@config_option
@click.option("--database", help="Also compare with what is installed in this database.")
def check(path: Path, database: str | None) -> None:
    """Compare audit.toml with the migrations, and with a database. Exits 1 where they differ.

    \b
    pgwitness check --database postgresql://dba@db/shop
    """
    config = read(path)
    found: list[object] = [*plan(config)]
    if database is not None:
        with connect(database) as connection:
            found += find_drift(connection, config)
    for line in (line for each in found for line in str(each).split("\n")):
        say(line)
    if found:
        click.echo(f"{len(found)} to mend.", err=True)
        raise SystemExit(1)
    click.echo(f"ok: {count(len(config.tables), 'table')}", err=True)
