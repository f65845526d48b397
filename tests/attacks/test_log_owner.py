"""Who maintains the log acts as its owner, and may change whatever it is made of."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.attacks.outcomes import Attack
from tests.attacks.scene import Undone, acting, check, leaf
from tests.crm import Connection

pytestmark = pytest.mark.attacker("member of audit_owner")

MAINTAINER = "crm_maintainer"
REFUSED = {
    "changes entries": "UPDATE {table} SET actor = 'somebody else'",
    "changes no more than the time of entries": "UPDATE {table} SET occurred_at = occurred_at",
    "moves entries to another day":
        "UPDATE audit.entry SET occurred_at = occurred_at + interval '1 day'",
    "removes entries": "DELETE FROM {table}",
    "empties the log": "TRUNCATE {table}",
    "empties the log with all that refers to it": "TRUNCATE audit.entry CASCADE",
    "overwrites an entry": "INSERT INTO {table} SELECT * FROM audit.entry LIMIT 1"
    " ON CONFLICT (occurred_at, id) DO UPDATE SET actor = 'somebody else'",
}  # fmt: skip
DETECTED = {
    "drops the trigger that refuses changes": (
        "DROP TRIGGER entry_is_append_only ON audit.entry",
        "missing", "trigger entry_is_append_only on audit.entry",
    ),
    "disables the trigger that refuses changes": (
        "ALTER TABLE audit.entry DISABLE TRIGGER entry_is_append_only",
        "disabled", "trigger entry_is_append_only on audit.entry",
    ),
    "disables it on the partition of today alone": (
        "ALTER TABLE {leaf} DISABLE TRIGGER entry_is_append_only",
        "disabled", "trigger entry_is_append_only on {leaf}",
    ),
    "drops the trigger that refuses TRUNCATE": (
        "DROP TRIGGER entry_is_not_truncated ON {leaf}",
        "missing", "trigger entry_is_not_truncated on {leaf}",
    ),
    "lets the trigger refuse nothing": (
        "CREATE OR REPLACE FUNCTION audit._refuse_change() RETURNS trigger LANGUAGE plpgsql"
        " SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN coalesce(NEW, OLD); END'",
        "changed", "function audit._refuse_change",
    ),
    "switches row security off": (
        "ALTER TABLE audit.entry DISABLE ROW LEVEL SECURITY", "disabled", "table audit.entry",
    ),
    "switches row security of a partition off": (
        "ALTER TABLE {leaf} DISABLE ROW LEVEL SECURITY", "disabled", "table {leaf}",
    ),
    "lets everybody add entries": (
        "CREATE POLICY mine ON audit.entry FOR INSERT WITH CHECK (true)",
        "orphan", "policy mine of table audit.entry",
    ),
    "hides entries from readers": (
        "CREATE POLICY mine ON audit.entry AS RESTRICTIVE FOR SELECT USING (actor <> '1')",
        "orphan", "policy mine of table audit.entry",
    ),
    "hides entries by the policy that is there": (
        "ALTER POLICY entry_is_read_by_readers ON audit.entry USING (actor <> '1')",
        "changed", "policy entry_is_read_by_readers of table audit.entry",
    ),
    "lets a policy add entries of any operation": (
        "ALTER POLICY entry_is_written_by_capture ON audit.entry WITH CHECK (true)",
        "changed", "policy entry_is_written_by_capture of table audit.entry",
    ),
    "grants the log to the application": (
        "GRANT INSERT ON audit.entry TO crm_app", "changed", "table audit.entry",
    ),
    "grants a column of the log to the application": (
        "GRANT UPDATE (actor) ON audit.entry TO crm_app", "changed", "table audit.entry",
    ),
    "grants a partition to the application": (
        "GRANT SELECT ON {leaf} TO crm_app", "changed", "table {leaf}",
    ),
    "grants the schema to the application": (
        "GRANT CREATE ON SCHEMA audit TO crm_app", "changed", "schema audit",
    ),
    "grants the numbers to the application": (
        "GRANT UPDATE ON SEQUENCE audit.entry_id_seq TO crm_app",
        "changed", "sequence audit.entry_id_seq",
    ),
    "grants an internal function to the application": (
        "GRANT EXECUTE ON FUNCTION audit._redact TO PUBLIC", "changed", "function audit._redact",
    ),
    "lets the writer say who acted": (
        "GRANT INSERT (actor, db_user) ON audit.entry TO audit_writer",
        "changed", "table audit.entry",
    ),
    "lets the log say who acted": (
        "ALTER TABLE audit.entry ALTER actor SET DEFAULT '1'",
        "changed", "column actor of table audit.entry",
    ),
    "lets the log say when": (
        "ALTER TABLE audit.entry ALTER occurred_at SET DEFAULT '2026-01-01Z'",
        "changed", "column occurred_at of table audit.entry",
    ),
    "swallows entries by a rule": (
        "CREATE RULE mine AS ON INSERT TO audit.entry WHERE NEW.actor = '1' DO INSTEAD NOTHING",
        "orphan", "rule mine of table audit.entry",
    ),
    "swallows entries by a trigger": (
        "CREATE FUNCTION audit.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER mine BEFORE INSERT ON audit.entry FOR EACH ROW EXECUTE FUNCTION audit.f()",
        "orphan", "trigger mine on audit.entry",
    ),
    "swallows entries of today by a trigger": (
        "CREATE FUNCTION audit.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER mine BEFORE INSERT ON {leaf} FOR EACH ROW EXECUTE FUNCTION audit.f()",
        "orphan", "trigger mine on {leaf}",
    ),
    "refuses entries by a constraint": (
        "ALTER TABLE audit.entry ADD CONSTRAINT mine CHECK (actor <> '1') NOT VALID",
        "orphan", "constraint mine of table audit.entry",
    ),
    "makes a partition UNLOGGED": ("ALTER TABLE {leaf} SET UNLOGGED", "changed", "table {leaf}"),
    "detaches today": (
        "ALTER TABLE audit.entry DETACH PARTITION {leaf}", "missing", "table audit.entry",
    ),
    "detaches a day and keeps it": (
        "ALTER TABLE audit.entry DETACH PARTITION {leaf}", "orphan", "table {leaf}",
    ),
    "drops today": ("DROP TABLE {leaf}", "missing", "table audit.entry"),
    "adds a DEFAULT partition": (
        "CREATE TABLE audit.other PARTITION OF audit.entry DEFAULT",
        "changed", "table audit.other",
    ),
    "attaches a table of prepared entries": (
        "CREATE TABLE audit.mine (LIKE audit.entry INCLUDING ALL);"
        "ALTER TABLE audit.entry ATTACH PARTITION audit.mine"
        " FOR VALUES FROM ('2000-01-01Z') TO ('2000-01-02Z')",
        "disabled", "table audit.mine",
    ),
    "drops the log": ("DROP TABLE audit.entry CASCADE", "missing", "table audit.entry"),
    "drops an index of the log": (
        "DROP INDEX audit.entry_by_actor", "missing", "index entry_by_actor of table audit.entry",
    ),
    "makes a definer of a function": (
        "ALTER FUNCTION audit._salvage SECURITY DEFINER", "changed", "function audit._salvage",
    ),
    "takes the path from a definer": (
        "ALTER FUNCTION audit._redact RESET search_path", "changed", "function audit._redact",
    ),
    "puts another function beside one": (
        "CREATE FUNCTION audit._context(varchar) RETURNS jsonb LANGUAGE sql"
        " AS 'SELECT NULL::jsonb'",
        "changed", "function audit._context",
    ),
    "changes the words of a table": (
        "UPDATE audit.tracked_table SET entity = 'Else' WHERE table_name = 'workflow'",
        "changed", "words of crm.workflow",
    ),
    "calls a column that was redacted stored": (
        "UPDATE audit.tracked_table SET redacted = '{{}}' WHERE table_name = 'account_setting'",
        "changed", "words of crm.account_setting",
    ),
    "has a table forgotten": (
        "CALL audit._forget('crm', 'workflow')", "missing", "words of crm.workflow",
    ),
    "opens all tables to come": (
        "ALTER DEFAULT PRIVILEGES FOR ROLE audit_owner GRANT ALL ON TABLES TO crm_app",
        "changed", "default privileges of audit_owner",
    ),
    "takes the words of a table away": (
        "DELETE FROM audit.tracked_table WHERE table_name = 'territory'",
        "missing", "words of crm.territory",
    ),
}  # fmt: skip


@pytest.fixture
def maintained(victim: Undone) -> Undone:
    """A CRM with an entry in its log, which somebody maintains."""
    victim.admit(MAINTAINER, "", "audit_owner")
    victim.add_workflow("Nurture")
    return victim


@contextmanager
def owning(crm: Undone) -> Iterator[Connection]:
    """Act as the owner of the log."""
    with acting(crm, MAINTAINER) as maintainer:
        maintainer.execute("SET ROLE audit_owner")
        yield maintainer


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED.keys())
def test_the_owner_of_the_log(attack: Attack, maintained: Undone, statement: str) -> None:
    tables = ("audit.entry", leaf(maintained))
    with owning(maintained) as maintainer:
        for table in tables:
            attack.refused(maintainer, statement.format(table=table), by="UA001")


@pytest.mark.parametrize(("script", "state", "what"), DETECTED.values(), ids=DETECTED.keys())
def test_who_owns_the_log(
    attack: Attack, maintained: Undone, script: str, state: str, what: str
) -> None:
    today = leaf(maintained)
    with owning(maintained) as maintainer:
        maintainer.execute(script.format(leaf=today).encode())

    attack.detected(check(maintained), state, what.format(leaf=today))


def test_the_owner_drops_a_day_that_is_not_past_the_retention(
    attack: Attack, maintained: Undone
) -> None:
    name = leaf(maintained).removeprefix("audit.")
    with owning(maintained) as maintainer:
        maintainer.execute(f"ALTER TABLE audit.entry DETACH PARTITION audit.{name}".encode())
        maintainer.execute("INSERT INTO audit.maintenance_run VALUES ('2026-01-01Z', NULL, 90)")

        drop = f"SELECT audit._drop_detached(%s, '{name}', '2000-01-01', '2000-01-02', 'crm')"
        for run in ("'2026-01-01Z'", "now()"):
            attack.refused(maintainer, drop % run, by="UA007")


@pytest.mark.parametrize("role", ["crm_app", "PUBLIC", "audit_reader"])
def test_the_owner_opens_all_days_to_come(attack: Attack, maintained: Undone, role: str) -> None:
    with owning(maintained) as maintainer:
        maintainer.execute(f"ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {role}".encode())
        maintainer.execute("SELECT audit._add_partition('2000-01-01', '2000-01-02')")
    with acting(maintained, "crm_web") as app:
        attack.refused(app, "INSERT INTO audit.entry_20000101 (id) VALUES (1)")
        attack.refused(app, "SELECT FROM audit.entry_20000101")


def test_the_owner_lets_somebody_in(attack: Attack, maintained: Undone) -> None:
    attack.detected(check(maintained), "changed", "role audit_owner")
