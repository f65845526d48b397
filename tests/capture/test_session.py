"""What a session sets for itself changes nothing about what the log stores of its writes."""

from typing import Any

import psycopg
import pytest

from tests.shop import Connection, Log, insert

HOSTILE = {
    "TimeZone": "America/New_York",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "extra_float_digits": "-15",
    "bytea_output": "escape",
    "search_path": "pg_temp, shop, audit",
    "row_security": "off",
    "standard_conforming_strings": "off",
    "quote_all_identifiers": "on",
    "transform_null_equals": "on",
    "escape_string_warning": "off",
    "xmlbinary": "hex",
    "xmloption": "document",
    "array_nulls": "off",
    "backslash_quote": "off",
    "work_mem": "64kB",
    "enable_partition_pruning": "off",
    "default_text_search_config": "pg_catalog.simple",
    "default_toast_compression": "pglz",
    "default_tablespace": "",
    "synchronous_commit": "off",
    "plan_cache_mode": "force_generic_plan",
    "default_transaction_isolation": "serializable",
    "client_encoding": "LATIN1",
}
# The same settings by other values, of which each session has one at a time.
MORE = [
    ("TimeZone", "<+05>-5:30"),
    ("DateStyle", "German"),
    ("DateStyle", "Postgres, MDY"),
    ("IntervalStyle", "iso_8601"),
    ("extra_float_digits", "3"),
    ("search_path", ""),
    ("search_path", "pg_catalog"),
    ("plan_cache_mode", "force_custom_plan"),
    ("client_encoding", "SQL_ASCII"),
    ("default_transaction_isolation", "repeatable read"),
]
READING = {
    "at": "2026-03-29 12:00:00+00",
    "day": "2026-03-04",
    "took": "1 day 02:03:04",
    "ratio": 1.50000012345,
    "small": 1.1,
    "raw": b"\xff'\\",
    "times": ["2026-03-29 12:00:00+00"],
}
STORED = {
    "id": 1,
    "at": "2026-03-29T12:00:00+00:00",
    "day": "2026-03-04",
    "took": "1 day 02:03:04",
    "ratio": 1.50000012345,
    "small": 1.1,
    "raw": "\\xff275c",
    "times": ["2026-03-29T12:00:00+00:00"],
}


def be_hostile(app: Connection) -> None:
    for setting, value in HOSTILE.items():
        app.execute("SELECT set_config(%s, %s, false)", [setting, value])


@pytest.mark.parametrize(("setting", "value"), [*HOSTILE.items(), *MORE])
def test_a_row_is_stored_the_same_under_any_setting(
    app: Connection, log: Log, setting: str, value: str
) -> None:
    app.execute("SELECT set_config(%s, %s, false)", [setting, value])
    insert(app, "reading", **READING)
    app.execute("DELETE FROM shop.reading")

    inserted, deleted = log()
    assert inserted.new_row == deleted.old_row == STORED


def test_a_row_is_stored_the_same_under_all_of_them(app: Connection, log: Log) -> None:
    be_hostile(app)
    insert(app, "reading", **READING)
    app.execute("DELETE FROM shop.reading")

    inserted, deleted = log()
    assert inserted.new_row == deleted.old_row == STORED


def test_a_row_that_jsonb_can_not_hold_is_stored_the_same(app: Connection, log: Log) -> None:
    values: dict[str, Any] = {"details": r'"\u0000"', "updated_at": "2026-03-29 12:00:00+00"}
    be_hostile(app)
    insert(app, "product", **values)

    [entry] = log()
    assert entry.new_row["details"] == r'"\u0000"'
    assert entry.new_row["updated_at"] == "2026-03-29T12:00:00+00:00"


def test_a_redacted_value_has_the_same_marker_under_any_setting(app: Connection, log: Log) -> None:
    insert(app, "product", card_number="Größe")
    be_hostile(app)
    app.execute("UPDATE shop.product SET name = 'Lamp'")

    before, after = log()
    assert before.new_row["card_number"] == after.new_row["card_number"]


def test_a_difference_too_small_for_the_session_to_see_is_captured(
    app: Connection, log: Log
) -> None:
    insert(app, "reading", ratio=1.5)
    be_hostile(app)
    app.execute("UPDATE shop.reading SET ratio = 1.5000001")

    entry = log()[-1]
    assert (entry.old_row["ratio"], entry.new_row["ratio"]) == (1.5, 1.5000001)


def test_names_are_looked_up_the_same_under_any_setting(app: Connection, log: Log) -> None:
    be_hostile(app)
    insert(app, "product", name="Lamp", seller_id=1)
    insert(app, "variant", product_id=1)
    insert(app, "picture", variant_id=1)

    assert [entry.entity_label for entry in log()] == ["Lamp"] * 3
    assert log()[0].labels == {"seller_id": {"1": "Ana Diaz"}}


def test_who_acts_is_bound_the_same_under_any_setting(app: Connection, log: Log) -> None:
    be_hostile(app)
    with app.transaction():
        app.execute("SELECT audit.set_context('7')")
        be_hostile(app)
        insert(app, "variant")

    [entry] = log()
    assert (entry.actor, entry.actor_bound) == ("7", True)


def test_a_truncate_is_captured_under_any_setting(app: Connection, log: Log) -> None:
    be_hostile(app)
    app.execute("TRUNCATE shop.note")

    assert [entry.operation for entry in log()] == ["TRUNCATE"]


def test_a_lock_on_what_names_are_read_from_costs_the_names_and_not_the_write(
    shop: str, app: Connection, log: Log
) -> None:
    insert(app, "product", name="Lamp", seller_id=1)
    app.execute("SET lock_timeout = '10ms'")
    with psycopg.connect(shop) as migration:
        migration.execute("LOCK TABLE shop.seller IN ACCESS EXCLUSIVE MODE")
        app.execute("UPDATE shop.product SET name = 'Lantern'")

    named, nameless = log()
    assert (named.labels, nameless.labels) == ({"seller_id": {"1": "Ana Diaz"}}, None)
    assert nameless.new_row["name"] == "Lantern"
