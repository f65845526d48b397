"""A session runs out of memory, wherever in its write: row and entry are both there, or neither."""

import resource
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from auditviewer.demo.cluster import LOOPBACK, Cluster
from tests.databases import new_database
from tests.limits import limit
from tests.shop import APP, admit, install
from tests.tracking import entries

SCHEMA = """
CREATE SCHEMA shop;
CREATE TABLE shop.letter (id int PRIMARY KEY, body text);
CREATE TABLE shop.parcel (id int PRIMARY KEY, body text);
"""
TRACKED = """
source = "shop"

[table."shop.letter"]
module = "Post"
entity = "Letter"

[table."shop.parcel"]
module = "Post"
entity = "Parcel"
capture = "statement"
"""
MEGABYTE = 2**20
BODY = 16 * MEGABYTE


@pytest.fixture(scope="module")
def post(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return how the owner of a tracked post connects."""
    with new_database(cluster, "post") as conninfo:
        with psycopg.connect(conninfo) as owner:
            install(owner, tmp_path_factory.mktemp("post"), SCHEMA, TRACKED)
            admit(owner, "shop")
        yield conninfo


def write_with(cluster: Cluster, room: int, table: str, id_: int) -> str:
    """Insert a row in a session that has so much room left, and return where it ran out of it."""
    with psycopg.connect(cluster.conninfo("post", APP, host=LOOPBACK)) as app:
        process = app.info.backend_pid
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[0])
        limit(cluster, process, "as", pages * resource.getpagesize() + room)
        try:
            app.execute(
                f"INSERT INTO shop.{table} VALUES (%s, repeat('x', %s))".encode(), [id_, BODY]
            )
        except errors.OutOfMemory as error:
            return "in capture" if "audit." in (error.diag.context or "") else "before"
    return ""


@pytest.mark.parametrize("table", ["letter", "parcel"])
def test_without_memory_a_write_is_refused_or_recorded(
    cluster: Cluster, post: str, table: str
) -> None:
    rooms = range(16, 241, 32)
    ran_out = [write_with(cluster, room * MEGABYTE, table, room) for room in rooms]

    with psycopg.connect(post) as owner:
        written = owner.execute(f"SELECT id FROM shop.{table} ORDER BY id".encode()).fetchall()
        found = [entry.row_key["id"] for entry in entries(owner) if entry.table_name == table]
    assert [id_ for (id_,) in written] == found
    assert found == [room for room, where in zip(rooms, ran_out, strict=True) if not where]
    assert {"before", "in capture", ""} == set(ran_out)
