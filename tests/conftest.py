"""A PostgreSQL cluster for the whole run, and databases in it for each test.

What the databases hold comes from migrations/; nothing here knows a table.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yoyo
from psycopg import sql
from pytest_postgresql import factories
from pytest_postgresql.janitor import DatabaseJanitor

from auditviewer.demo.cluster import LOOPBACK, Cluster, remove, start, stop

OWNER = "crm_owner"
MIGRATIONS = Path(__file__).parents[1] / "migrations"
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "logical",
    "max_prepared_transactions": "20",
}


@pytest.fixture(scope="session")
def data_folder() -> Iterator[Path]:
    """A folder for clusters that PostgreSQL's account can reach; pytest's are private."""
    folder = Path(tempfile.mkdtemp(prefix="pgwitness-test-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def cluster(data_folder: Path, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The cluster of this run, which pytest-postgresql is told of."""
    running = start(data_folder / "cluster", settings=SETTINGS, auth="trust")
    request.config.option.postgresql_host = LOOPBACK
    request.config.option.postgresql_port = running.port
    request.config.option.postgresql_user = running.superuser
    yield running
    stop(running)
    remove(data_folder / "cluster")


def own(superuser: psycopg.Connection) -> None:
    """Hand the connected database to an ordinary role that may create roles, as on a service.

    The owner of a database is not part of its template: each clone needs this.
    """
    # Roles belong to the whole cluster, so it may be here already.
    if superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone() is None:
        superuser.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(sql.Identifier(OWNER)))
    superuser.execute(
        sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
            sql.Identifier(superuser.info.dbname), sql.Identifier(OWNER)
        )
    )
    superuser.commit()


def apply_migrations(database: str, folder: Path = MIGRATIONS) -> None:
    """Apply what is not applied yet, as its owner would by `yoyo apply --database …`."""
    with yoyo.get_backend(database) as backend, backend.lock():
        backend.apply_migrations(backend.to_apply(yoyo.read_migrations(str(folder))))


def build_template(*, host: str, port: int, user: str, dbname: str, **_: object) -> None:
    """Make the reference installation, which the databases of tests are cloned from."""
    with psycopg.connect(host=host, port=port, user=user, dbname=dbname) as superuser:
        own(superuser)
    apply_migrations(f"postgresql+psycopg://{OWNER}@{host}:{port}/{dbname}")


reference_template = factories.postgresql_noproc(dbname="reference", load=[build_template])
reference_clone = factories.postgresql("reference_template")


@pytest.fixture
def reference(
    cluster: Cluster, reference_template: object, reference_clone: psycopg.Connection
) -> str:
    """Return how its owner connects to a fresh copy of the reference installation."""
    own(reference_clone)
    return cluster.conninfo("reference", OWNER, host=LOOPBACK)


@pytest.fixture
def empty_database(cluster: Cluster) -> Iterator[str]:
    """Return how its owner connects to a fresh database with nothing in it."""
    conninfo = cluster.conninfo("empty", host=LOOPBACK)
    janitor = DatabaseJanitor(
        user=cluster.superuser, host=LOOPBACK, port=cluster.port, dbname="empty"
    )
    with janitor:
        with psycopg.connect(conninfo) as superuser:
            own(superuser)
        yield cluster.conninfo("empty", OWNER, host=LOOPBACK)
