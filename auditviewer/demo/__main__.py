"""`python -m auditviewer.demo`: the viewer with a week of a made-up CRM, in one command.

It brings its parts up and down in order; what they are is in the modules beside it.
"""

import errno
import logging
import os
import shlex
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask import Flask

from auditviewer import create_app
from auditviewer.demo import cluster as clusters
from auditviewer.demo.account import say
from auditviewer.demo.cluster import Cluster
from auditviewer.demo.database import DATABASE, PASSWORD, application_conninfo, prepare
from auditviewer.demo.product import create_product
from auditviewer.demo.sign_in import ACCOUNTS, password_of, read_secret_key, write_accounts
from auditviewer.demo.site import serve
from auditviewer.demo.week.saves import OFFICE

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BY_HAND = (
    "SET LOCAL audit.actor = '4'; SET LOCAL audit.actor_name = 'Ana Diaz'; "
    "SET LOCAL audit.ip = '198.51.100.7'; "
    "UPDATE crm.workflow SET is_enabled = NOT is_enabled WHERE name = 'Flag large deals'"
)


class CannotStart(click.ClickException):
    """Why the demo doesn't start: where – what – how to fix."""

    exit_code = 2


@click.command(context_settings={"max_content_width": 100})
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".demo"),
    show_default=True,
    help="Folder that keeps the database.",
)
@click.option("--reset", is_flag=True, help="Begin with a new database.")
def main(port: int, data: Path, *, reset: bool) -> None:
    """Show the audit log of a made-up CRM on 127.0.0.1, with a PostgreSQL of its own.

    Example: python -m auditviewer.demo --port 8090 --reset
    """
    _forget_callers_database()
    # Ctrl-C in the middle of a query makes psycopg warn that it could not roll back politely.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    for number in STOP_SIGNALS:
        signal.signal(number, signal.default_int_handler)
    try:
        with _listening(port) as listener:
            if reset:
                clusters.remove(data)
            with _running(data) as cluster:
                prepare(cluster)
                _show(listener, port, cluster)
    except KeyboardInterrupt:
        pass
    except clusters.ClusterError as error:
        raise CannotStart(str(error)) from error
    say(f"stopped; the data stays in {data}")


def _forget_callers_database() -> None:
    # PGSSLMODE, PGOPTIONS and the like are meant for another server than the one started here.
    for name in [name for name in os.environ if name.startswith("PG")]:
        if not name.startswith("PGWITNESS_"):
            del os.environ[name]


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """Take the port first: what else is slow would be in vain."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else error.strerror
            raise CannotStart(
                f"127.0.0.1:{port}: {why} – choose another port, "
                f"by make demo PORT={port % 65535 + 1} or by --port"
            ) from error
        yield listener


@contextmanager
def _running(data: Path) -> Iterator[Cluster]:
    """Run the cluster; a signal waits until it is whole, or it would stay behind."""
    say(f"starting PostgreSQL in {data}")
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        cluster = clusters.start(data)
    except BaseException:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        raise
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        yield cluster
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        clusters.stop(cluster)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _show(listener: socket.socket, port: int, cluster: Cluster) -> None:
    config = {
        "DATABASE": cluster.conninfo(DATABASE, "audit_viewer"),
        "SECRET_KEY": read_secret_key(cluster.data),
        "ACCOUNTS": str(write_accounts(cluster.data)),
        "TIME_ZONE": OFFICE.key,
        "PRODUCT_URL": "/crm",
    }

    def create() -> Flask:
        app = create_app(config)
        app.register_blueprint(create_product(application_conninfo(cluster, "crm_web")))
        return app

    serve(listener, create, lambda: click.echo(_welcome(port, cluster)))


def _welcome(port: int, cluster: Cluster) -> str:
    people = [
        f"  {person.email:24}{password_of(person):16}{person.role.replace('_', ' ')}"
        for person in ACCOUNTS
    ]
    psql = "psql" if shutil.which("psql") else shlex.quote(str(cluster.binaries / "psql"))
    connection = f"-h 127.0.0.1 -p {cluster.port} -U crm_web {DATABASE}"
    return "\n".join(
        [
            "",
            f"The audit log is at http://127.0.0.1:{port}/",
            "",
            "Sign in with one of these; a sales rep is refused:",
            *people,
            "",
            "Change something as the CRM would, and look again:",
            f'  PGPASSWORD={PASSWORD} {psql} {connection} -1 -c "{BY_HAND}"',
            "",
            "Ctrl-C stops it.",
        ]
    )


if __name__ == "__main__":
    main()
