"""pgwitness check: who can act as the owner of the log, or get around its rights, is found."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.config import ConfigError
from generator.drift import Finding, find_drift
from generator.drift.notes import find_notes
from generator.parse import read_config
from tests.databases import OWNER, REFERENCE, new_database
from tests.shop import create_role

CONFIG = read_config(Path(__file__).parents[2] / "migrations" / "audit.toml")
EVE, GROUP = "check_eve", "check_group"
# What gives Eve a way around, and the state and object of what check says of it.
WAYS = {
    f"GRANT audit_owner TO {EVE}": "changed role audit_owner",
    f"GRANT {OWNER} TO {EVE}": "changed role audit_owner",
    f"GRANT pg_write_server_files TO {EVE}": f"conflict role {EVE}",
    f"GRANT pg_execute_server_program TO {EVE}": f"conflict role {EVE}",
    f"GRANT pg_write_all_data TO {EVE}; ALTER ROLE {EVE} BYPASSRLS": f"conflict role {EVE}",
    f"ALTER ROLE {EVE} SET session_replication_role = replica": f"changed role {EVE}",
    f"ALTER ROLE {EVE} IN DATABASE {REFERENCE} SET session_replication_role = local":
        f"changed role {EVE}",
    f"ALTER DATABASE {REFERENCE} SET session_replication_role = replica":
        f"changed database {REFERENCE}",
    f"ALTER DEFAULT PRIVILEGES FOR ROLE audit_owner GRANT ALL ON TABLES TO {EVE}":
        "changed default privileges of audit_owner",
    "ALTER DEFAULT PRIVILEGES FOR ROLE audit_owner IN SCHEMA audit GRANT EXECUTE ON FUNCTIONS"
    " TO PUBLIC": "changed default privileges of audit_owner",
}  # fmt: skip
TRUSTED = [way for way in WAYS if way.startswith("GRANT")]


@pytest.fixture
def superuser(cluster: Cluster, reference: str) -> Iterator[psycopg.Connection]:
    """Who makes two roles, and takes them away: roles belong to the whole cluster."""
    conninfo = cluster.conninfo(REFERENCE, host=LOOPBACK)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        create_role(connection, EVE)
        create_role(connection, GROUP, "NOLOGIN")
        yield connection
        connection.execute(f"ALTER DATABASE {REFERENCE} RESET ALL".encode())
        connection.execute(f"DROP OWNED BY {EVE}, {GROUP}; DROP ROLE {EVE}, {GROUP}".encode())


def found(conninfo: str, *trusted: str) -> list[Finding]:
    with psycopg.connect(conninfo) as connection:
        return find_drift(connection, replace(CONFIG, trusted=trusted))


def said(conninfo: str, *trusted: str) -> list[str]:
    return [f"{f.state} {f.object}" for f in found(conninfo, *trusted)]


def noted(conninfo: str) -> dict[str, tuple[str, ...]]:
    """Return who is named by each note, by its first words."""
    with psycopg.connect(conninfo) as connection:
        return {note.what.partition(":")[0]: note.who for note in find_notes(connection)}


def test_each_way_around_is_found_with_the_statement_that_closes_it(
    reference: str, superuser: psycopg.Connection
) -> None:
    for way in WAYS:
        superuser.execute(way.encode())
    ways = found(reference)
    assert sorted(f"{f.state} {f.object}" for f in ways) == sorted(WAYS.values())
    for finding in ways:
        superuser.execute(finding.fix.encode())
    assert said(reference) == []


def test_a_role_that_audit_toml_trusts_is_no_finding(
    reference: str, superuser: psycopg.Connection
) -> None:
    for way in TRUSTED:
        superuser.execute(way.encode())
    assert said(reference, EVE) == []


def test_who_gets_there_by_way_of_a_trusted_role_is_found_and_since_when(
    reference: str, superuser: psycopg.Connection
) -> None:
    superuser.execute(f"GRANT audit_owner TO {GROUP}; GRANT {GROUP} TO {EVE}".encode())
    [finding] = found(reference, GROUP)
    assert EVE in finding.what
    assert "by transaction" in finding.since
    assert len(said(reference)) == 1
    assert said(reference, GROUP, EVE) == []


def test_createrole_is_a_way_around_until_postgresql_15(
    reference: str, superuser: psycopg.Connection
) -> None:
    superuser.execute(f"ALTER ROLE {EVE} CREATEROLE".encode())
    is_one = superuser.info.server_version < 160000
    assert said(reference) == [f"conflict role {EVE}"] * is_one
    assert said(reference, EVE) == []


def test_members_of_a_group_that_owns_the_database_are_its_owners(
    reference: str, superuser: psycopg.Connection
) -> None:
    superuser.execute(
        f"ALTER DATABASE {REFERENCE} OWNER TO {GROUP}; GRANT audit_owner TO {GROUP};"
        f"GRANT {GROUP} TO {EVE}".encode()
    )
    try:
        assert [f for f in found(reference) if EVE in f.what] == []
    finally:
        superuser.execute(f"ALTER DATABASE {REFERENCE} OWNER TO {OWNER}".encode())


def test_who_owns_another_database_is_no_owner_of_this_one(
    cluster: Cluster, reference: str, superuser: psycopg.Connection
) -> None:
    with new_database(cluster, "elsewhere", EVE):
        superuser.execute(f"GRANT audit_owner TO {EVE}".encode())
        [finding] = found(reference)
        assert finding.object == "role audit_owner"
        assert f"{EVE} is a member" in finding.what
        assert said(reference, EVE) == []


def test_trusted_must_be_a_list_of_roles(tmp_path: Path) -> None:
    (tmp_path / "audit.toml").write_text('source = "crm"\ntrusted = "ops"', encoding="utf-8")
    with pytest.raises(ConfigError, match='"trusted" must be a list of roles'):
        read_config(tmp_path / "audit.toml")
    (tmp_path / "audit.toml").write_text('source = "crm"\ntrusted = ["ops"]', encoding="utf-8")
    assert read_config(tmp_path / "audit.toml").trusted == ("ops",)


def test_what_remains_possible_is_a_note_and_no_finding(
    reference: str, superuser: psycopg.Connection
) -> None:
    superuser.execute(
        f"GRANT audit_reader, pg_write_all_data TO {EVE};"
        f"GRANT TRIGGER, TRUNCATE ON crm.workflow TO {EVE};"
        f"ALTER ROLE {EVE} SET audit.actor = 'eve';"
        "CREATE RULE aside AS ON UPDATE TO crm.workflow WHERE OLD.id < 0"
        " DO INSTEAD NOTHING".encode()
    )
    if superuser.info.server_version >= 150000:
        superuser.execute(f"GRANT SET ON PARAMETER session_replication_role TO {EVE}".encode())
    notes = noted(reference)
    assert said(reference) == []
    assert "postgres" in notes["superusers, whom nothing stops"]
    assert OWNER in notes["own tracked tables"]
    assert notes["have a rule"] == ("crm.workflow",)
    for what in ("may read the log", "may write every table, but for row security",
                 "may make triggers of tracked tables", "may truncate tracked tables",
                 "names an actor for all that it writes"):  # fmt: skip
        assert EVE in notes[what], what
    if superuser.info.server_version >= 150000:
        assert EVE in notes["may set session_replication_role"]
