"""Parts of parts that a cascade removed: their entries have lost their entity, the page has not."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from psycopg.conninfo import make_conninfo

from tests.crm import Person, new_person, say_who
from tests.page import parse
from tests.shop import AUDITOR, Connection, insert
from tests.viewer import changes, only, signed_in, viewer_over


@pytest.fixture(scope="module")
def reader(shop: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """The browser of an admin in front of the shop's log."""
    with viewer_over(
        make_conninfo(shop, user=AUDITOR), tmp_path_factory.mktemp("viewer")
    ) as viewer:
        yield signed_in(viewer)


@pytest.fixture
def kim(app: Connection) -> Person:
    """Somebody who did nothing in the shop yet, which has two lamps with pictures of variants."""
    for id_ in (1, 2):
        insert(app, "product", id=id_, name=f"Lamp {id_}")
        insert(app, "variant", id=id_, product_id=id_, size="M")
        insert(app, "picture", id=id_, variant_id=id_, url=f"{id_}.png")
    return new_person("Kim Lee")


def write(app: Connection, by: Person, *statements: str) -> None:
    with app.transaction():
        say_who(app, by)
        for statement in statements:
            app.execute(statement.encode())


def test_a_product_that_is_deleted_takes_the_pictures_of_its_variants_along(
    app: Connection, reader: FlaskClient, kim: Person
) -> None:
    write(app, kim, "DELETE FROM shop.product WHERE id = 1")

    change = only(reader, kim)
    assert (change.kind, change.name, change.became) == ("Deleted", "Lamp 1", "(deleted)")
    assert change.said == "Deleted with 1 variant, 1 picture"
    page = parse(reader.get(change.page).text)
    assert page.first(cls="said").text == change.said


def test_two_products_that_are_deleted_together_each_take_their_own_pictures_along(
    app: Connection, reader: FlaskClient, kim: Person
) -> None:
    write(app, kim, "DELETE FROM shop.product")

    found = {change.name: change.rows for change in changes(reader, by=kim.key or "")}
    assert found.keys() == {"Lamp 1", "Lamp 2"}
    for number in (1, 2):
        urls = [before for _, before, _ in found[f"Lamp {number}"] if before.endswith(".png")]
        assert urls == [f"{number}.png"]


def test_a_variant_that_is_deleted_with_its_pictures_is_an_update_of_its_product(
    app: Connection, reader: FlaskClient, kim: Person
) -> None:
    write(app, kim, "DELETE FROM shop.variant WHERE id = 1")

    change = only(reader, kim)
    assert (change.kind, change.name) == ("Updated", "Lamp 1")
    assert change.said == "1 variant removed; 1 picture removed"
    assert parse(reader.get(change.page).text).first("h1").text == "Lamp 1"


def test_a_picture_alone_is_an_update_of_the_product_of_its_variant(
    app: Connection, reader: FlaskClient, kim: Person
) -> None:
    write(app, kim, "DELETE FROM shop.picture WHERE id = 1")

    change = only(reader, kim)
    assert (change.kind, change.name) == ("Updated", "Lamp 1")
    assert change.said == "Removed picture: 1.png"


def test_rows_of_a_table_without_a_key_are_one_change_of_all_of_them(
    app: Connection, reader: FlaskClient, kim: Person
) -> None:
    write(app, kim, "INSERT INTO shop.note (body) VALUES ('a'), ('b')")

    change = only(reader, kim)
    assert (change.kind, change.where, change.name) == ("Created", "Notes", "Note")
    assert change.said == "Created with 2 notes"


def test_a_composite_key_names_its_entity(
    app: Connection, reader: FlaskClient, kim: Person
) -> None:
    write(app, kim, "INSERT INTO shop.rate (country, year, percent) VALUES ('CH', 2026, 8.1)")

    change = only(reader, kim)
    assert (change.where, change.name) == ("Taxes · Rate", "CH")
    assert ("Percent", "not there", "8.1") in change.rows
