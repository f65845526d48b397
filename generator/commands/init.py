"""The command pgwitness init."""

import click

from generator.command_line import connect
from generator.proposal import propose


@click.command()
@click.option("--database", required=True, help="Connection string of the database to read.")
@click.option("--schema", "schemas", multiple=True, help="Only these schemas (repeatable).")
def init(database: str, schemas: tuple[str, ...]) -> None:
    """Propose an audit.toml from a database's catalogue.

    \b
    pgwitness init --database postgresql://dba@db/shop > audit.toml
    """
    with connect(database) as connection:
        proposal = propose(connection, schemas)
    click.echo(proposal, nl=False)
    click.echo("Review it: modules, names, parents, and what to redact.", err=True)
