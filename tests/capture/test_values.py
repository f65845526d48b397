"""Which changes of which columns the log keeps, and what it keeps of them."""

import re
import secrets
from typing import Any

import psycopg
import pytest

from auditviewer.demo.cluster import LOOPBACK, Cluster
from tests.shop import Connection, Log, acting_as, insert, written

NOT_JSONB = [r'{"a": "\u0000"}', r'"\ud800"', "1e400000"]
"""JSON by its grammar, which the type json keeps and jsonb can't hold."""


def update(app: Connection, column: str, value: object) -> None:
    app.execute(f"UPDATE shop.product SET {column} = %s".encode(), [value])


def marker(row: dict[str, Any], column: str) -> str:
    """Return the fingerprint that stands for a redacted value."""
    assert list(row[column]) == ["redacted"]
    fingerprint: str = row[column]["redacted"]
    return fingerprint


def test_update_of_only_ignored_columns_is_not_recorded(app: Connection, log: Log) -> None:
    insert(app, "product", updated_at="2026-01-01Z")
    update(app, "updated_at", "2026-02-02Z")

    assert [entry.operation for entry in log()] == ["INSERT"]


def test_update_of_only_excluded_columns_is_not_recorded(app: Connection, log: Log) -> None:
    insert(app, "product", search="lamp")
    app.execute("UPDATE shop.product SET search = 'light', updated_at = now()")

    assert [entry.operation for entry in log()] == ["INSERT"]


def test_ignored_columns_are_stored_beside_a_change_that_counts(app: Connection, log: Log) -> None:
    insert(app, "product", name="Lamp", updated_at="2026-01-01Z")
    app.execute("UPDATE shop.product SET name = 'Light', updated_at = '2026-02-02Z'")

    entry = log()[-1]
    assert entry.old_row["updated_at"] == "2026-01-01T00:00:00+00:00"
    assert entry.new_row["updated_at"] == "2026-02-02T00:00:00+00:00"


def test_excluded_columns_are_never_stored(app: Connection, log: Log) -> None:
    insert(app, "product", search="lamp")
    app.execute("UPDATE shop.product SET name = 'Light', search = 'light'")
    app.execute("DELETE FROM shop.product")

    rows = [row for entry in log() for row in (entry.old_row, entry.new_row) if row]
    assert len(rows) == 4
    assert all("search" not in row and "name" in row for row in rows)


def test_a_redacted_value_is_a_marker_in_both_rows(app: Connection, log: Log) -> None:
    insert(app, "product", card_number="the first secret")
    update(app, "card_number", "the second secret")

    entry = log()[-1]
    before, after = (marker(row, "card_number") for row in (entry.old_row, entry.new_row))
    assert before != after
    assert re.fullmatch("[0-9a-f]{16}", before)
    assert "secret" not in str(log())


def test_equal_redacted_values_of_a_column_have_equal_markers(app: Connection, log: Log) -> None:
    insert(app, "product", card_number="4111")
    update(app, "card_number", "5555")
    update(app, "card_number", "4111")

    inserted, _, updated = log()
    assert marker(inserted.new_row, "card_number") == marker(updated.new_row, "card_number")


def test_equal_redacted_values_of_two_columns_have_different_markers(
    app: Connection, log: Log
) -> None:
    insert(app, "product", card_number="4111", pin="4111")

    [entry] = log()
    assert marker(entry.new_row, "card_number") != marker(entry.new_row, "pin")


def test_a_redacted_null_stays_null(app: Connection, log: Log) -> None:
    insert(app, "product", card_number=None)
    update(app, "card_number", "")

    entry = log()[-1]
    assert entry.old_row["card_number"] is None
    assert marker(entry.new_row, "card_number")


@pytest.mark.parametrize(
    ("column", "before", "after"),
    [
        ("price", "1.10", "1.1"),
        ("name", "Bob", "BOB"),
        ("name", None, ""),
        ("name", "Lamp", "Lamp "),
        ("details", '{"a": 1}', '{"a": 2}'),
    ],
)
def test_the_smallest_difference_is_a_change(
    app: Connection, log: Log, column: str, before: str | None, after: str
) -> None:
    insert(app, "product", **{column: before})
    update(app, column, after)

    assert [entry.operation for entry in log()] == ["INSERT", "UPDATE"]


def test_numbers_are_stored_with_all_their_digits(owner: Connection) -> None:
    insert(owner, "product", price="12345678901234567890.10")
    with acting_as(owner, "audit_reader"):
        stored = owner.execute("SELECT new_row ->> 'price' FROM audit.entry ORDER BY id DESC")

    assert stored.fetchone() == ("12345678901234567890.10",)


def test_a_change_that_equality_does_not_see_is_one(owner: Connection) -> None:
    owner.execute(
        "CREATE EXTENSION citext; ALTER TABLE shop.variant ALTER COLUMN size TYPE public.citext"
    )
    insert(owner, "variant", size="xl")
    owner.execute("UPDATE shop.variant SET size = 'XL'")

    assert [entry.new_row["size"] for entry in written(owner)] == ["xl", "XL"]


def test_types_without_equality_are_compared_too(owner: Connection) -> None:
    owner.execute("ALTER TABLE shop.variant ADD at point, ADD form xml, ADD spec json")
    insert(owner, "variant", at="(1,2)", spec="{}")
    owner.execute("UPDATE shop.variant SET at = '(1,2)', spec = '{}'")
    owner.execute("UPDATE shop.variant SET at = '(1,3)'")
    owner.execute("UPDATE shop.variant SET spec = '[]'")

    changed = [(entry.new_row["at"], entry.new_row["spec"]) for entry in written(owner)[1:]]
    assert changed == [("(1,3)", {}), ("(1,3)", [])]


def test_a_stored_generated_column_is_captured(app: Connection, log: Log) -> None:
    insert(app, "product", price=4)
    update(app, "price", 5)

    entry = log()[-1]
    assert (entry.old_row["gross"], entry.new_row["gross"]) == (8, 10)


def test_a_composite_key_is_kept_whole(app: Connection, log: Log) -> None:
    app.execute("INSERT INTO shop.rate (country, year) VALUES ('DE', 2026)")

    [entry] = log()
    assert entry.row_key == {"country": "DE", "year": 2026}
    assert entry.entity_id == '["DE", 2026]'


def test_a_table_without_a_key_is_captured_without_one(app: Connection, log: Log) -> None:
    app.execute("INSERT INTO shop.note (body) VALUES ('a'), ('a')")
    app.execute("UPDATE shop.note SET body = 'b'")

    assert {(entry.row_key, entry.entity_id) for entry in log()} == {(None, None)}
    assert [entry.operation for entry in log()] == ["INSERT"] * 2 + ["UPDATE"] * 2


def test_a_changed_key_is_the_new_one_and_the_former_is_in_the_old_row(
    app: Connection, log: Log
) -> None:
    insert(app, "product", id=1)
    app.execute("UPDATE shop.product SET id = 2")

    entry = log()[-1]
    assert (entry.row_key, entry.entity_id) == ({"id": 2}, "2")
    assert entry.old_row["id"] == 1


def test_a_key_longer_than_an_index_takes_is_captured(app: Connection, log: Log) -> None:
    country = secrets.token_hex(1_340)
    app.execute("INSERT INTO shop.rate (country, year) VALUES (%s, 2026)", [country])

    [entry] = log()
    assert entry.row_key["country"] == country
    assert entry.entity_label == country[:256]


@pytest.mark.parametrize("details", NOT_JSONB)
def test_json_that_jsonb_can_not_hold_is_kept_as_text(
    app: Connection, log: Log, details: str
) -> None:
    insert(app, "product", name="Lamp", price=1, details=details)
    update(app, "price", 2)
    app.execute("DELETE FROM shop.product")

    inserted, updated, deleted = log()
    assert inserted.new_row["details"] == updated.old_row["details"] == details
    assert updated.new_row["details"] == deleted.old_row["details"] == details
    assert (updated.old_row["price"], updated.new_row["price"]) == (1, 2)


@pytest.mark.parametrize("details", NOT_JSONB)
def test_policies_hold_for_a_row_that_jsonb_can_not_hold(
    app: Connection, log: Log, details: str
) -> None:
    insert(app, "product", details=details, card_number="4111", search="lamp")
    update(app, "updated_at", "2026-02-02Z")
    update(app, "search", "light")

    [entry] = log()
    assert marker(entry.new_row, "card_number")
    assert "search" not in entry.new_row


def test_a_value_beyond_a_limit_of_the_server_is_kept_as_text(
    cluster: Cluster, app: Connection, log: Log
) -> None:
    details = "[" * 800 + "]" * 800
    insert(app, "product", name="Lamp", details=details)
    with psycopg.connect(cluster.conninfo("shop", host=LOOPBACK)) as superuser:
        superuser.execute("SET max_stack_depth = '100kB'")
        superuser.execute("UPDATE shop.product SET name = 'Light'")

    entry = log()[-1]
    assert (entry.new_row["name"], entry.new_row["details"]) == ("Light", details)
