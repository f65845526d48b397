"""The command pgwitness guard."""

import click

from generator.render import render_guard, render_guard_rollback


@click.command()
@click.option("--remove", is_flag=True, help="Print what takes it away again.")
def guard(*, remove: bool) -> None:
    """Print SQL by which a superuser has the database refuse to disable what captures.

    \b
    pgwitness guard | psql -1 -v ON_ERROR_STOP=1 -d shop -f -
    """
    click.echo(render_guard_rollback() if remove else render_guard(), nl=False)
