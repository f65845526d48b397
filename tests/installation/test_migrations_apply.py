"""The migrations as yoyo and DBAs run them: there, back, there again, and never by a superuser."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.parse import read_config
from generator.render import render_audit_schema, render_track
from tests.databases import (
    MIGRATIONS,
    OWNER,
    apply_migrations,
    new_database,
    roll_back_migrations,
    yoyo_address,
)
from tests.shop import create_role

FILES = sorted(path for path in MIGRATIONS.glob("*.sql") if ".rollback" not in path.name)
ADD_USER = "INSERT INTO crm.app_user (full_name, email) VALUES ('Ana Diaz', 'ana@crm.example')"
TRACK_USERS = "0003_track_crm_app_user"
USERS = """
SELECT entity, tracked_at, untracked_at FROM audit.tracked_table WHERE table_name = 'app_user'
"""
WORDS = """
SELECT to_jsonb(t) - 'tracked_at' - 'untracked_at' FROM audit.tracked_table AS t
ORDER BY table_schema, table_name
"""


def dump(cluster: Cluster, conninfo: str, *options: str) -> str:
    """Return the definitions of all that is in a database, but for yoyo's own tables."""
    dbname = conninfo_to_dict(conninfo)["dbname"]
    done = cluster.programs.run(
        "pg_dump",
        *("--schema-only", "--exclude-table=public.*yoyo*", *options),
        cluster.conninfo(str(dbname), host=LOOPBACK),
    )
    assert done.returncode == 0, done.stderr
    # Newer versions of pg_dump put a random key around its output.
    return re.sub(r"^\\(un)?restrict .*$", "", done.stdout, flags=re.MULTILINE)


def run(conninfo: str, *scripts: str) -> None:
    """Run scripts as the owner, each in a transaction of its own, as yoyo does."""
    for script in scripts:
        with psycopg.connect(conninfo) as owner:
            owner.execute(script.encode())


def ask(conninfo: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(conninfo) as owner:
        return owner.execute(query.encode()).fetchall()


def kept(conninfo: str) -> list[tuple[Any, ...]]:
    """Return what no migration may lose: the entries, and what makes fingerprints comparable."""
    return ask(conninfo, "SELECT * FROM audit.entry, audit.fingerprint_key ORDER BY id")


def schemas(conninfo: str) -> set[str]:
    query = "SELECT nspname FROM pg_namespace WHERE nspname IN ('audit', 'crm')"
    return {name for (name,) in ask(conninfo, query)}


def refusal(action: str, conninfo: str) -> str | None:
    with pytest.raises(psycopg.Error) as refused:
        run(conninfo, action)
    return refused.value.sqlstate


def rollback_of(name: str) -> str:
    return (MIGRATIONS / f"{name}.rollback.sql").read_text("utf-8")


def test_migrations_apply_roll_back_and_apply_again(cluster: Cluster, empty_database: str) -> None:
    address = yoyo_address(empty_database)
    before = dump(cluster, empty_database)

    apply_migrations(address)
    applied = dump(cluster, empty_database)
    roll_back_migrations(address)
    assert dump(cluster, empty_database) == before
    apply_migrations(address)

    assert dump(cluster, empty_database) == applied
    run(empty_database, ADD_USER)
    assert ask(empty_database, "SELECT entity_label FROM audit.entry") == [("Ana Diaz",)]


def test_each_migration_may_run_twice(cluster: Cluster, empty_database: str) -> None:
    for path in FILES:
        run(empty_database, path.read_text("utf-8"))
        once = dump(cluster, empty_database)
        run(empty_database, path.read_text("utf-8"))

        assert dump(cluster, empty_database) == once, path.name


def test_all_migrations_may_run_again_over_what_was_captured(
    cluster: Cluster, reference: str
) -> None:
    run(reference, ADD_USER)
    before = dump(cluster, reference), kept(reference)

    run(reference, *(path.read_text("utf-8") for path in FILES))

    assert (dump(cluster, reference), kept(reference)) == before


def test_every_migration_has_its_rollback() -> None:
    for path in FILES:
        assert path.with_suffix(".rollback.sql").exists()


def test_the_sources_make_what_all_migrations_make(
    cluster: Cluster, reference: str, empty_database: str
) -> None:
    config = read_config(MIGRATIONS / "audit.toml")
    crm = [path.read_text("utf-8") for path in FILES if re.match(r"\d+_crm", path.name)]

    run(empty_database, render_audit_schema(), *crm, *map(render_track, config.tables))

    by_day = "--exclude-table=audit.entry_2*"
    assert dump(cluster, empty_database, by_day) == dump(cluster, reference, by_day)
    assert ask(empty_database, WORDS) == ask(reference, WORDS)


def test_the_audit_schema_is_not_rolled_back_while_it_holds_entries(reference: str) -> None:
    run(reference, ADD_USER)
    tracks = [path.stem for path in FILES if "_track_" in path.name]
    run(reference, *map(rollback_of, reversed(tracks)))

    assert refusal(rollback_of("0001_audit_schema"), reference) == "UA004"
    assert schemas(reference) == {"audit", "crm"}


def test_the_audit_schema_is_not_rolled_back_while_tables_are_tracked(reference: str) -> None:
    assert refusal(rollback_of("0001_audit_schema"), reference) == "UA004"
    assert schemas(reference) == {"audit", "crm"}


def test_a_table_that_is_rolled_back_is_not_captured_and_keeps_its_words(reference: str) -> None:
    run(reference, rollback_of(TRACK_USERS), ADD_USER)

    assert ask(reference, "SELECT FROM audit.entry") == []
    [(entity, _, untracked_at)] = ask(reference, USERS)
    assert (entity, untracked_at is None) == ("User", False)


def test_a_table_tracked_again_is_captured_since_then(reference: str) -> None:
    [(_, before, _)] = ask(reference, USERS)
    track = (MIGRATIONS / f"{TRACK_USERS}.sql").read_text("utf-8")
    run(reference, rollback_of(TRACK_USERS), track, ADD_USER)

    [(_, since, untracked_at)] = ask(reference, USERS)
    assert (since > before, untracked_at) == (True, None)
    assert ask(reference, "SELECT operation FROM audit.entry") == [("INSERT",)]


def test_no_superuser_installed_or_owns_anything(reference: str) -> None:
    assert ask(reference, f"SELECT rolsuper FROM pg_roles WHERE rolname = '{OWNER}'") == [(False,)]
    owners = ask(
        reference,
        """
        SELECT DISTINCT r.rolname, r.rolsuper, r.rolcanlogin
        FROM pg_roles AS r JOIN pg_shdepend AS d ON d.refobjid = r.oid AND d.deptype = 'o'
        WHERE r.rolname LIKE 'audit%'
        ORDER BY 1
        """,
    )
    assert owners == [("audit_owner", False, False), ("audit_writer", False, False)]


def test_the_writer_may_create_nothing_once_it_is_installed(reference: str) -> None:
    rights = "SELECT has_schema_privilege('audit_writer', 'audit', 'CREATE')"
    assert ask(reference, rights) == [(False,)]


def test_two_databases_of_a_cluster_have_a_log_each(
    cluster: Cluster, reference: str, empty_database: str
) -> None:
    apply_migrations(yoyo_address(empty_database))
    run(empty_database, ADD_USER)

    count = "SELECT count(*) FROM audit.entry"
    assert ask(empty_database, count) == [(1,)]
    assert ask(reference, count) == [(0,)]
    assert ask(empty_database, "SELECT secret FROM audit.fingerprint_key") != ask(
        reference, "SELECT secret FROM audit.fingerprint_key"
    )


@pytest.fixture
def plain_owner(cluster: Cluster) -> Iterator[str]:
    """Return the name of a role that may not create roles, for one test."""
    with psycopg.connect(cluster.conninfo(), autocommit=True) as superuser:
        create_role(superuser, "plain_owner")
        yield "plain_owner"
        superuser.execute("DROP ROLE plain_owner")


def test_another_owner_installs_once_the_roles_are_granted(
    cluster: Cluster, reference: str, plain_owner: str
) -> None:
    with new_database(cluster, "other", owner=plain_owner) as other:
        assert refusal(render_audit_schema(), other) == "UA005"

        run(reference, f"GRANT audit_owner, audit_writer TO {plain_owner}")
        run(other, render_audit_schema())

        assert schemas(other) == {"audit"}


def test_a_database_of_bytes_is_refused(cluster: Cluster) -> None:
    with psycopg.connect(cluster.conninfo(), autocommit=True) as superuser:
        superuser.execute("DROP DATABASE IF EXISTS bytes")
        superuser.execute(
            "CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'"
        )

    assert refusal(render_audit_schema(), cluster.conninfo("bytes")) == "UA002"
