"""An application that puts its own tables, types and functions in the way of capture."""

import pytest

from tests.shop import APP, Connection, Log, acting_as, insert, written

TEMPORARY = [
    "CREATE TEMP TABLE entry (LIKE shop.note)",
    "CREATE TEMP TABLE product (id int)",
    "CREATE TEMP TABLE seller (id int PRIMARY KEY, full_name text)",
    "CREATE TEMP TABLE jsonb (v text)",
    "CREATE TEMP TABLE tracked_table (LIKE shop.note)",
    "CREATE TEMP TABLE fingerprint_key (is_only boolean, secret text)",
    "CREATE TEMP SEQUENCE entry_id_seq",
    "CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (VALUE = 'never')",
    "CREATE DOMAIN pg_temp.jsonb AS pg_catalog.jsonb CHECK (VALUE IS NULL)",
    "CREATE FUNCTION pg_temp.to_jsonb(anyelement) RETURNS pg_catalog.jsonb LANGUAGE sql"
    " AS $$ SELECT '{}'::pg_catalog.jsonb $$",
]
FUNCTIONS = """
CREATE FUNCTION shop.to_jsonb(shop.product) RETURNS jsonb LANGUAGE sql
    AS $$ SELECT '{"name": "forged"}'::jsonb $$;
CREATE FUNCTION shop.to_jsonb(anyelement) RETURNS jsonb LANGUAGE sql
    AS $$ SELECT '{"name": "forged"}'::jsonb $$;
CREATE FUNCTION shop.nextval(text) RETURNS bigint LANGUAGE sql AS $$ SELECT 1::bigint $$;
CREATE FUNCTION shop.clock_timestamp() RETURNS timestamptz LANGUAGE sql
    AS $$ SELECT '2026-01-01Z'::timestamptz $$;
CREATE FUNCTION shop.current_setting(text, boolean) RETURNS text LANGUAGE sql
    AS $$ SELECT 'forged' $$;
CREATE FUNCTION shop.never(shop.product, shop.product) RETURNS boolean LANGUAGE sql
    AS $$ SELECT false $$;
CREATE OPERATOR shop.*<> (LEFTARG = shop.product, RIGHTARG = shop.product, FUNCTION = shop.never);
"""


@pytest.mark.parametrize("statement", TEMPORARY)
def test_nothing_temporary_diverts_an_entry(app: Connection, log: Log, statement: str) -> None:
    app.execute("SET search_path = pg_temp, shop, audit")
    app.execute(statement.encode())
    insert(app, "product", name="Lamp", seller_id=1, card_number="4111")
    app.execute("UPDATE shop.product SET name = 'Light'")
    app.execute("TRUNCATE shop.note")

    inserted, updated, _ = log()
    assert inserted.labels == {"seller_id": {"1": "Ana Diaz"}}
    assert (updated.old_row["name"], updated.new_row["name"]) == ("Lamp", "Light")
    assert updated.old_row["card_number"] == inserted.new_row["card_number"]


def test_no_function_or_operator_of_a_caller_is_called(owner: Connection) -> None:
    owner.execute(FUNCTIONS.encode())
    owner.execute("SET LOCAL search_path = shop, pg_catalog")
    with acting_as(owner, APP):
        insert(owner, "product", name="Lamp")
        owner.execute("UPDATE shop.product SET name = 'Light'")

    inserted, updated = written(owner)
    assert inserted.new_row["name"] == updated.old_row["name"] == "Lamp"
    assert updated.new_row["name"] == "Light"
    assert (updated.actor, updated.transaction_at < updated.occurred_at) == (None, True)


def test_a_row_that_jsonb_can_not_hold_is_not_diverted_either(app: Connection, log: Log) -> None:
    app.execute("SET search_path = pg_temp, shop, audit")
    for statement in TEMPORARY[-3:]:
        app.execute(statement.encode())
    insert(app, "product", name="Lamp", details=r'"\u0000"', search="lamp")

    [entry] = log()
    assert (entry.new_row["name"], entry.new_row["details"]) == ("Lamp", r'"\u0000"')
    assert "search" not in entry.new_row
