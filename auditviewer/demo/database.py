"""The demo's database: made as a DBA would, by migrations, and filled with a week of changes.

The server that it lives in is `auditviewer.demo.cluster`'s.
"""

import re
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import LiteralString
from urllib.parse import urlencode

import psycopg
import yoyo
from psycopg import sql

from auditviewer.demo.account import say
from auditviewer.demo.cluster import Cluster, ClusterError
from auditviewer.demo.play import move_into_past, play
from auditviewer.demo.week import WEEK
from generator.maintenance import Terms, begin, maintain, open_session

DATABASE = "crm"
OWNER = "crm_owner"
PASSWORD = "demo"
WHOLE = re.compile(r"The week was played after (\d+) migrations, ([0-9a-f]{16})\.")


def prepare(cluster: Cluster) -> None:
    """Make the database as it should be when the viewer starts; what is there stays.

    One that was left before its week was over is made again, and so is one whose migrations were
    others than the first of today's. Raises ClusterError.
    """
    with psycopg.connect(cluster.conninfo(), autocommit=True) as superuser:
        mark = _read_mark(superuser)
        problem = _problem(mark)
        if problem:
            say(f"database {DATABASE}: {problem}; making it again")
        if mark is None or problem:
            _create_database(superuser)
    _migrate(cluster)
    if mark is None or problem:
        _fill(cluster)
    _maintain(cluster)


def _problem(mark: str | None) -> str | None:
    """Say why a database can't stay; None where it can, or there is none."""
    match = WHOLE.fullmatch(mark or "")
    if match is None:
        return None if mark is None else "left unfinished by an interrupted start"
    if mark != _mark(int(match[1])):
        return "its migrations were others than today's"
    return None


def _mark(count: int | None = None) -> str:
    """Return the comment on a database in which the week was played after so many migrations."""
    paths = sorted(
        path
        for path in _migrations_folder().glob("*.sql")
        if not path.name.endswith(".rollback.sql")
    )[:count]
    digest = sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
    return f"The week was played after {len(paths)} migrations, {digest[:16]}."


def application_conninfo(cluster: Cluster, role: str = "") -> str:
    """Return how a program of the CRM connects: over TCP, as an application does."""
    address = f"host=127.0.0.1 port={cluster.port} dbname={DATABASE} password={PASSWORD}"
    return f"{address} user={role}" if role else address


def _migrations_folder() -> Path:
    """Return the folder of the reference installation: in a wheel, or in the checkout."""
    here = Path(__file__).parent
    for folder in (here / "migrations", here.parents[1] / "migrations"):
        if folder.is_dir():
            return folder
    raise ClusterError(f"{here.parents[1]}: no migrations here – run the demo from a checkout")


def _read_mark(superuser: psycopg.Connection) -> str | None:
    """Return the comment on the database, empty where it has none; None: there is no database."""
    row = superuser.execute(
        "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database"
        " WHERE datname = %s",
        [DATABASE],
    ).fetchone()
    return row[0] if row else None


def _create_database(superuser: psycopg.Connection) -> None:
    _create_role(superuser, OWNER, "LOGIN CREATEROLE")
    name, owner = sql.Identifier(DATABASE), sql.Identifier(OWNER)
    superuser.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
    superuser.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))


def _migrate(cluster: Cluster) -> None:
    """Apply the migrations that are not applied yet, as the owner of the database."""
    place = urlencode({"host": str(cluster.socket_dir), "port": cluster.port})
    backend = yoyo.get_backend(f"postgresql+psycopg://{OWNER}@/{DATABASE}?{place}")
    # Nobody else can be migrating: this process holds the data folder.
    backend.break_lock()
    with backend.lock():
        pending = backend.to_apply(yoyo.read_migrations(str(_migrations_folder())))
        if pending:
            say(f"applying {len(pending)} migrations")
        backend.apply_migrations(pending)
    backend.connection.close()


def _maintain(cluster: Cluster) -> None:
    """Keep the log's days, which otherwise a scheduler does: a demo runs now and then."""
    owner = cluster.conninfo(DATABASE, OWNER)
    with (
        psycopg.connect(owner, autocommit=True) as worker,
        psycopg.connect(owner, autocommit=True) as watcher,
        open_session(worker, watcher) as session,
    ):
        for _ in maintain(begin(session, Terms(DATABASE))):
            pass


def _fill(cluster: Cluster) -> None:
    """Play the week, and mark the database as whole together with its last step."""
    say(f"playing a week of a CRM: {len(WEEK)} saves")
    now = datetime.now(UTC)
    with psycopg.connect(cluster.conninfo(DATABASE), autocommit=True) as superuser:
        for role in ("crm_web", "crm_jobs"):
            _create_role(superuser, role, "LOGIN PASSWORD 'demo' IN ROLE crm_app")
        _create_role(superuser, "audit_viewer", "LOGIN IN ROLE audit_reader")
        moments = play(WEEK, application_conninfo(cluster), now)
        with superuser.transaction():
            move_into_past(superuser, moments, now)
            superuser.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(DATABASE), _mark())
            )
        superuser.execute("ANALYZE")


def _create_role(superuser: psycopg.Connection, name: str, options: LiteralString) -> None:
    """Create a role that an earlier try may have left: roles outlive their database."""
    if superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).fetchone() is None:
        superuser.execute(
            sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(name), sql.SQL(options))
        )
