"""A dump that is restored into another cluster: with the roles first, all of it comes back."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.crash.server import Server, server
from tests.crm import APP, create_role
from tests.databases import OWNER, apply_migrations, yoyo_address
from tests.dumps import Database, Tools
from tests.maintenance import Upkeep

MEMBERS = """
SELECT r.rolname::text, m.rolname::text, bool_or(a.admin_option)
FROM pg_auth_members AS a
     JOIN pg_roles AS r ON r.oid = a.roleid
     JOIN pg_roles AS m ON m.oid = a.member
WHERE r.rolname LIKE 'audit_%' OR m.rolname LIKE 'audit_%'
GROUP BY 1, 2 ORDER BY 1, 2
"""
TERRITORIES = "SELECT new_row ->> 'name' FROM audit.entry WHERE entity = 'Territory' ORDER BY id"


@pytest.fixture(scope="module")
def source() -> Iterator[Server]:
    """A server with the CRM and its log, in which there is an entry."""
    with server() as source:
        conninfo = source.new_database("crm")
        apply_migrations(yoyo_address(source.owner_of("crm")))
        with psycopg.connect(conninfo) as superuser:
            create_role(superuser, APP, "crm_app")
        Upkeep(conninfo).age(20)
        add_territory(conninfo, "North")
        yield source


@pytest.fixture(scope="module")
def tools(source: Server) -> Tools:
    folder = source.cluster.data / "dumps"
    folder.mkdir()
    source.cluster.programs.account.give(folder)
    return Tools(source.cluster, folder)


@pytest.fixture(scope="module")
def dumped(tools: Tools) -> Path:
    return tools.dump("crm", "-Fc", user=OWNER)


@pytest.fixture
def another() -> Iterator[Server]:
    with server() as another:
        yield another


def add_territory(conninfo: str, name: str) -> None:
    with psycopg.connect(conninfo, user=APP) as app:
        app.execute("INSERT INTO crm.territory (name) VALUES (%s)", [name])


def restore_roles(tools: Tools, another: Server) -> None:
    file = tools.folder / "roles.sql"
    tools.run("pg_dumpall", "--roles-only", "-d", tools.conninfo("postgres"), "-f", file)
    done = tools.run("psql", "-X", "-q", "-d", another.conninfo(), "-f", file)
    # Which a new cluster has already.
    assert done.stdout.count("ERROR") == done.stdout.count('role "postgres" already exists') == 1


def test_with_the_roles_first_a_log_comes_back_in_another_cluster(
    source: Server, tools: Tools, dumped: Path, another: Server
) -> None:
    restore_roles(tools, another)
    restored = Database(another.new_database("crm"))
    done = tools.run("pg_restore", "--exit-on-error", "-d", restored.conninfo, dumped)
    assert (done.returncode, done.stdout) == (0, "")

    original = Database(source.conninfo("crm"))
    assert restored.objects() == original.objects()
    assert restored.entries() == original.entries()
    assert restored.query(MEMBERS) == original.query(MEMBERS)
    assert restored.states() == {"restored"}
    add_territory(restored.conninfo, "South")
    assert restored.query(TERRITORIES) == [("North",), ("South",)]
    assert restored.maintain() == []


def test_without_the_roles_check_says_that_functions_run_as_who_restored_them(
    tools: Tools, dumped: Path, another: Server
) -> None:
    restored = Database(another.new_database("crm"))
    tools.run("pg_restore", "-d", restored.conninfo, dumped)

    found = {finding.what for finding in restored.drift()}
    assert "belongs to postgres instead of audit_writer" in found
