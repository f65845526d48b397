"""The command pgwitness: each verb is a thing that a DBA does.

Data goes to stdout, messages to stderr. Exit 0: fine; 1: differences found; 2: bad usage or config.
"""

from pathlib import Path

import click

from generator.anchors.anchor import Anchor
from generator.command_line import config_option, connect, problems, read, say, selected
from generator.drift import find_drift
from generator.drift.notes import find_notes
from generator.evidence.command import evidence
from generator.maintenance import Blocked, Busy, Terms, begin, open_session
from generator.maintenance import maintain as take_steps
from generator.maintenance.sealing import log_of, seals_of
from generator.migrations import plan, write
from generator.proposal import propose
from generator.reconcile import reconcile as find_differences
from generator.render import render_guard, render_guard_rollback, render_track
from generator.seals.command import seal
from generator.seals.verify_command import verify
from generator.status import read_status
from generator.status.text import as_json, as_text
from generator.status.trust import Trust
from generator.wording import count


@click.group(context_settings={"max_content_width": 100})
@click.version_option(package_name="pgwitness")
def main() -> None:
    """An audit log that PostgreSQL itself writes.

    \b
    pgwitness init --database postgresql://dba@db/shop > audit.toml
    pgwitness generate
    yoyo apply --database postgresql+psycopg://dba@db/shop migrations
    pgwitness check --database postgresql://dba@db/shop
    """


@main.command()
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


@main.command()
@config_option
@click.option("--table", "only", help="Only this table, such as crm.workflow.")
def render(path: Path, only: str | None) -> None:
    """Print the SQL that tracks each table.

    \b
    pgwitness render --table crm.workflow | less
    """
    for table in selected(read(path), only):
        click.echo(render_track(table))


@main.command()
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


@main.command()
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


@main.command()
@config_option
@click.option("--database", required=True, help="Connection string of a member of audit_owner.")
@click.option("--retention-days", type=click.IntRange(1), help="Instead of audit.toml's.")
@click.option("--drop-differing", is_flag=True, help="Drop days even if they are not as sealed.")
def maintain(
    path: Path, database: str, retention_days: int | None, *, drop_differing: bool
) -> None:
    """Add days ahead, seal and index the others, drop those past the retention. Exits 1 if blocked.

    \b
    pgwitness maintain --database postgresql://audit_maintainer@db/shop
    """
    config = read(path)
    terms = Terms(
        config.source,
        retention_days or config.retention_days,
        anchors=config.anchors,
        drop_differing=drop_differing,
    )
    with connect(database) as worker, connect(database) as watcher:
        try:
            with open_session(worker, watcher) as session:
                run = begin(session, terms)
                for line in take_steps(run):
                    say(line, err=True)
                for one in seals_of(run):
                    click.echo(Anchor(log_of(run), one).line())
        except Busy as busy:
            click.echo(f"{busy}: nothing to do", err=True)
            return
        except Blocked as blocked:
            say(f"gave up: {blocked}", err=True)
            raise SystemExit(1) from None
    if run.given_up:
        click.echo(f"{len(run.given_up)} left to the next run.", err=True)
        raise SystemExit(1)
    kept = count(terms.retention, "day")
    click.echo(f"ok: {terms.ahead} days ahead, {kept} kept", err=True)


@main.command()
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


@main.command()
@click.option("--remove", is_flag=True, help="Print what takes it away again.")
def guard(*, remove: bool) -> None:
    """Print SQL by which a superuser has the database refuse to disable what captures.

    \b
    pgwitness guard | psql -1 -v ON_ERROR_STOP=1 -d shop -f -
    """
    click.echo(render_guard_rollback() if remove else render_guard(), nl=False)


@main.command()
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


main.add_command(evidence)
main.add_command(verify)
main.add_command(seal)
