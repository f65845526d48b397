"""The command pgwitness verify."""

from functools import partial
from pathlib import Path

import click

from generator.anchors.files import read_all
from generator.command_line import connect, say
from generator.seals.text import as_json, as_lines, summary
from generator.seals.verifying import record
from generator.seals.verifying import verify as compute_again


@click.command()
@click.option("--database", required=True, help="Connection string of a member of audit_reader.")
@click.option(
    "--anchors",
    "paths",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    help="A file of anchors, or a folder of such files (repeatable).",
)
@click.option("--json", "is_for_machines", is_flag=True, help="Print JSON.")
def verify(database: str, paths: tuple[Path, ...], *, is_for_machines: bool) -> None:
    """Compute all seals again, and say what was changed since. Exits 1 where something was.

    \b
    pgwitness verify --database postgresql://auditor@db/shop --anchors anchors.jsonl
    """
    tell = partial(say, err=True)
    with connect(database) as connection:
        anchors = read_all(paths, tell) if paths else None
        report = compute_again(connection, anchors, tell)
        record(connection, report)
    if is_for_machines:
        click.echo(as_json(report))
    else:
        for line in as_lines(report):
            say(line)
    for line in summary(report):
        say(line, err=True)
    if not report.is_clean:
        raise SystemExit(1)
