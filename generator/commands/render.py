"""The command pgwitness render."""

from pathlib import Path

import click

from generator.command_line import config_option, read, selected
from generator.render import render_track


@click.command()
@config_option
@click.option("--table", "only", help="Only this table, such as crm.workflow.")
def render(path: Path, only: str | None) -> None:
    """Print the SQL that tracks each table.

    \b
    pgwitness render --table crm.workflow | less
    """
    for table in selected(read(path), only):
        click.echo(render_track(table))
