"""The command pgwitness generate."""

from pathlib import Path

import click

from generator.command_line import config_option, problems, read
from generator.migrations import plan, write


@click.command()
@config_option
def generate(path: Path) -> None:
    """Write the migrations that audit.toml needs and that are not there yet.

    \b
    pgwitness generate --config audit.toml
    """
    config = read(path)
    with problems():
        written = write(config.migrations, plan(config))
    for migration in written:
        click.echo(migration)
    click.echo(f"{config.migrations} is in line with {path}.", err=True)
