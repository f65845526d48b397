"""pg_dump and pg_restore: what comes back whole, what does not, and that check says so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from auditviewer.demo.cluster import Cluster
from tests.crm import Crm, create_role
from tests.databases import OWNER
from tests.dumps import CONFIG, Database, Tools
from tests.maintenance import Upkeep

SOURCE = "crm_of_a_module"
DUMPER = "crm_dumper"
RESTORE = ("pg_restore", "--exit-on-error")
PSQL = ("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1")
ROWS_ALONE = ("-Fc", "--data-only", "--exclude-schema=audit", "--exclude-table=public.*yoyo*")


@pytest.fixture(scope="module")
def tools(cluster: Cluster, data_folder: Path) -> Tools:
    folder = data_folder / "dumps"
    folder.mkdir()
    cluster.programs.account.give(folder)
    return Tools(cluster, folder)


@pytest.fixture(scope="module")
def source(tools: Tools, crm: Crm) -> Database:
    """A log of seven weeks, with partitions of every kind."""
    upkeep = Upkeep(crm.as_role("postgres"))
    upkeep.age(50, ahead=5)
    upkeep.add_entries(-48, 3)
    crm.add_workflow("Nurture new leads", conditions=2)
    database = Database(upkeep.conninfo)
    assert database.maintain() == []
    return database


@pytest.fixture(scope="module")
def dumped(tools: Tools, source: Database) -> Path:
    return tools.dump(SOURCE, "-Fc", user=OWNER)


@pytest.fixture
def restored(tools: Tools, dumped: Path) -> Iterator[Database]:
    """What a superuser restored."""
    with tools.new_database("restored") as database:
        done = tools.run(*RESTORE, "-d", database.conninfo, dumped)
        assert (done.returncode, done.stdout) == (0, "")
        yield database


@pytest.fixture
def installed(tools: Tools, reference_template: Any) -> Iterator[Database]:
    """A fresh installation, with nothing in it."""
    with tools.new_database("installed", reference_template.template_dbname) as database:
        yield database


def add_territory(database: Database) -> int:
    """Write as the owner of the CRM, and return the id of the only entry of it."""
    insert = "INSERT INTO crm.territory (name) VALUES ('North')"
    with psycopg.connect(database.conninfo, user=OWNER) as owner:
        owner.execute(insert.encode())
        query = "SELECT id FROM audit.entry WHERE transaction_id = pg_current_xact_id()"
        [(entry,)] = owner.execute(query.encode()).fetchall()
    return int(entry)


def test_a_restored_log_is_the_dumped_one(source: Database, restored: Database) -> None:
    assert restored.objects() == source.objects()
    assert restored.entries() == source.entries()
    assert restored.states() == {"restored", "conflict"}


def test_a_restored_log_is_written_and_maintained_on(restored: Database) -> None:
    [(last,)] = restored.query("SELECT max(id) FROM audit.entry")
    assert add_territory(restored) > int(str(last))
    restored.acknowledge()
    restored.mend(OWNER)
    assert restored.maintain() == []
    assert restored.drift() == []


def test_a_dump_in_plain_sql_is_as_good(tools: Tools, source: Database) -> None:
    file = tools.dump(SOURCE)
    with tools.new_database("restored") as restored:
        done = tools.run(*PSQL, "-o", "/dev/null", "-d", restored.conninfo, "-f", file)

        assert (done.returncode, done.stdout) == (0, "")
        assert restored.objects() == source.objects()
        assert restored.entries() == source.entries()


def test_rows_alone_are_logged_as_inserts_of_who_restores_them(
    tools: Tools, source: Database, installed: Database
) -> None:
    done = tools.run(*RESTORE, "-d", installed.conninfo, tools.dump(SOURCE, *ROWS_ALONE))

    assert (done.returncode, done.stdout) == (0, "")
    logged = "SELECT operation, db_user, actor, application_name FROM audit.entry"
    assert set(installed.query(logged)) == {("INSERT", "postgres", None, "pg_restore")}
    conditions = "SELECT count(*) FROM audit.entry WHERE part = 'Condition'"
    assert installed.query(conditions) == [(2,)]
    assert installed.drift() == []


def test_rows_that_are_restored_with_triggers_disabled_leave_them_half_enabled_as_check_says(
    tools: Tools, source: Database, installed: Database
) -> None:
    file = tools.dump(SOURCE, *ROWS_ALONE)
    done = tools.run(*RESTORE, "--disable-triggers", "-d", installed.conninfo, file)
    assert (done.returncode, done.stdout) == (0, "")
    assert installed.entries() == []

    found = installed.drift()
    assert {(f.state, f.what) for f in found} == {
        ("disabled", "does not fire for what replication applies")
    }
    assert len(found) == 4 * len(CONFIG.tables)
    installed.mend(OWNER)
    assert installed.states() == {"altered"}
    installed.mend(OWNER)
    assert installed.drift() == []


def test_a_schema_without_its_rows_is_completed_as_check_says(tools: Tools, dumped: Path) -> None:
    with tools.new_database("restored") as restored:
        done = tools.run(*RESTORE, "--schema-only", "-d", restored.conninfo, dumped)
        assert (done.returncode, done.stdout) == (0, "")
        add_territory(restored)

        missing = {finding.object.partition(" of ")[0] for finding in restored.drift()}
        assert missing == {"words", "table audit.fingerprint_key", "table audit.object_version"}
        restored.mend(OWNER)
        assert restored.drift() == []


def test_who_is_no_superuser_restores_all_but_the_owner_of_functions_as_check_says(
    tools: Tools, source: Database, dumped: Path
) -> None:
    with tools.new_database("restored") as restored:
        done = tools.run("pg_restore", "-d", tools.conninfo("restored", OWNER), dumped)
        assert done.stdout.count("ERROR") == done.stdout.count("OWNER TO audit_writer;") > 0
        add_territory(restored)
        restored.acknowledge()

        assert {finding.what for finding in restored.drift() if finding.state != "restored"} == {
            f"belongs to {OWNER} instead of audit_writer"
        }
        restored.mend(OWNER)
        assert restored.drift() == []
        assert restored.objects() == source.objects()


def test_a_log_that_is_restored_without_owners_and_rights_is_open_to_all_as_check_says(
    tools: Tools, dumped: Path
) -> None:
    with tools.new_database("restored") as restored:
        conninfo = tools.conninfo("restored", OWNER)
        done = tools.run(*RESTORE, "--no-owner", "--no-acl", "-d", conninfo, dumped)
        assert (done.returncode, done.stdout) == (0, "")
        add_territory(restored)

        found = {(finding.object, finding.what) for finding in restored.drift()}
    function = "function audit.capture_crm_territory"
    assert {
        (function, f"belongs to {OWNER} instead of audit_writer"),
        (function, "public has EXECUTE"),
        ("table audit.entry", "audit_reader has no SELECT"),
    } < found


def test_a_table_that_is_restored_by_itself_is_tracked_no_more_as_check_says(
    tools: Tools, dumped: Path, restored: Database
) -> None:
    alone = ("--clean", "-n", "crm", "-t", "workflow_condition")
    done = tools.run(*RESTORE, *alone, "-d", restored.conninfo, dumped)

    assert (done.returncode, done.stdout) == (0, "")
    lost = [f.object for f in restored.drift() if f.state == "missing"]
    assert len(lost) == 4
    assert all("!audit_" in trigger for trigger in lost)


@pytest.fixture
def dumper(tools: Tools, source: Database) -> Iterator[psycopg.Connection]:
    """A superuser beside a role that may read everything, and no more."""
    with psycopg.connect(tools.conninfo(SOURCE), autocommit=True) as superuser:
        create_role(superuser, DUMPER, "pg_read_all_data")
        yield superuser
        superuser.execute(f"DROP ROLE {DUMPER}".encode())


@pytest.mark.parametrize(
    "right", [f"ALTER ROLE {DUMPER} BYPASSRLS", f"GRANT audit_owner TO {DUMPER}"]
)
def test_who_may_read_everything_dumps_no_log_unless_row_security_lets_it(
    tools: Tools, dumper: psycopg.Connection, right: str
) -> None:
    with pytest.raises(AssertionError, match="would be affected by row-level security policy"):
        tools.dump(SOURCE, user=DUMPER)
    dumper.execute(right.encode())
    assert tools.dump(SOURCE, user=DUMPER).stat().st_size > 0
