"""The command pgwitness: each verb is a thing that a DBA does.

Data goes to stdout, messages to stderr. Exit 0: fine; 1: differences found; 2: bad usage or config.
"""

from pathlib import Path

import click

from generator.anchors.anchor import Anchor
from generator.command_line import config_option as _config_option
from generator.command_line import connect as _connect
from generator.command_line import problems as _problems
from generator.command_line import read as _read
from generator.command_line import selected as _selected
from generator.drift import Finding, find_drift
from generator.drift.notes import find_notes
from generator.evidence.command import evidence
from generator.maintenance import Blocked, Busy, Terms, begin, open_session
from generator.maintenance import maintain as take_steps
from generator.maintenance.sealing import log_of, seals_of
from generator.migrations import Migration, plan, write
from generator.proposal import propose
from generator.reconcile import reconcile as find_differences
from generator.render import render_guard, render_guard_rollback, render_track
from generator.seals.command import seal
from generator.seals.verify_command import verify
from generator.status import read_status
from generator.status.text import as_json, as_text
from generator.status.trust import Trust


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
    with _problems(), _connect(database) as connection:
        proposal = propose(connection, schemas)
    click.echo(proposal, nl=False)
    click.echo("Review it: modules, names, parents, and what to redact.", err=True)


@main.command()
@_config_option
@click.option("--table", "only", help="Only this table, such as crm.workflow.")
def render(path: Path, only: str | None) -> None:
    """Print the SQL that tracks each table.

    \b
    pgwitness render --table crm.workflow | less
    """
    for table in _selected(_read(path), only):
        click.echo(render_track(table))


@main.command()
@_config_option
def generate(path: Path) -> None:
    """Write the migrations that audit.toml needs and that are not there yet.

    \b
    pgwitness generate --config audit.toml
    """
    config = _read(path)
    with _problems():
        written = write(config.migrations, plan(config))
    for migration in written:
        click.echo(migration)
    click.echo(f"{config.migrations} is in line with {path}.", err=True)


@main.command()
@_config_option
@click.option("--database", help="Also compare with what is installed in this database.")
def check(path: Path, database: str | None) -> None:
    """Compare audit.toml with the migrations, and with a database. Exits 1 where they differ.

    \b
    pgwitness check --database postgresql://dba@db/shop
    """
    config = _read(path)
    reports = [_report_migration(migration) for migration in plan(config)]
    if database is not None:
        with _connect(database) as connection:
            reports += [_report_finding(finding) for finding in find_drift(connection, config)]
    for report in reports:
        click.echo(report)
    if reports:
        click.echo(f"{len(reports)} to mend.", err=True)
        raise SystemExit(1)
    click.echo(f"ok: {len(config.tables)} tables", err=True)


@main.command()
@_config_option
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
    config = _read(path)
    terms = Terms(
        config.source,
        retention_days or config.retention_days,
        anchors=config.anchors,
        drop_differing=drop_differing,
    )
    with _connect(database) as worker, _connect(database) as watcher:
        try:
            with open_session(worker, watcher) as session:
                run = begin(session, terms)
                for line in take_steps(run):
                    click.echo(line, err=True)
                for one in seals_of(run):
                    click.echo(Anchor(log_of(run), one).line())
        except Busy as busy:
            click.echo(f"{busy}: nothing to do", err=True)
            return
        except Blocked as blocked:
            click.echo(f"gave up: {blocked}", err=True)
            raise SystemExit(1) from None
    if run.given_up:
        click.echo(f"{len(run.given_up)} left to the next run.", err=True)
        raise SystemExit(1)
    click.echo(f"ok: {terms.ahead} days ahead, {terms.retention} days kept", err=True)


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
    config = _read(path) if path else None
    with _problems(), _connect(database) as connection:
        found = read_status(connection)
        findings = None if config is None else find_drift(connection, config)
        trust = Trust(None if findings is None else len(findings), tuple(find_notes(connection)))
    click.echo(as_json(found, trust) if is_for_machines else as_text(found, trust))


@main.command()
@click.option("--remove", is_flag=True, help="Print what takes it away again.")
def guard(*, remove: bool) -> None:
    """Print SQL by which a superuser has the database refuse to disable what captures.

    \b
    pgwitness guard | psql -1 -v ON_ERROR_STOP=1 -d shop -f -
    """
    click.echo(render_guard_rollback() if remove else render_guard(), nl=False)


@main.command()
@_config_option
@click.option("--database", required=True, help="Connection string of who may read log and tables.")
@click.option("--table", "only", help="Only this table, such as crm.workflow.")
@click.option("--sample", type=click.IntRange(1), help="About so many keys of each table.")
def reconcile(path: Path, database: str, only: str | None, sample: int | None) -> None:
    """Compare each row with the newest entry about it. Exits 1 where a write left no entry.

    \b
    pgwitness reconcile --database postgresql://dba@db/shop --table crm.workflow
    """
    config = _read(path)
    tables = _selected(config, only)
    differing = 0
    with _problems(), _connect(database) as connection:
        for result in find_differences(connection, config, tables, sample):
            differing += len(result.differences)
            for difference in result.differences:
                click.echo(difference.line)
            click.echo(result.line, err=True)
    if differing:
        click.echo(f"{differing} rows are not as the log says.", err=True)
        raise SystemExit(1)


main.add_command(evidence)
main.add_command(verify)
main.add_command(seal)


def _report_migration(migration: Migration) -> str:
    verb = migration.verb or "install"
    line = f"migrations: {migration.subject} – needs a migration ({verb}) – run: pgwitness generate"
    return f"{line}\n{migration.diff}" if migration.before else line


def _report_finding(finding: Finding) -> str:
    since = f" – changed {finding.since}" if finding.since else ""
    line = f"{finding.state}: {finding.object} – {finding.what}{since} – {finding.fix}"
    return f"{line}\n{finding.diff}" if finding.diff else line
