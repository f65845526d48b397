"""Drawn sequences of statements leave the same entries by statement as by row."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditviewer.demo.cluster import Cluster
from tests.capture.bulk import Shops, two_shops
from tests.databases import OWNER

numbers = st.integers(0, 9)
expressions = st.sampled_from(
    ["id", "9 - id", "id + 10", "(id + 1) % 10", "1000 - id", "id * 2", "id + (id % 3)"]
)
names = st.sampled_from(["name", "'a'", "name || 'x'", "NULL", "upper(name)", "id::text", "''"])
conditions = st.sampled_from(["true", "id % 2 = 0", "id > 5", "name IS NULL", "false", "id < 1000"])
inserts = st.builds(
    "INSERT INTO shop.slot SELECT n, n FROM generate_series({}, {}) AS n".format, numbers, numbers
)
updates = st.builds(
    "UPDATE shop.slot SET id = {}, name = {} WHERE {}".format, expressions, names, conditions
)
deletes = st.builds("DELETE FROM shop.slot WHERE {}".format, conditions)
renames = st.builds("UPDATE shop.odd SET o = {}, tg_op = n WHERE {}".format, numbers, conditions)
upserts = st.builds(
    "INSERT INTO shop.odd (id, o) SELECT n, {} FROM generate_series({}, {}) AS n "
    "ON CONFLICT (id) DO UPDATE SET o = excluded.o".format,
    numbers,
    numbers,
    numbers,
)
merged = st.builds(
    "WITH gone AS (DELETE FROM shop.odd WHERE id = {} RETURNING id) "
    "UPDATE shop.odd SET w = {} WHERE id NOT IN (SELECT id FROM gone)".format,
    numbers,
    numbers,
)


def guarded(statement: str) -> str:
    """Write a statement so that it leaves nothing where a constraint refuses it."""
    return f"""
        DO $$ BEGIN
            {statement.replace("name IS NULL", "o IS NULL") if "odd" in statement else statement};
            SET CONSTRAINTS ALL IMMEDIATE;
            SET CONSTRAINTS ALL DEFERRED;
        EXCEPTION WHEN integrity_constraint_violation THEN NULL; END $$
        """


@pytest.fixture(scope="module")
def shops(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    with two_shops(cluster, tmp_path_factory.mktemp("shops")) as shops:
        yield shops


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(inserts | updates | deletes | renames | upserts | merged, max_size=8))
def test_drawn_statements_leave_the_same_kind_by_kind(shops: Shops, statements: list[str]) -> None:
    by_row, by_statement = shops.entries(*map(guarded, statements), role=OWNER)
    for operation in ("INSERT", "UPDATE", "DELETE"):
        of_kind = [entry for entry in by_row if entry["operation"] == operation]
        assert [entry for entry in by_statement if entry["operation"] == operation] == of_kind
