"""pgwitness check: where capture by statement would not tell the truth, it says why."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.config import Config
from generator.drift import Finding, find_drift
from generator.parse import read_config
from generator.render import render_track
from tests.databases import OWNER, new_database

LOAD = """
source = "shop"
[table."shop.load"]
module = "Loads"
entity = "Load"
"""
PLAIN = "CREATE TABLE shop.load (id int PRIMARY KEY, a int, b int)"
NOTHING = """
CREATE FUNCTION shop.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
"""
OWN_TRIGGER = (
    NOTHING
    + """
CREATE {kind} {name} {moment} ON shop.load {more} EXECUTE FUNCTION shop.nothing()
"""
)
FOREIGN_KEYS = """
CREATE TABLE shop.one (id int PRIMARY KEY);
ALTER TABLE shop.load ADD CONSTRAINT a FOREIGN KEY (a) REFERENCES shop.one {a},
                      ADD CONSTRAINT b FOREIGN KEY (b) REFERENCES shop.one {b}
"""
ROOT = "CREATE TABLE shop.load (id int PRIMARY KEY) PARTITION BY RANGE (id)"
LEAF = ROOT.replace("load", "root") + "; CREATE TABLE shop.load PARTITION OF shop.root DEFAULT"
PARENT = PLAIN + "; CREATE TABLE shop.heir () INHERITS (shop.load)"
HEIR = (
    "CREATE TABLE shop.parent (id int PRIMARY KEY);"
    "CREATE TABLE shop.load (PRIMARY KEY (id)) INHERITS (shop.parent)"
)
VIEW = "CREATE VIEW shop.load AS SELECT 1 AS id"


@pytest.fixture(scope="module")
def installer(cluster: Cluster, log_template: str) -> Iterator[psycopg.Connection]:
    """Who installed the log of a database that all tests share."""
    with (
        new_database(cluster, "by_statement", template=log_template) as conninfo,
        psycopg.connect(conninfo, prepare_threshold=None) as connection,
    ):
        # That is how check reads, which can't change it in a transaction of others.
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield connection


@pytest.fixture
def owner(installer: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """The installer, in a transaction that is rolled back."""
    with installer.transaction(force_rollback=True):
        installer.execute("CREATE SCHEMA shop")
        yield installer


def said(folder: Path, capture: str = "statement") -> Config:
    (folder / "audit.toml").write_text(LOAD + f'capture = "{capture}"', encoding="utf-8")
    return read_config(folder / "audit.toml")


def check(owner: psycopg.Connection, folder: Path, capture: str = "statement") -> list[Finding]:
    """Track the table, and return what is found."""
    config = said(folder, capture)
    with owner.transaction():
        owner.execute(render_track(config.tables[0]).encode())
    return find_drift(owner, config)


def own_trigger(kind: str, name: str, moment: str, more: str = "FOR EACH ROW") -> str:
    return OWN_TRIGGER.format(kind=kind, name=name, moment=moment, more=more)


def test_a_plain_table_is_fine(owner: psycopg.Connection, tmp_path: Path) -> None:
    owner.execute(PLAIN)
    assert check(owner, tmp_path) == []


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        (ROOT, "it is partitioned"),
        (LEAF, "it is a partition"),
        (PARENT, "it inherits"),
        (HEIR, "it inherits"),
        (PLAIN + ";" + own_trigger("TRIGGER", "z", "AFTER INSERT"), "the row trigger z"),
        (
            PLAIN
            + ";"
            + own_trigger(
                "CONSTRAINT TRIGGER",
                "z",
                "AFTER UPDATE",
                "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW",
            ),
            "the row trigger z",
        ),
        (
            PLAIN + ";" + FOREIGN_KEYS.format(a="ON DELETE CASCADE", b="ON DELETE SET NULL"),
            "the foreign keys a and b",
        ),
        (
            PLAIN + ";" + FOREIGN_KEYS.format(a="ON UPDATE CASCADE", b="ON DELETE CASCADE"),
            "the foreign keys b and a",
        ),
    ],
)
def test_where_it_would_not_be_right_it_is_refused_by_name(
    owner: psycopg.Connection, tmp_path: Path, tables: str, reason: str
) -> None:
    owner.execute(tables.encode())
    [finding] = [f for f in find_drift(owner, said(tmp_path)) if "by statement" in f.what]
    assert (finding.state, finding.object) == ("conflict", "table shop.load")
    assert reason in finding.what
    assert not [f for f in check(owner, tmp_path, "row") if "by statement" in f.what]


@pytest.mark.parametrize(
    ("tables", "kind"),
    [
        (ROOT, "partitioned"),
        (LEAF, "a partition"),
        (PARENT, "inherited from"),
        (HEIR, "inheriting from another"),
        (VIEW, "a view"),
        (VIEW.replace("VIEW", "MATERIALIZED VIEW"), "a materialized view"),
    ],
)
def test_a_migration_refuses_what_is_no_plain_table_and_says_what_it_is(
    owner: psycopg.Connection, tmp_path: Path, tables: str, kind: str
) -> None:
    owner.execute(tables.encode())
    with pytest.raises(psycopg.Error) as refusal:
        check(owner, tmp_path)
    assert refusal.value.sqlstate == "UA006"
    assert f"It is {kind}:" in str(refusal.value.diag.message_detail)


@pytest.mark.parametrize(
    "more",
    [
        own_trigger("TRIGGER", "z", "BEFORE INSERT"),
        own_trigger("TRIGGER", "z", "AFTER INSERT", "FOR EACH STATEMENT"),
        FOREIGN_KEYS.format(a="ON DELETE CASCADE", b="ON DELETE CASCADE"),
        FOREIGN_KEYS.format(a="ON DELETE CASCADE ON UPDATE CASCADE", b=""),
        FOREIGN_KEYS.format(a="ON DELETE SET NULL", b="ON DELETE SET NULL"),
    ],
)
def test_what_is_as_right_as_by_row_is_not_refused(
    owner: psycopg.Connection, tmp_path: Path, more: str
) -> None:
    owner.execute((PLAIN + ";" + more).encode())
    assert check(owner, tmp_path) == []


@pytest.mark.parametrize(
    ("capture", "level", "early"),
    [
        ("statement", "STATEMENT", ['trigger "!a" on shop.load']),
        ("row", "STATEMENT", []),
        ("row", "ROW", ['trigger "!a" on shop.load']),
    ],
)
def test_a_trigger_of_the_same_level_that_fires_before_ours_is_found(
    owner: psycopg.Connection, tmp_path: Path, capture: str, level: str, early: list[str]
) -> None:
    owner.execute(PLAIN)
    owner.execute(own_trigger("TRIGGER", '"!a"', "AFTER DELETE", f"FOR EACH {level}").encode())
    assert [finding.object for finding in check(owner, tmp_path, capture)] == early


def test_a_table_that_a_subscription_writes_to_is_refused(
    cluster: Cluster, empty_log: str, tmp_path: Path
) -> None:
    here = cluster.conninfo("empty", host=LOOPBACK)
    with (
        psycopg.connect(empty_log, autocommit=True) as owner,
        psycopg.connect(here, autocommit=True) as superuser,
    ):
        owner.execute(f"CREATE SCHEMA shop; {PLAIN}".encode())
        superuser.execute("CREATE PUBLICATION loads FOR TABLE shop.load")
        superuser.execute(
            f"CREATE SUBSCRIPTION loads CONNECTION '{here}' PUBLICATION loads"
            " WITH (create_slot = false, enabled = false, slot_name = NONE)".encode()
        )
        try:
            [finding] = check(owner, tmp_path)
        finally:
            superuser.execute("DROP SUBSCRIPTION loads")
        assert "a subscription writes to it" in finding.what
        assert owner.info.user == OWNER


def test_what_a_table_was_captured_by_before_leaves_nothing_behind(
    owner: psycopg.Connection, tmp_path: Path
) -> None:
    owner.execute(PLAIN)
    for capture in ("row", "statement", "row", "statement"):
        assert check(owner, tmp_path, capture) == []


def test_a_schema_that_the_writer_may_not_use_is_found(
    owner: psycopg.Connection, tmp_path: Path
) -> None:
    owner.execute(PLAIN)
    assert check(owner, tmp_path) == []
    owner.execute("REVOKE USAGE ON SCHEMA shop FROM audit_writer")
    [finding] = find_drift(owner, said(tmp_path))
    assert (finding.state, finding.object) == ("missing", "table shop.load")
    owner.execute(finding.fix.encode())
    assert find_drift(owner, said(tmp_path)) == []
