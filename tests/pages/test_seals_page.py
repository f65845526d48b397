"""What the pages say of the seals: of the chain, of its verification, and of each change."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg.conninfo import make_conninfo

from tests.crm import APP, VIEWER, create_role
from tests.maintenance import Upkeep
from tests.page import Element, links_named, parse, read_facts, read_list
from tests.viewer import signed_in, viewer_over

ADD = "INSERT INTO crm.territory (name) VALUES (%s)"
SEAL = "SELECT number FROM audit.seal_entries()"
VERIFIED = """
    INSERT INTO audit.verification (up_to, head, entries, anchors, findings)
    SELECT number, head, 2, %s, %s FROM audit.seal ORDER BY number DESC LIMIT 1
"""
DROP = "SELECT audit._seal_drop(%s::timestamptz, '2026-08-25 00:00+00', 12345, 90, 0)"
RESTORE = "SELECT audit.acknowledge_restore('The disk of the <old> server broke')"


@pytest.fixture
def log(upkeep: Upkeep) -> Upkeep:
    """A log with one change in it, which is not sealed yet."""
    with psycopg.connect(upkeep.conninfo) as superuser:
        create_role(superuser, APP, "crm_app")
        create_role(superuser, VIEWER, "audit_reader")
    upkeep.as_owner(ADD, "North", role=APP)
    return upkeep


@pytest.fixture
def reader(log: Upkeep, tmp_path: Path) -> Iterator[FlaskClient]:
    with viewer_over(make_conninfo(log.conninfo, user=VIEWER), tmp_path) as app:
        yield signed_in(app)


def seals(reader: FlaskClient, **asked: str) -> Element:
    answer = reader.get("/seals", query_string=asked)
    assert answer.status_code == 200, answer.text
    return parse(answer.text)


def chain(page: Element) -> list[tuple[str, str]]:
    """Return the number of each seal that is listed, and what it is about."""
    rows = [list(row.all()) for row in page.first("table", "chain").all("tr")][1:]
    cells = [[cell.text for cell in row if cell.tag in ("th", "td")] for row in rows]
    return [(row[0], row[2]) for row in cells]


def sealed(reader: FlaskClient) -> str:
    """Return what the page of the newest change says of its seal."""
    newest, *_ = read_list(reader.get("/").text)
    return read_facts(reader.get(newest.page).text)["Sealed"]


def facts(reader: FlaskClient) -> dict[str, str]:
    return read_facts(reader.get("/seals").text)


def fault(reader: FlaskClient) -> str:
    return parse(reader.get("/").text).first(cls="fault").text


def verify(log: Upkeep, *ids: int, anchors: int | None = None) -> None:
    """Write down a verification that found so many entries changed."""
    found = [{"object": f"entry {id_}", "what": "was changed", "id": id_} for id_ in ids]
    log.as_owner(VERIFIED, anchors, json.dumps(found))


def newest_id(log: Upkeep) -> int:
    [row] = log.as_owner("SELECT max(id) AS id FROM audit.entry")
    return int(row.id)


def test_a_change_says_that_it_is_sealed_and_verified(log: Upkeep, reader: FlaskClient) -> None:
    assert sealed(reader).startswith("Not yet")
    log.as_owner(SEAL)
    assert "in seal 1; not verified since" in sealed(reader)
    verify(log)
    assert "in seal 1; verified on " in sealed(reader)
    assert fault(reader) == ""


def test_a_change_that_was_changed_since_says_so_and_another_that_it_was_not_that(
    log: Upkeep, reader: FlaskClient
) -> None:
    log.as_owner(SEAL)
    verify(log, newest_id(log))
    assert sealed(reader).endswith("found it changed since")
    log.as_owner(ADD, "South", role=APP)
    log.as_owner(SEAL)
    verify(log, newest_id(log) - 1)
    assert sealed(reader).endswith("found the log changed elsewhere")
    page = parse(reader.get("/").text)
    said, [link] = page.first(cls="fault").text, links_named(page, "Seals")
    assert said.startswith("The log is not what was sealed: 1 finding by the verification")
    assert parse(reader.get(link).text).first(cls="fault").text == said.removesuffix(" Seals")


def test_what_came_after_a_verification_is_not_verified(log: Upkeep, reader: FlaskClient) -> None:
    log.as_owner(SEAL)
    verify(log)
    log.as_owner(ADD, "South", role=APP)
    log.as_owner(SEAL)
    assert "in seal 2; not verified since" in sealed(reader)


def test_the_page_says_how_far_the_chain_goes(log: Upkeep, reader: FlaskClient) -> None:
    assert facts(reader)["Not sealed yet"].startswith("1 entry, the oldest of ")
    assert chain(seals(reader)) == []
    log.as_owner(SEAL)
    verify(log, anchors=3)

    found = facts(reader)
    assert found["Last seal"].startswith("1, on ")
    assert (found["Not sealed yet"], found["Compared with anchors"]) == ("Nothing", "3")
    assert len(found["Its head"]) == 64
    assert chain(seals(reader)) == [("1", "1 entry")]


def test_without_anchors_the_page_says_what_cannot_be_excluded(
    log: Upkeep, reader: FlaskClient
) -> None:
    log.as_owner(SEAL)
    verify(log)
    assert "nobody can exclude" in seals(reader).text
    verify(log, anchors=1)
    assert "nobody can exclude" not in seals(reader).text


def test_drops_and_restores_say_what_they_are(log: Upkeep, reader: FlaskClient) -> None:
    log.as_owner(SEAL)
    log.as_owner(DROP, "2026-08-24 00:00+00")
    log.as_owner(RESTORE)

    restore, drop, _ = (what for _, what in chain(seals(reader)))
    assert restore.startswith("Went on in another database: “The disk of the <old> server broke”.")
    assert drop == "Dropped 2026-08-24 with 12,345 entries, by the retention of 90 days"


def test_findings_are_listed_in_words(log: Upkeep, reader: FlaskClient) -> None:
    log.as_owner(SEAL)
    verify(log, *range(1, 103))

    found = seals(reader).first("ul", "found")
    assert [item.text for item in found.all("li")][:1] == ["entry 1 – was changed"]
    assert "And 2 more." in seals(reader).text


def test_a_long_chain_is_paged(log: Upkeep, reader: FlaskClient) -> None:
    log.as_owner(
        f"{DROP.replace('SELECT ', 'SELECT count(')}) FROM generate_series(1, 51)", "2026-08-24"
    )

    first = seals(reader)
    [older] = links_named(first, "Older seals")
    assert [number for number, _ in chain(first)] == [str(number) for number in range(51, 1, -1)]
    assert chain(parse(reader.get(older).text))[0][0] == "1"


@pytest.mark.parametrize("before", ["-1", "0", "x", "9" * 30])
def test_no_address_breaks_the_page(reader: FlaskClient, before: str) -> None:
    seals(reader, before=before)


def test_the_list_says_that_entries_wait_too_long_for_their_seal(
    log: Upkeep, reader: FlaskClient
) -> None:
    log.as_owner(SEAL)
    assert fault(reader) == ""
    log.as_owner("SELECT audit._add_partition(current_date - 3, current_date - 1)")
    log.add_entries(-3)
    log.as_owner(
        "SET session_replication_role = replica;"
        "UPDATE audit.seal SET sealed_at = now() - interval '4 days'",
        role="postgres",
    )
    assert fault(reader) == "Entries of more than a day ago are not sealed yet. Seals"
