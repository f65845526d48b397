"""The command pgwitness evidence."""

import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from generator.anchors.files import read_all
from generator.command_line import UsageProblem, connect, problems, say
from generator.evidence import VERIFIER, Asked, gather, write_bundle
from generator.names import TableName


def _moment(value: str) -> datetime:
    """Read ISO 8601; what has no zone is in UTC."""
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} – write 2026-11-26 or 2026-11-26T14:00Z") from None
    return read.replace(tzinfo=read.tzinfo or UTC).astimezone(UTC)


@click.command()
@click.option("--database", help="Connection string of a member of audit_reader.")
@click.option("--entry", "ids", type=int, multiple=True, help="An entry's id (repeatable).")
@click.option(
    "--from", "since", type=_moment, metavar="TIME", help="Or: all of a time, from this moment on."
)
@click.option(
    "--to", "until", type=_moment, metavar="TIME", help="Before this moment; otherwise until now."
)
@click.option("--table", help="Of these only those of a table, such as crm.workflow.")
@click.option("--entity", help="Only those of a kind of thing, such as Workflow, with its parts.")
@click.option("--entity-id", help="Only those of one thing.")
@click.option(
    "--anchors",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    help="Put these in, too: a file of anchors, or a folder of such files (repeatable).",
)
@click.option("--output", type=click.Path(path_type=Path), help="A file, instead of stdout.")
@click.option("--verifier", "is_for_verifier", is_flag=True, help="Print the verifier instead.")
def evidence(database: str | None, *, is_for_verifier: bool, **options: Any) -> None:
    """Write entries for an auditor, with what proves them.

    \b
    pgwitness evidence --database postgresql://auditor@db/shop --entry 4711 --output bundle.json
    pgwitness evidence --verifier > verify_evidence.py
    python3 verify_evidence.py bundle.json --anchors anchors.jsonl
    """
    if is_for_verifier:
        click.echo(VERIFIER.read_text("utf-8"), nl=False)
        return
    if database is None:
        raise UsageProblem("--database is missing: whose entries? Or: --verifier")
    _write(database, **options)


def _write(
    database: str,
    *,
    anchors: tuple[Path, ...],
    output: Path | None,
    table: str | None,
    **asked: Any,
) -> None:
    name = TableName(*table.split(".", 1)) if table and "." in table else None
    if table and not name:
        raise UsageProblem(f'--table: "{table}" has no schema – write it as crm.workflow')
    with problems():
        known = read_all(anchors, partial(say, err=True))
        with connect(database) as connection:
            found = gather(connection, Asked(table=name, **asked))
        with output.open("w", encoding="utf-8") if output else nullcontext(sys.stdout) as file:
            digest = write_bundle(found, known, file)
    new = len({entry.id for entry in found.entries} - found.sealed)
    click.echo(f"entries: {len(found.entries)}, not sealed yet: {new}, SHA-256: {digest}", err=True)
