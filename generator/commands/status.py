"""The command pgwitness status."""

from pathlib import Path

import click

from generator.command_line import connect, read, say
from generator.drift import find_drift
from generator.drift.notes import find_notes
from generator.status import read_status
from generator.status.text import as_json, as_text
from generator.status.trust import Trust


@click.command()
@click.option("--database", required=True, help="Connection string of a member of audit_reader.")
@click.option("--json", "is_for_machines", is_flag=True, help="Print JSON.")
@click.option(
    "-c",
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also compare with this configuration, as check does.",
)
def status(database: str, path: Path | None, *, is_for_machines: bool) -> None:
    """Say what a log holds, since when, how fast it grows, and whom it has to trust.

    \b
    pgwitness status --database postgresql://dba@db/shop --config audit.toml
    """
    config = read(path) if path else None
    with connect(database) as connection:
        found = read_status(connection)
        findings = None if config is None else find_drift(connection, config)
        trust = Trust(None if findings is None else len(findings), tuple(find_notes(connection)))
    for line in (as_json if is_for_machines else as_text)(found, trust).split("\n"):
        say(line)
