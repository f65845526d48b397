"""What a member of audit_owner hides in the log's own tables: code, limits, and another order."""

import pytest

from tests.attacks.outcomes import Attack
from tests.attacks.scene import acting, check, do, leaf
from tests.crm import Crm

pytestmark = pytest.mark.attacker("member of audit_owner")

SUM = "CREATE FUNCTION audit.f(bigint) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN $1;"
# The declared words in another order: nobody would tell a leaked actor from one that was bound.
REARRANGED = """
ALTER TABLE audit.entry ALTER actor_bound SET DEFAULT CASE
    WHEN NOT current_setting('audit.actor', true) <> ''
    THEN current_setting('audit.bound_to', true) IS DISTINCT FROM
         extract(epoch FROM transaction_timestamp())::text || ' '
         || current_setting('audit.actor', true)
    END
"""
SWALLOWED = """
ALTER TABLE audit.entry DETACH PARTITION {leaf};
CREATE TABLE audit.mine (LIKE audit.entry INCLUDING ALL) PARTITION BY RANGE (occurred_at);
ALTER TABLE audit.mine ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER entry_is_not_truncated BEFORE TRUNCATE ON audit.mine
    EXECUTE FUNCTION audit._refuse_change();
ALTER TABLE audit.entry ATTACH PARTITION audit.mine {bounds};
CREATE TABLE audit.inner_one PARTITION OF audit.mine DEFAULT;
CREATE FUNCTION audit.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER f BEFORE INSERT ON audit.inner_one FOR EACH ROW EXECUTE FUNCTION audit.f();
"""
DETECTED = {
    "says what it says in another order": (
        REARRANGED, "changed", "column actor_bound of table audit.entry",
    ),
    "swallows entries in a partition of a partition": (SWALLOWED, "changed", "table audit.mine"),
    "adds a column that runs code": (
        f"{SUM} ALTER TABLE audit.entry ADD mine bigint DEFAULT audit.f(1)",
        "orphan", "column mine of table audit.entry",
    ),
    "runs code for an index of a day": (
        f"{SUM} CREATE INDEX mine ON {{leaf}} (audit.f(id))", "orphan", "index audit.mine",
    ),
    "runs code for statistics": (
        f"{SUM} CREATE STATISTICS audit.mine ON (audit.f(id)) FROM audit.entry",
        "orphan", "statistics audit.mine",
    ),
    "refuses somebody's entries of today": (
        "ALTER TABLE {leaf} ADD CONSTRAINT mine CHECK (actor <> '1') NOT VALID",
        "orphan", "table {leaf}",
    ),
    "refuses them by a name of ours": (
        "ALTER TABLE {leaf} ADD CONSTRAINT entry_is_in_bounds CHECK (actor <> '1') NOT VALID",
        "orphan", "table {leaf}",
    ),
    "refuses entries of today without an address": (
        "ALTER TABLE {leaf} ALTER client_addr SET NOT NULL", "orphan", "table {leaf}",
    ),
    "leaves a way in": (
        "CREATE FUNCTION audit.act(text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS"
        " 'BEGIN EXECUTE $1; END'; GRANT EXECUTE ON FUNCTION audit.act TO crm_app",
        "orphan", "function audit.act",
    ),
    "counts entries backwards": (
        "ALTER SEQUENCE audit.entry_id_seq INCREMENT -1",
        "changed", "options of sequence audit.entry_id_seq",
    ),
    "lets a table pass for the chain": (
        "CREATE TABLE audit.mine () INHERITS (audit.seal)", "orphan", "table audit.mine",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("script", "state", "what"), DETECTED.values(), ids=DETECTED.keys())
def test_who_owns_the_log_hides(
    attack: Attack, victim: Crm, script: str, state: str, what: str
) -> None:
    victim.add_workflow("Nurture")
    names = {"leaf": leaf(victim), "bounds": bounds(victim, leaf(victim))}
    do(victim, "postgres", "SET ROLE audit_owner", script.format(**names))

    attack.detected(check(victim), state, what.format(**names))


def bounds(crm: Crm, partition: str) -> str:
    with acting(crm, "postgres") as superuser:
        [(text,)] = superuser.execute(
            "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = %s::regclass",
            [partition],
        ).fetchall()
    return str(text)
