"""Writes through views and rules: what is captured is what they do to tables."""

from tests.shop import APP, Connection, written
from tests.tracking import operations, write

INSTEAD = f"""
CREATE VIEW shop.offer AS
    SELECT p.id, p.name, v.size
    FROM shop.product AS p JOIN shop.variant AS v ON v.product_id = p.id;
CREATE FUNCTION shop.save_offer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM shop.product WHERE id = OLD.id;
        RETURN OLD;
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE shop.product SET name = NEW.name WHERE id = OLD.id;
        UPDATE shop.variant SET size = NEW.size WHERE product_id = OLD.id;
    ELSE
        INSERT INTO shop.product (id, name) VALUES (NEW.id, NEW.name);
        INSERT INTO shop.variant (id, product_id, size) VALUES (NEW.id, NEW.id, NEW.size);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER save INSTEAD OF INSERT OR UPDATE OR DELETE ON shop.offer
    FOR EACH ROW EXECUTE FUNCTION shop.save_offer();
GRANT ALL ON shop.offer TO {APP};
"""


def test_a_write_through_a_view_is_seen(owner: Connection) -> None:
    owner.execute("CREATE VIEW shop.big AS SELECT * FROM shop.variant WHERE size = 'XL'")
    owner.execute("INSERT INTO shop.big (id, size) VALUES (1, 'XL')")

    assert operations(written(owner)) == [("INSERT", "variant")]


def test_what_a_view_s_trigger_writes_instead_is_seen(owner: Connection) -> None:
    owner.execute(INSTEAD.encode())
    write(
        owner,
        "INSERT INTO shop.offer VALUES (1, 'Lamp', 'M')",
        "UPDATE shop.offer SET size = 'L'",
        "DELETE FROM shop.offer",
    )

    assert operations(written(owner)) == [
        ("INSERT", "product"),
        ("INSERT", "variant"),
        ("UPDATE", "variant"),
        ("DELETE", "product"),
        ("DELETE", "variant"),
    ]


def test_an_upsert_through_a_view_with_a_check_is_seen(owner: Connection) -> None:
    owner.execute(
        f"""
        CREATE VIEW shop.big AS SELECT id, size FROM shop.variant WHERE size = 'XL'
            WITH CASCADED CHECK OPTION;
        GRANT ALL ON shop.big TO {APP};
        """.encode()
    )
    upsert = "INSERT INTO shop.big VALUES (1, 'XL') ON CONFLICT (id) DO UPDATE SET id = 2"
    write(owner, upsert, upsert, "DELETE FROM shop.big")

    left = [(entry.operation, entry.row_key["id"]) for entry in written(owner)]
    assert left == [("INSERT", 1), ("UPDATE", 2), ("DELETE", 2)]


def test_a_write_to_which_a_rule_adds_another_is_seen_with_it(owner: Connection) -> None:
    owner.execute(
        b"""
        CREATE RULE remember AS ON INSERT TO shop.variant
            DO ALSO INSERT INTO shop.note VALUES (NEW.size)
        """
    )
    write(owner, "INSERT INTO shop.variant (id, size) VALUES (1, 'M')")

    assert sorted(operations(written(owner))) == [("INSERT", "note"), ("INSERT", "variant")]


def test_a_write_that_a_rule_replaces_leaves_what_is_done_instead(owner: Connection) -> None:
    owner.execute(
        b"""
        CREATE RULE keep AS ON DELETE TO shop.variant
            DO INSTEAD UPDATE shop.variant SET size = 'none' WHERE id = OLD.id
        """
    )
    write(owner, "INSERT INTO shop.variant (id) VALUES (1)", "DELETE FROM shop.variant")

    left = [(entry.operation, entry.new_row["size"]) for entry in written(owner)]
    assert left == [("INSERT", None), ("UPDATE", "none")]


def test_rows_that_are_copied_into_a_view_are_seen(owner: Connection) -> None:
    owner.execute(INSTEAD.encode())
    with owner.cursor() as cursor, cursor.copy("COPY shop.offer FROM STDIN") as copy:
        copy.write_row((1, "Lamp", "M"))
        copy.write_row((2, "Chair", "L"))

    added = [("INSERT", "product"), ("INSERT", "variant")]
    assert operations(written(owner)) == added * 2
