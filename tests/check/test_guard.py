"""pgwitness guard: a superuser has the database refuse what gets around the log."""

from collections.abc import Iterator

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import make_conninfo

from auditviewer.demo.cluster import LOOPBACK, Cluster
from generator.cli import main
from generator.config import Config
from generator.drift import find_drift
from generator.drift.notes import find_notes
from generator.parse import read_config
from generator.render import render_audit_schema, render_track, render_untrack
from tests.databases import OWNER
from tests.shop import create_role

HOLDER = "guard_holder"
TABLES = """
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('calm');
CREATE DOMAIN shop.temper AS shop.mood;
CREATE TABLE shop.item (id int PRIMARY KEY, price int, tempers shop.temper[]);
CREATE TABLE shop.sale (id int, year int) PARTITION BY LIST (year);
CREATE TABLE shop.sale_1 PARTITION OF shop.sale FOR VALUES IN (1);
"""
TOML = """
source = "shop"
[table."shop.item"]
module = "Items"
entity = "Item"
truncate = "rows"
[table."shop.sale"]
module = "Sales"
entity = "Sale"
key = []
"""
# As who owns the tables and types, and is no member of audit_owner.
REFUSED = [
    'ALTER TABLE shop.item DISABLE TRIGGER "!audit_update"',
    "ALTER TABLE shop.item DISABLE TRIGGER ALL",
    "ALTER TABLE shop.item DISABLE TRIGGER USER",
    'ALTER TABLE shop.item ENABLE TRIGGER "!audit_update"',
    'ALTER TABLE shop.item ENABLE REPLICA TRIGGER "!audit_update"',
    'ALTER TABLE shop.sale_1 DISABLE TRIGGER "!audit_insert"',
    'ALTER TRIGGER "!audit_delete" ON shop.item RENAME TO zzz',
    'DROP TRIGGER "!audit_truncate" ON shop.item',
    "DROP TABLE shop.item",
    "DROP SCHEMA shop CASCADE",
    "CREATE RULE aside AS ON DELETE TO shop.item DO INSTEAD NOTHING",
    "CREATE CAST (shop.mood AS json) WITH FUNCTION shop.as_json",
    "CREATE FUNCTION shop.as_number(shop.mood) RETURNS int LANGUAGE sql RETURN 1;"
    "CREATE CAST (shop.mood AS int) WITH FUNCTION shop.as_number AS IMPLICIT",
    'BEGIN; ALTER TABLE shop.item DISABLE TRIGGER "!audit_insert";'
    " INSERT INTO shop.item VALUES (9);"
    ' ALTER TABLE shop.item ENABLE ALWAYS TRIGGER "!audit_insert"; COMMIT',
    "DO $$ BEGIN ALTER TABLE shop.item DISABLE TRIGGER ALL; EXCEPTION WHEN division_by_zero THEN"
    " NULL; END $$",
    "BEGIN; CREATE TABLE shop.sale_2 PARTITION OF shop.sale FOR VALUES IN (2);"
    'ALTER TABLE shop.sale_2 DISABLE TRIGGER "!audit_insert"; COMMIT',
]  # fmt: skip
PASSES = [
    "ALTER TABLE shop.item ADD note text, ALTER price TYPE bigint",
    "CREATE INDEX ON shop.item (price)",
    "ALTER TABLE shop.item RENAME note TO remark",
    "CREATE TABLE shop.other (id int REFERENCES shop.item)",
    "CREATE RULE aside AS ON DELETE TO shop.other DO INSTEAD NOTHING",
    "DROP TABLE shop.other",
    "CREATE TABLE shop.sale_3 PARTITION OF shop.sale FOR VALUES IN (3)",
    "CREATE TABLE shop.sale_4 (LIKE shop.sale); ALTER TABLE shop.sale ATTACH PARTITION shop.sale_4"
    " FOR VALUES IN (4); ALTER TABLE shop.sale DETACH PARTITION shop.sale_4",
    "DROP TABLE shop.sale_3",
    "CREATE TYPE shop.size AS ENUM ('s'); CREATE FUNCTION shop.of(shop.size) RETURNS json"
    " LANGUAGE sql RETURN '1'::json; CREATE CAST (shop.size AS json) WITH FUNCTION shop.of",
    "GRANT SELECT ON shop.item TO PUBLIC",
    "CREATE FUNCTION shop.own() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
    "CREATE TRIGGER own BEFORE UPDATE ON shop.item FOR EACH ROW EXECUTE FUNCTION shop.own();"
    "ALTER TABLE shop.item DISABLE TRIGGER own; DROP TRIGGER own ON shop.item",
    "TRUNCATE shop.sale; CREATE TEMP TABLE scratch (id int)",
]  # fmt: skip


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    path = tmp_path_factory.mktemp("guard") / "audit.toml"
    path.write_text(TOML, encoding="utf-8")
    return read_config(path)


@pytest.fixture
def owner(cluster: Cluster, empty_log: str, config: Config) -> Iterator[psycopg.Connection]:
    """Who installed the log, under guard; the tables are somebody else's."""
    with psycopg.connect(empty_log, autocommit=True) as owner, superuser(cluster) as dba:
        create_role(dba, HOLDER)
        dba.execute(f"GRANT {HOLDER} TO {OWNER}".encode())
        owner.execute(TABLES)
        owner.execute(
            "CREATE FUNCTION shop.as_json(shop.mood) RETURNS json LANGUAGE sql"
            " RETURN '\"calm\"'::json"
        )
        for thing in ("SCHEMA shop", "TYPE shop.mood", "DOMAIN shop.temper", "TABLE shop.item",
                      "TABLE shop.sale", "TABLE shop.sale_1", "FUNCTION shop.as_json"):  # fmt: skip
            dba.execute(f"ALTER {thing} OWNER TO {HOLDER}".encode())
        dba.execute(f"GRANT TEMPORARY ON DATABASE empty TO {HOLDER}".encode())
        for table in config.tables:
            owner.execute(render_track(table).encode())
        dba.execute(printed().encode())
        yield owner


def superuser(cluster: Cluster) -> psycopg.Connection:
    return psycopg.connect(cluster.conninfo("empty", host=LOOPBACK), autocommit=True)


@pytest.fixture
def holder(owner: psycopg.Connection) -> Iterator[psycopg.Connection]:
    conninfo = make_conninfo(owner.info.dsn, user=HOLDER)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection


def printed(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["guard", *arguments])
    assert done.exit_code == 0
    return done.stdout


def said(owner: psycopg.Connection, config: Config) -> list[str]:
    return [f"{f.state} {f.object}" for f in find_drift(owner, config)]


def noted(owner: psycopg.Connection) -> dict[str, tuple[str, ...]]:
    return {note.what.partition(" (")[0]: note.who for note in find_notes(owner)}


def test_what_an_owner_could_do_to_get_around_is_refused(
    owner: psycopg.Connection, holder: psycopg.Connection, config: Config
) -> None:
    for statement in REFUSED:
        with pytest.raises(psycopg.Error) as refused:
            holder.execute(statement.encode())
        assert refused.value.sqlstate == "UA013", statement
        holder.rollback()
    assert said(owner, config) == []


def test_ordinary_changes_pass(
    owner: psycopg.Connection, holder: psycopg.Connection, config: Config
) -> None:
    for statement in PASSES:
        holder.execute(statement.encode())
    assert said(owner, config) == []


def test_migrations_pass_and_no_member_disables_a_trigger(
    owner: psycopg.Connection, config: Config
) -> None:
    owner.execute(render_audit_schema().encode())
    for table in config.tables:
        with owner.transaction():
            owner.execute(render_track(table).encode())
    assert said(owner, config) == []
    with pytest.raises(psycopg.Error) as refused:
        owner.execute('ALTER TABLE shop.item DISABLE TRIGGER "!audit_update"')
    assert refused.value.sqlstate == "UA013"
    owner.execute(render_untrack(config.tables[0].name).encode())
    owner.execute("DROP TABLE shop.item")


def test_a_superuser_may_and_check_sees_it(
    cluster: Cluster, owner: psycopg.Connection, config: Config
) -> None:
    with superuser(cluster) as dba:
        dba.execute('ALTER TABLE shop.item DISABLE TRIGGER "!audit_update"')
    assert said(owner, config) == ['disabled trigger "!audit_update" on shop.item']


def test_check_says_whether_the_guard_acts_and_status_whether_there_is_one(
    cluster: Cluster, owner: psycopg.Connection, config: Config
) -> None:
    assert noted(owner)["refuses to disable triggers"] == ("the guard",)
    with superuser(cluster) as dba:
        dba.execute("ALTER EVENT TRIGGER audit_guard_change DISABLE")
        dba.execute(
            "CREATE OR REPLACE FUNCTION audit_guard.refuse_drop() RETURNS event_trigger"
            " LANGUAGE plpgsql AS 'BEGIN END'"
        )
        assert said(owner, config) == [
            "disabled event trigger audit_guard_change",
            "changed function audit_guard.refuse_drop",
        ]
        dba.execute(printed().encode())
        assert said(owner, config) == []
        dba.execute(printed("--remove").encode())
    assert said(owner, config) == []
    assert noted(owner)["refuses to disable triggers"] == ("nothing",)
