"""Databases for tests: made, handed to an ordinary role, and migrated as that role would do it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import yoyo
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.render import render_audit_schema

REFERENCE = f"reference{os.environ.get('PYTEST_XDIST_WORKER', '')}"
"""The database of the reference installation, as pytest-postgresql calls it for each process."""
OWNER = "crm_owner"
MIGRATIONS = Path(__file__).parents[1] / "migrations"


def create_owner(superuser: psycopg.Connection, owner: str = OWNER) -> None:
    """Create an ordinary role that may create roles, as on a service."""
    # Roles belong to the whole cluster, so it may be here already.
    if superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", [owner]).fetchone() is None:
        superuser.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(sql.Identifier(owner)))


def own(superuser: psycopg.Connection, owner: str = OWNER) -> None:
    """Hand the connected database to an ordinary role."""
    create_owner(superuser, owner)
    superuser.execute(
        sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
            sql.Identifier(superuser.info.dbname), sql.Identifier(owner)
        )
    )
    superuser.commit()


@contextmanager
def new_database(
    cluster: Cluster, name: str, owner: str = OWNER, template: str = "template1"
) -> Iterator[str]:
    """Make a database with nothing in it, or a copy, and say how its owner connects."""
    with psycopg.connect(cluster.conninfo(), autocommit=True) as superuser:
        create_owner(superuser, owner)
        create = f"CREATE DATABASE {name} OWNER {owner} TEMPLATE {template}"
        # The default since 15 writes all to the WAL, which takes twice as long.
        create += " STRATEGY file_copy" if superuser.info.server_version >= 150000 else ""
        superuser.execute(create.encode())
        try:
            yield cluster.conninfo(name, owner, host=LOOPBACK)
        finally:
            superuser.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def few_days() -> str:
    """Return the audit schema with three days ahead, not 45: each is planned for in each session.

    For tests of what is captured, to which it makes no other difference.
    """
    whole = render_audit_schema()
    few = whole.replace("generate_series(-1, 45)", "generate_series(-1, 2)")
    few = few.replace("v_today + 46", "v_today + 3")
    assert few.count("v_today + 3") == 1
    return few


def yoyo_address(conninfo: str) -> str:
    """Return a libpq connection string as the URL that yoyo takes."""
    part = conninfo_to_dict(conninfo)
    return f"postgresql+psycopg://{part['user']}@{part['host']}:{part['port']}/{part['dbname']}"


def apply_migrations(database: str, folder: Path = MIGRATIONS) -> None:
    """Apply what is not applied yet, as its owner would by `yoyo apply --database …`."""
    with yoyo.get_backend(database) as backend, backend.lock():
        backend.apply_migrations(backend.to_apply(_read(folder)))


def roll_back_migrations(database: str, folder: Path = MIGRATIONS) -> None:
    """Undo what is applied, newest first, as its owner would by `yoyo rollback --database …`."""
    with yoyo.get_backend(database) as backend, backend.lock():
        backend.rollback_migrations(backend.to_rollback(_read(folder)))


def _read(folder: Path) -> Any:
    return _reference() if folder == MIGRATIONS else yoyo.read_migrations(str(folder))


@cache
def _reference() -> Any:
    """Read the reference installation once: splitting it into statements takes a second."""
    return yoyo.read_migrations(str(MIGRATIONS))
