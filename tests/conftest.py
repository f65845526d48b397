"""A PostgreSQL cluster for the whole run, and databases in it for each test.

What they hold comes from migrations/, shop.py and crm.py; nothing here knows a table.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg.rows import namedtuple_row
from pytest_postgresql import factories

from auditviewer.demo.cluster import LOOPBACK, Cluster, remove, start, stop
from generator.render import render_audit_schema
from tests.crm import VIEWER, Crm, Person, crm_in, new_person
from tests.databases import OWNER, REFERENCE, apply_migrations, new_database, own
from tests.maintenance import KEEPER, Upkeep, admit_keeper
from tests.shop import APP, AUDITOR, EMPTY, SCHEMA, TRACKED, Connection, Log, admit, install
from tests.viewer import signed_in, viewer_over

pytest_plugins = ["tests.attacks.outcomes"]

SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "logical",
    "max_prepared_transactions": "20",
    "max_wal_size": "256MB",
}

LONGEST = frozenset(
    {
        "demo/test_demo",
        "evidence/test_tampered",
        "failures/test_crash_standby",
        "failures/test_crash_under_load",
        "failures/test_dump_cluster",
        "failures/test_dump_restore",
        "installation/test_upgrade",
        "maintain/test_beside",
        "maintain/test_crashed",
        "maintain/test_killed",
        "replay/test_replay",
        "seals/test_seal_restores",
        "seals/test_verify_histories",
        "seals/test_verify_mutations",
    }
)
"""Files that take ten seconds and more: begun last, one of them would keep all others waiting."""

# How long one example takes says more about what else the machine does.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, which pytest-xdist gives out in this order."""
    items.sort(key=lambda item: f"{item.path.parent.name}/{item.path.stem}" not in LONGEST)


def roomy_folder() -> Path:
    """Return where clusters have room: memory, if it has it, and programs may be run from there.

    A database is 800 files, and tests make and drop hundreds of databases: on a disk, the kernel
    is as busy with that as PostgreSQL is with all the rest.
    """
    memory = Path("/dev/shm")  # noqa: S108 - a folder of one's own is made in it
    if memory.is_dir():
        system = os.statvfs(memory)
        may_execute = not system.f_flag & os.ST_NOEXEC
        if may_execute and system.f_bavail * system.f_frsize > 6 * 2**30:
            return memory
    return Path("/var/tmp")  # noqa: S108


@pytest.fixture(scope="session")
def data_folder() -> Iterator[Path]:
    """A folder for clusters that PostgreSQL's account can reach; pytest's are private."""
    folder = Path(tempfile.mkdtemp(prefix="pgwitness-test-", dir=roomy_folder()))
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


def build_template(*, host: str, port: int, user: str, dbname: str, **_: object) -> None:
    """Make the reference installation, which the databases of tests are cloned from."""
    with psycopg.connect(host=host, port=port, user=user, dbname=dbname) as superuser:
        own(superuser)
    apply_migrations(f"postgresql+psycopg://{OWNER}@{host}:{port}/{dbname}")


reference_template = factories.postgresql_noproc(dbname="reference", load=[build_template])


@pytest.fixture
def reference(cluster: Cluster, reference_template: Any) -> Iterator[str]:
    """Return how its owner connects to a fresh copy of the reference installation."""
    template = reference_template.template_dbname
    with new_database(cluster, REFERENCE, template=template) as owner:
        yield owner


@pytest.fixture
def upkeep(cluster: Cluster, reference: str) -> Iterator[Upkeep]:
    """Return the reference installation as somebody sees it who maintains its log."""
    conninfo = cluster.conninfo(REFERENCE, host=LOOPBACK)
    with psycopg.connect(conninfo, autocommit=True) as superuser:
        admit_keeper(superuser)
        yield Upkeep(conninfo)
        # Roles belong to the whole cluster, where other tests ask who may act as the owner.
        superuser.execute(f"DROP ROLE {KEEPER}".encode())


@pytest.fixture
def empty_database(cluster: Cluster) -> Iterator[str]:
    """Return how its owner connects to a fresh database with nothing in it."""
    with new_database(cluster, "empty") as owner:
        yield owner


@pytest.fixture(scope="session")
def log_template(cluster: Cluster) -> Iterator[str]:
    """Return the name of a database in which nothing is but the log."""
    with new_database(cluster, "nothing_but_the_log") as conninfo:
        with psycopg.connect(conninfo) as owner:
            owner.execute(render_audit_schema().encode())
        yield "nothing_but_the_log"


@pytest.fixture
def empty_log(cluster: Cluster, log_template: str) -> Iterator[str]:
    """Return how its owner connects to a fresh database in which nothing is but the log."""
    with new_database(cluster, "empty", template=log_template) as owner:
        yield owner


@pytest.fixture(scope="session")
def shop(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return how its owner connects to the tracked shop, which all tests of a run share."""
    with new_database(cluster, "shop") as conninfo:
        with psycopg.connect(conninfo) as owner:
            install(owner, tmp_path_factory.mktemp("shop"), SCHEMA, TRACKED)
            admit(owner, "shop")
        yield conninfo


@pytest.fixture
def app(shop: str) -> Iterator[Connection]:
    """The application, committing each statement; the shop has two sellers and nothing else."""
    with psycopg.connect(shop, user=APP, autocommit=True) as connection:
        connection.execute(EMPTY.encode())
        yield connection


@pytest.fixture
def log(shop: str, app: Connection) -> Iterator[Log]:
    """What was left in the log since this fixture was asked for, read as an auditor."""
    query = "SELECT * FROM audit.entry WHERE occurred_at > %s ORDER BY id"
    with (
        psycopg.connect(shop, user=AUDITOR, autocommit=True) as auditor,
        auditor.cursor(row_factory=namedtuple_row) as cursor,
    ):
        began = auditor.execute("SELECT clock_timestamp()").fetchone()
        yield lambda: cursor.execute(query, began).fetchall()


@pytest.fixture
def owner(shop: str, app: Connection) -> Iterator[Connection]:
    """The shop's owner, in a transaction that is rolled back: so it may change the catalogue."""
    with psycopg.connect(shop) as connection, connection.transaction(force_rollback=True):
        yield connection


@pytest.fixture(scope="module")
def crm(cluster: Cluster, reference_template: object) -> Iterator[Crm]:
    """The reference CRM, to which all tests of a module write, each as a person of its own."""
    with crm_in(cluster, reference_template) as crm:
        yield crm


@pytest.fixture(scope="module")
def admin(crm: Crm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """The browser of an admin who is signed in to the viewer over the CRM's log."""
    with viewer_over(crm.as_role(VIEWER), tmp_path_factory.mktemp("viewer")) as app:
        yield signed_in(app)


@pytest.fixture
def ana() -> Person:
    """Somebody who did nothing in the CRM before."""
    return new_person("Ana Diaz")


@pytest.fixture
def workflow(crm: Crm) -> int:
    """A workflow that somebody else made, with two conditions."""
    return crm.add_workflow("Nurture new leads", conditions=2)
