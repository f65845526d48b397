"""A database of tables with some history, for each test."""

from collections.abc import Iterator

import psycopg
import pytest

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.config import Config
from generator.parse import read_config
from generator.render import render_track
from tests.databases import new_database
from tests.reconcile.history import HISTORY, STRANGER, TABLES, TOML
from tests.shop import create_role


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    path = tmp_path_factory.mktemp("reconcile") / "audit.toml"
    path.write_text(TOML, encoding="utf-8")
    return read_config(path)


@pytest.fixture(scope="module")
def template(cluster: Cluster, log_template: str, config: Config) -> Iterator[str]:
    """Return the name of a database with some history of its tables."""
    with new_database(cluster, "history", template=log_template) as conninfo:
        with psycopg.connect(conninfo, autocommit=True) as owner:
            owner.execute(TABLES)
            for table in config.tables:
                owner.execute(render_track(table).encode())
            for statement in HISTORY.split(";\n"):
                owner.execute(statement.encode())
        yield "history"


@pytest.fixture
def owner(cluster: Cluster, template: str) -> Iterator[psycopg.Connection]:
    """Who owns tables and log, after some history of them."""
    with (
        new_database(cluster, "reconciled", template=template) as conninfo,
        psycopg.connect(conninfo, autocommit=True) as owner,
    ):
        yield owner


@pytest.fixture
def superuser(cluster: Cluster, owner: psycopg.Connection) -> Iterator[psycopg.Connection]:
    with psycopg.connect(
        cluster.conninfo("reconciled", host=LOOPBACK), autocommit=True
    ) as connection:
        yield connection


@pytest.fixture
def stranger(superuser: psycopg.Connection) -> Iterator[str]:
    """Return the name of a role without any right, for one test."""
    create_role(superuser, STRANGER)
    yield STRANGER
    superuser.execute(f"DROP OWNED BY {STRANGER} CASCADE; DROP ROLE {STRANGER}".encode())
