"""missing_actor: what becomes of a write where nobody said who acts, table by table."""

from pathlib import Path

import psycopg
import pytest

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.config import ConfigError
from generator.parse import read_config
from generator.render import render_track
from tests.shop import Connection, written
from tests.tracking import make, operations, write

COLUMNS = "(id int PRIMARY KEY, amount numeric, seen_at timestamptz)"
SOMEBODY = "SET LOCAL audit.actor = '42'"
NOBODY = "SET LOCAL audit.actor = ''"
REFUND = "INSERT INTO shop.refund VALUES (1, 10)"
WRITES = {
    "insert": "INSERT INTO shop.refund VALUES (2, 20)",
    "update": "UPDATE shop.refund SET amount = 11",
    "delete": "DELETE FROM shop.refund",
    "truncate": "TRUNCATE shop.refund",
}
IN_VAIN = {
    "no change": "UPDATE shop.refund SET amount = amount",
    "ignored column": "UPDATE shop.refund SET seen_at = now()",
    "no row": "UPDATE shop.refund SET amount = 0 WHERE false",
    "no conflict": "INSERT INTO shop.refund VALUES (1) ON CONFLICT DO NOTHING",
}

CONFIG = """
source = "shop"
[table."shop.refund"]
module = "Refunds"
entity = "Refund"
missing_actor = "{}"
"""

both = pytest.mark.parametrize("capture", ["row", "statement"])


def make_refunds(owner: Connection, **words: str) -> None:
    """Make a table with one row, in which nobody writes unnamed."""
    make(owner, "refund", COLUMNS, ignore=("seen_at",), missing_actor="reject", **words)
    write(owner, SOMEBODY, REFUND, NOBODY)


def assert_refused(owner: Connection, statement: str) -> None:
    with pytest.raises(psycopg.Error) as refusal, owner.transaction():
        write(owner, statement)
    assert refusal.value.sqlstate == "UA008"
    assert "SET LOCAL audit.actor" in str(refusal.value.diag.message_hint)


@both
@pytest.mark.parametrize("way", WRITES)
@pytest.mark.parametrize("truncate", ["log", "rows"])
def test_a_write_is_refused_where_nobody_said_who(
    owner: Connection, capture: str, way: str, truncate: str
) -> None:
    make_refunds(owner, capture=capture, truncate=truncate)

    assert_refused(owner, WRITES[way])

    assert owner.execute("SELECT id, amount FROM shop.refund").fetchall() == [(1, 10)]
    assert len(written(owner)) == 1


@both
@pytest.mark.parametrize("way", WRITES)
def test_a_write_goes_on_where_somebody_did(owner: Connection, capture: str, way: str) -> None:
    make_refunds(owner, capture=capture)
    write(owner, SOMEBODY, WRITES[way])
    last = written(owner)[-1]
    assert (last.operation.lower(), last.actor) == (way, "42")


@both
@pytest.mark.parametrize("way", IN_VAIN)
def test_what_leaves_no_entry_is_not_refused(owner: Connection, capture: str, way: str) -> None:
    make_refunds(owner, capture=capture)
    write(owner, IN_VAIN[way])
    assert len(written(owner)) == 1


@both
def test_truncate_of_no_row_is_not_refused_where_each_row_would_be_told(
    owner: Connection, capture: str
) -> None:
    make_refunds(owner, capture=capture, truncate="rows")
    write(owner, SOMEBODY, "DELETE FROM shop.refund", NOBODY, "TRUNCATE shop.refund")
    assert operations(written(owner))[1:] == [("DELETE", "refund")]


def test_truncate_whose_rows_cannot_be_read_is_refused_all_the_same(owner: Connection) -> None:
    make_refunds(owner, truncate="rows")
    owner.execute("ALTER TABLE shop.refund ENABLE ROW LEVEL SECURITY")
    assert_refused(owner, "TRUNCATE shop.refund")


def test_truncate_of_a_part_is_told_with_its_part(owner: Connection) -> None:
    make(owner, "refund", COLUMNS, missing_actor="reject", part="Refund")
    write(owner, SOMEBODY, "TRUNCATE shop.refund")
    assert [entry.part for entry in written(owner)] == ["Refund"]


def test_a_row_that_goes_straight_into_a_partition_is_refused(owner: Connection) -> None:
    make(owner, "refund", "(id int) PARTITION BY RANGE (id)", missing_actor="reject")
    owner.execute("CREATE TABLE shop.refund_1 PARTITION OF shop.refund DEFAULT")
    owner.execute("GRANT ALL ON shop.refund_1 TO shop_app")
    assert_refused(owner, "INSERT INTO shop.refund_1 VALUES (1)")


@pytest.mark.parametrize("applied_as", ["origin", "replica"])
def test_superusers_and_replication_are_refused_too(
    cluster: Cluster, shop: str, applied_as: str
) -> None:
    del shop  # It has to be there.
    with psycopg.connect(cluster.conninfo("shop", host=LOOPBACK)) as superuser:
        make(superuser, "refund", COLUMNS, missing_actor="reject")
        superuser.execute(f"SET session_replication_role = {applied_as}".encode())
        with pytest.raises(psycopg.Error) as refusal:
            superuser.execute(REFUND.encode())
        superuser.rollback()
    assert refusal.value.sqlstate == "UA008"


@pytest.mark.parametrize("policy", ["allow", "mark"])
def test_other_policies_write_what_is_said(owner: Connection, policy: str) -> None:
    make(owner, "refund", COLUMNS, missing_actor=policy)
    write(owner, REFUND)
    [entry] = written(owner)
    said = owner.execute(
        "SELECT missing_actor FROM audit.tracked_table WHERE table_name = 'refund'"
    ).fetchone()
    assert (entry.actor, said) == (None, (policy,))


def test_another_policy_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "audit.toml").write_text(CONFIG.format("refuse"))
    with pytest.raises(ConfigError, match='must be "allow", "mark" or "reject"'):
        read_config(tmp_path / "audit.toml")


def test_a_table_without_it_has_no_line_more(tmp_path: Path) -> None:
    def lines(policy: str) -> set[str]:
        (tmp_path / "audit.toml").write_text(CONFIG.format(policy))
        [table] = read_config(tmp_path / "audit.toml").tables
        return {line.strip(" ,") for line in render_track(table).splitlines()}

    assert lines("mark") - lines("allow") == {"p_missing_actor => 'mark'"}
    assert not [line for line in lines("allow") if "actor" in line]
