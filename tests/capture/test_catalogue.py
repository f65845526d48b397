"""A tracked table that is changed, or loses what its capture looks up, is still written to."""

import pytest

from tests.shop import APP, Connection, acting_as, insert, written

CHANGES = {
    "the label is dropped": "ALTER TABLE shop.product DROP COLUMN name",
    "the label is renamed": "ALTER TABLE shop.product RENAME COLUMN name TO title",
    "the key is renamed": "ALTER TABLE shop.product RENAME COLUMN id TO number",
    "the reference is dropped": "ALTER TABLE shop.product DROP COLUMN seller_id",
    "the reference is renamed": "ALTER TABLE shop.product RENAME COLUMN seller_id TO sold_by",
    "the reference is retyped": """
        ALTER TABLE shop.product DROP CONSTRAINT product_seller_id_fkey;
        ALTER TABLE shop.product ALTER COLUMN seller_id TYPE text""",
    "columns with policies are dropped": """
        ALTER TABLE shop.product DROP COLUMN updated_at, DROP COLUMN search, DROP COLUMN pin""",
    "columns with policies are renamed": """
        ALTER TABLE shop.product RENAME COLUMN updated_at TO saved_at;
        ALTER TABLE shop.product RENAME COLUMN search TO words""",
    "a column is added": "ALTER TABLE shop.product ADD COLUMN colour text DEFAULT 'red'",
    "every column is retyped": """
        ALTER TABLE shop.product ALTER COLUMN name TYPE varchar(20);
        ALTER TABLE shop.variant ALTER COLUMN size TYPE varchar(20);
        ALTER TABLE shop.picture ALTER COLUMN url TYPE varchar(20)""",
    "the referenced table is dropped": "DROP TABLE shop.seller CASCADE",
    "the referenced table is renamed": "ALTER TABLE shop.seller RENAME TO person",
    "the referenced table moves": """
        CREATE SCHEMA staff; ALTER TABLE shop.seller SET SCHEMA staff""",
    "the referenced label is dropped": "ALTER TABLE shop.seller DROP COLUMN full_name",
    "the referenced label is retyped": """
        ALTER TABLE shop.seller ALTER COLUMN full_name TYPE json USING to_json(full_name)""",
    "the referenced table hides its rows": "ALTER TABLE shop.seller ENABLE ROW LEVEL SECURITY",
    "the referenced table's policy raises an error": """
        ALTER TABLE shop.seller ENABLE ROW LEVEL SECURITY;
        CREATE POLICY tenant ON shop.seller USING (id = 'no number'::text::int)""",
    "the way to the parent is dropped": "ALTER TABLE shop.variant DROP COLUMN product_id",
    "the way to the parent is renamed": """
        ALTER TABLE shop.variant RENAME COLUMN product_id TO product""",
    "the parent hides its rows": """
        ALTER TABLE shop.variant ENABLE ROW LEVEL SECURITY;
        CREATE POLICY all_rows ON shop.variant TO shop_app USING (true)""",
    "the writer may no longer read": """
        REVOKE ALL ON shop.seller, shop.product, shop.variant FROM audit_writer""",
    "the writer may no longer look there": "REVOKE ALL ON SCHEMA shop FROM audit_writer",
}


def write_everywhere(owner: Connection) -> None:
    """Write each member of a family in a way that no change above keeps from working."""
    with acting_as(owner, APP):
        owner.execute("UPDATE shop.product SET price = price + 1")
        owner.execute("UPDATE shop.variant SET size = size || '!'")
        owner.execute("UPDATE shop.picture SET url = url || '!'")


@pytest.fixture
def family(owner: Connection) -> Connection:
    """The owner, whose session has plans for a product, a variant and a picture already."""
    insert(owner, "product", name="Lamp", price=1, seller_id=1, search="lamp")
    insert(owner, "variant", product_id=1, size="M")
    insert(owner, "picture", variant_id=1, url="lamp.png")
    write_everywhere(owner)
    return owner


@pytest.mark.parametrize("change", CHANGES)
def test_a_write_is_captured_after(family: Connection, change: str) -> None:
    family.execute(CHANGES[change].encode())
    write_everywhere(family)

    product, variant, picture = written(family)[-3:]
    assert (product.table_name, product.new_row["price"]) == ("product", 3)
    assert (variant.table_name, variant.new_row["size"]) == ("variant", "M!!")
    assert (picture.table_name, picture.new_row["url"]) == ("picture", "lamp.png!!")


def test_a_renamed_table_is_captured_under_the_name_that_it_was_tracked_by(
    family: Connection,
) -> None:
    family.execute("ALTER TABLE shop.product RENAME TO article")
    family.execute("ALTER SCHEMA shop RENAME TO market")
    family.execute("UPDATE market.article SET price = 9")

    entry = written(family)[-1]
    assert (entry.table_schema, entry.table_name) == ("shop", "product")
    assert (entry.row_key, entry.entity_id, entry.entity_label) == ({"id": 1}, "1", "Lamp")


def test_what_is_still_there_is_looked_up_though_something_else_is_gone(
    family: Connection,
) -> None:
    family.execute("DROP TABLE shop.seller CASCADE")
    write_everywhere(family)

    places = [(entry.entity_id, entry.entity_label) for entry in written(family)[-3:]]
    assert places == [("1", "Lamp")] * 3


def test_an_added_column_is_captured_at_once(family: Connection) -> None:
    family.execute("ALTER TABLE shop.variant ADD COLUMN colour text DEFAULT 'red'")
    family.execute("UPDATE shop.variant SET colour = 'blue'")

    entry = written(family)[-1]
    assert (entry.old_row["colour"], entry.new_row["colour"]) == ("red", "blue")


def test_a_row_that_jsonb_can_not_hold_is_captured_after_a_column_was_dropped(
    family: Connection,
) -> None:
    family.execute(r"""UPDATE shop.product SET details = '"\u0000"'""")
    family.execute("ALTER TABLE shop.product DROP COLUMN updated_at")
    family.execute("UPDATE shop.product SET price = 9")

    entry = written(family)[-1]
    assert entry.new_row["details"] == r'"\u0000"'
    assert (entry.old_row["price"], entry.new_row["price"]) == (2, 9)
    assert "updated_at" not in entry.new_row


def test_entries_stay_when_their_table_is_dropped(family: Connection) -> None:
    before = written(family)
    family.execute("DROP TABLE shop.product CASCADE")

    assert written(family) == before


def test_an_update_of_nothing_is_none_though_an_ignored_column_was_renamed(
    family: Connection,
) -> None:
    family.execute("ALTER TABLE shop.product RENAME COLUMN updated_at TO saved_at")
    before = len(written(family))
    with acting_as(family, APP):
        family.execute("UPDATE shop.product SET price = price")

    assert len(written(family)) == before
