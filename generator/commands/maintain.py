"""The command pgwitness maintain."""

from pathlib import Path

import click

from generator.anchors.anchor import Anchor
from generator.command_line import config_option, connect, read, say
from generator.maintenance import Blocked, Busy, Terms, begin, open_session
from generator.maintenance import maintain as take_steps
from generator.maintenance.sealing import log_of, seals_of
from generator.wording import count


@click.command()
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
