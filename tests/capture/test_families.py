"""The entity that a row belongs to, and the names that it and its references had at the time."""

from typing import Any

import pytest

from tests.shop import Connection, Log, insert


@pytest.fixture
def lamp(app: Connection) -> Connection:
    """The application, with a product, a variant of it and a picture of that."""
    insert(app, "product", id=7, name="Lamp", seller_id=1)
    insert(app, "variant", id=70, product_id=7, size="M")
    insert(app, "picture", id=700, variant_id=70, url="lamp.png")
    return app


def place(entry: Any) -> tuple[str, str, str, str]:
    return entry.module, entry.entity, entry.entity_id, entry.entity_label


def test_a_child_belongs_to_its_parents_entity(lamp: Connection, log: Log) -> None:
    lamp.execute("UPDATE shop.variant SET size = 'L'")

    [entry] = log()
    assert place(entry) == ("Products", "Product", "7", "Lamp")
    assert (entry.table_name, entry.part, entry.row_key) == ("variant", "Variant", {"id": 70})


def test_a_grandchild_belongs_to_the_root_s_entity(lamp: Connection, log: Log) -> None:
    lamp.execute("UPDATE shop.picture SET url = 'light.png'")

    [entry] = log()
    assert place(entry) == ("Products", "Product", "7", "Lamp")
    assert (entry.table_name, entry.part, entry.row_key) == ("picture", "Picture", {"id": 700})


def test_parts_of_a_composite_entity_name_it_alike(app: Connection, log: Log) -> None:
    app.execute("INSERT INTO shop.rate (country, year) VALUES ('DE', 2026)")
    insert(app, "exemption", country="DE", year=2026)
    insert(app, "proof", exemption_id=1)

    assert [entry.part for entry in log()] == [None, "Exemption", "Proof"]
    assert {place(entry) for entry in log()} == {("Taxes", "Rate", '["DE", 2026]', "DE")}


def test_an_orphan_belongs_to_nothing_and_is_captured(app: Connection, log: Log) -> None:
    insert(app, "variant", product_id=None)
    insert(app, "picture", variant_id=None)

    assert [(e.table_name, e.entity_id, e.entity_label) for e in log()] == [
        ("variant", None, None),
        ("picture", None, None),
    ]


def test_a_child_that_moves_belongs_to_its_new_parent(lamp: Connection, log: Log) -> None:
    insert(lamp, "product", id=8, name="Chair")
    lamp.execute("UPDATE shop.variant SET product_id = 8")

    entry = log()[-1]
    assert (entry.entity_id, entry.entity_label) == ("8", "Chair")
    assert entry.former_entity_id == "7"
    assert entry.old_row["product_id"] == 7


def test_a_child_that_is_taken_out_belongs_to_the_parent_that_it_had(
    lamp: Connection, log: Log
) -> None:
    lamp.execute("UPDATE shop.variant SET product_id = NULL")

    entry = log()[-1]
    assert (entry.entity_id, entry.entity_label) == ("7", "Lamp")


def test_a_child_deleted_alone_still_knows_its_entity(lamp: Connection, log: Log) -> None:
    lamp.execute("DELETE FROM shop.picture")
    lamp.execute("DELETE FROM shop.variant")

    assert [(entry.entity_id, entry.entity_label) for entry in log()] == [("7", "Lamp")] * 2


def test_a_cascade_is_captured_from_the_entity_downwards(lamp: Connection, log: Log) -> None:
    lamp.execute("DELETE FROM shop.product")

    deleted = [(e.operation, e.table_name, e.entity_id, e.entity_label) for e in log()]
    # What the labels and the picture's way to its product are read from is gone by then.
    assert deleted == [
        ("DELETE", "product", "7", "Lamp"),
        ("DELETE", "variant", "7", None),
        ("DELETE", "picture", None, None),
    ]


def test_a_changed_key_is_captured_where_it_cascades_to(lamp: Connection, log: Log) -> None:
    lamp.execute("UPDATE shop.product SET id = 9")

    product, variant = log()
    assert (product.table_name, product.entity_id) == ("product", "9")
    assert (variant.table_name, variant.entity_id, variant.entity_label) == ("variant", "9", "Lamp")
    assert variant.old_row["product_id"] == 7


def test_a_key_set_to_null_by_a_delete_elsewhere_is_captured(lamp: Connection, log: Log) -> None:
    lamp.execute("DELETE FROM shop.seller WHERE id = 1")

    [entry] = log()
    assert (entry.operation, entry.table_name) == ("UPDATE", "product")
    assert (entry.old_row["seller_id"], entry.new_row["seller_id"]) == (1, None)


def test_an_entity_is_named_as_it_was_after_the_write(lamp: Connection, log: Log) -> None:
    lamp.execute("UPDATE shop.product SET name = 'Light'")
    lamp.execute("UPDATE shop.variant SET size = 'L'")
    lamp.execute("DELETE FROM shop.product")

    assert [entry.entity_label for entry in log()[:3]] == ["Light"] * 3


def test_a_rename_leaves_the_names_in_old_entries(lamp: Connection, log: Log) -> None:
    lamp.execute("UPDATE shop.variant SET size = 'L'")
    before = log()
    lamp.execute("UPDATE shop.product SET name = 'Light'")
    lamp.execute("UPDATE shop.seller SET full_name = 'Ana Reyes'")

    assert log()[: len(before)] == before


def test_a_long_name_is_cut(app: Connection, log: Log) -> None:
    app.execute("UPDATE shop.seller SET full_name = repeat('é', 300)")
    insert(app, "product", name="ä" * 300, seller_id=1)
    insert(app, "variant", product_id=1)

    product, variant = log()
    assert product.entity_label == variant.entity_label == "ä" * 256
    assert product.labels == {"seller_id": {"1": "é" * 256}}


def test_a_reference_is_stored_with_its_name(app: Connection, log: Log) -> None:
    insert(app, "product", seller_id=1)

    [entry] = log()
    assert entry.labels == {"seller_id": {"1": "Ana Diaz"}}


def test_a_changed_reference_is_stored_with_both_names(lamp: Connection, log: Log) -> None:
    lamp.execute("UPDATE shop.product SET seller_id = 2")

    [entry] = log()
    assert entry.labels == {"seller_id": {"1": "Ana Diaz", "2": "Jonas Berg"}}


def test_a_reference_is_named_on_delete(lamp: Connection, log: Log) -> None:
    lamp.execute("DELETE FROM shop.product")

    assert log()[0].labels == {"seller_id": {"1": "Ana Diaz"}}


def test_a_reference_has_the_name_of_that_time(lamp: Connection, log: Log) -> None:
    lamp.execute("UPDATE shop.seller SET full_name = 'Ana Reyes' WHERE id = 1")
    lamp.execute("UPDATE shop.product SET price = 5")

    [entry] = log()
    assert entry.labels == {"seller_id": {"1": "Ana Reyes"}}


def test_a_reference_to_nothing_has_no_name(app: Connection, log: Log) -> None:
    insert(app, "product", seller_id=None)

    [entry] = log()
    assert (entry.labels, entry.new_row["seller_id"]) == (None, None)


def test_a_reference_to_something_nameless_is_captured(app: Connection, log: Log) -> None:
    app.execute("UPDATE shop.seller SET full_name = NULL")
    insert(app, "product", seller_id=2)

    [entry] = log()
    assert entry.new_row["seller_id"] == 2
