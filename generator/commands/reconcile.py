"""The command pgwitness reconcile."""

from pathlib import Path

import click

from generator.command_line import config_option, connect, read, say, selected
from generator.reconcile import reconcile as find_differences
from generator.wording import count


@click.command()
@config_option
@click.option("--database", required=True, help="Connection string of who may read log and tables.")
@click.option("--table", "only", help="Only this table, such as crm.workflow.")
@click.option("--sample", type=click.IntRange(1), help="About so many keys of each table.")
def reconcile(path: Path, database: str, only: str | None, sample: int | None) -> None:
    """Compare each row with the newest entry about it. Exits 1 where a write left no entry, or
    where that can't be told of a table.

    \b
    pgwitness reconcile --database postgresql://dba@db/shop --table crm.workflow
    """
    config = read(path)
    tables = selected(config, only)
    differing = amiss = 0
    with connect(database) as connection:
        for result in find_differences(connection, config, tables, sample):
            differing += len(result.differences)
            amiss += result.amiss
            for difference in result.differences:
                say(str(difference))
            say(str(result), err=True)
    if differing:
        click.echo(f"{count(differing, 'row')} not as the log says.", err=True)
    if amiss:
        click.echo(f"{count(amiss, 'table')} could not be compared.", err=True)
    if differing or amiss:
        raise SystemExit(1)
