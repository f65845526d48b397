"""How PostgreSQL runs the viewer's queries: what a page reads doesn't grow with the log."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg import sql

from auditviewer import Database
from auditviewer.demo.cluster import LOOPBACK, Cluster
from tests.benchmarks.viewer.company import COMMON, KINDS
from tests.benchmarks.viewer.fill import fill_day, plan_days, prepare
from tests.crm import VIEWER, create_role
from tests.databases import apply_migrations, new_database, yoyo_address
from tests.page import links_named, parse
from tests.viewer import signed_in, viewer_over

DAYS, ENTRIES = 10, 8_000
PARTITION = re.compile(r"entry_(\d{8})")
WITHIN_DAYS = re.compile(
    r"SELECT DISTINCT((?!SELECT).)*?OCCURRED_AT >= %\(BEFORE\)S AND \w\.OCCURRED_AT < %\(AFTER\)S",
    re.DOTALL,
)
LONG_AGO = f"{datetime.now(UTC) - timedelta(days=7):%Y-%m-%d}"
MOVE_SOME = """
    UPDATE audit.entry SET former_entity_id = '1'
    WHERE part IS NOT NULL AND operation = 'UPDATE' AND id % 20 = 0 AND entity_id <> '1'
"""
INDEX_SCANS = {"Index Scan", "Bitmap Index Scan", "Bitmap Heap Scan"}
LISTS = {
    "everything": "/",
    "period": f"/?period=dates&from={LONG_AGO}&to={LONG_AGO}",
    "person": "/?by=3",
    "nobody": "/?by=nobody",
    "system": "/?by=system",
    "module": "/?module=Workflows",
    "entity": "/?entity=Workflow",
    "created": "/?type=created",
    "deleted": "/?type=deleted",
    "text": f"/?q={COMMON}",
    "no text": "/?q=zzzunheard",
    "all": f"/?period=30&q={COMMON}&by=3&type=updated&module=Workflows",
    "history": "/history/Workflow/1",
    "moment": f"/history/Workflow/1?at={LONG_AGO}T12:00",
    "comparison": f"/history/Workflow/1?from={LONG_AGO}T12:00",
}


@dataclass(frozen=True)
class Query:
    """What the viewer asked, and how PostgreSQL would go about it."""

    text: str
    values: dict[str, Any]
    plan: dict[str, Any]

    @property
    def nodes(self) -> Iterator[dict[str, Any]]:
        """The nodes of the plan."""
        waiting = [self.plan]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.get("Plans", [])

    @property
    def days(self) -> tuple[str, str]:
        """The first and the last day in UTC that the query may be about."""
        moments = [value for value in self.values.values() if isinstance(value, datetime)]
        return f"{min(moments):%Y%m%d}", f"{max(moments):%Y%m%d}"


@dataclass(frozen=True)
class Seen:
    """What a page asks the database."""

    reader: FlaskClient
    viewer: psycopg.Connection[Any]
    asked: list[tuple[Any, Any]]

    def page(self, path: str) -> tuple[str, list[Query]]:
        """Return a page, and its queries of the log."""
        self.asked.clear()
        answer = self.reader.get(path)
        assert answer.status_code == 200, answer.text
        asked = [(text, values) for text, values in self.asked if "audit.entry" in as_text(text)]
        return answer.text, [self._explain(*each) for each in asked if each[1]]

    def _explain(self, query: Any, values: Any) -> Query:
        text = as_text(query)
        explain = sql.SQL("EXPLAIN (FORMAT JSON) ") + sql.SQL(text)
        [(plans,)] = self.viewer.execute(explain, values).fetchall()
        return Query(text, values, plans[0]["Plan"])


def as_text(query: Any) -> str:
    return query if isinstance(query, str) else str(query.as_string(None))


@pytest.fixture(scope="module")
def filled(cluster: Cluster) -> Iterator[str]:
    """A log of ten days, all but today indexed."""
    with new_database(cluster, "plans") as owner:
        superuser = cluster.conninfo("plans", host=LOOPBACK)
        apply_migrations(yoyo_address(owner))
        days = plan_days(ENTRIES, DAYS, datetime.now(UTC), has_extremes=False)
        prepare(owner, days)
        for day in days:
            fill_day(superuser, owner, day)
        with psycopg.connect(superuser) as connection:
            create_role(connection, VIEWER, "audit_reader")
            connection.execute("SET LOCAL session_replication_role = replica")
            assert connection.execute(MOVE_SOME).rowcount > 0
        yield cluster.conninfo("plans", VIEWER, host=LOOPBACK)


@pytest.fixture(scope="module")
def seen(filled: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    asked: list[tuple[Any, Any]] = []
    execute = psycopg.Connection.execute

    def note(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        asked.append((query, params))
        return execute(self, query, params, **more)

    with (
        psycopg.connect(filled, autocommit=True, options="-c timezone=UTC") as viewer,
        viewer_over(filled, tmp_path_factory.mktemp("viewer")) as app,
        pytest.MonkeyPatch.context() as patch,
    ):
        reader = signed_in(app)
        patch.setattr(psycopg.Connection, "execute", note)
        yield Seen(reader, Explaining(viewer, execute), asked)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Explaining:
    """A connection whose own queries are not noted."""

    connection: Any
    run: Any

    def execute(self, query: Any, values: Any) -> Any:
        """Run a query."""
        return self.run(self.connection, query, values)


@pytest.fixture(scope="module", params=list(LISTS.values()), ids=list(LISTS))
def queries(seen: Seen, request: pytest.FixtureRequest) -> list[Query]:
    """What one page asks, its next page, and the first of its changes."""
    html, found = seen.page(request.param)
    older = links_named(parse(html), "Older changes")
    for link in older[:1]:
        found += seen.page(link)[1]
    assert found
    return found


def test_no_day_outside_of_the_time_that_is_asked_for_is_read_whole(queries: list[Query]) -> None:
    for query in queries:
        first, last = query.days
        for node in query.nodes:
            match = PARTITION.match(node.get("Relation Name", ""))
            if match and node["Node Type"] == "Seq Scan":
                assert first <= match[1] <= last, query.text


def test_what_an_entity_lost_to_others_is_found_by_the_index_of_that(
    queries: list[Query],
) -> None:
    found = [
        node
        for query in queries
        for node in query.nodes
        if "former_entity_id = " in str([node.get(name) for name in ("Index Cond", "Filter")])
        and node["Node Type"] != "Subquery Scan"
        # Of today there may be hardly anything to read.
        and f"{datetime.now(UTC):%Y%m%d}" not in node.get("Relation Name", "")
    ]

    assert any("hashtextextended(former_entity_id" in n.get("Index Cond", "") for n in found)
    assert {node["Node Type"] for node in found} <= INDEX_SCANS


def test_nothing_is_skipped_counted_or_made_distinct_without_an_end(queries: list[Query]) -> None:
    for query in queries:
        words = query.text.upper()
        assert " OFFSET " not in words
        assert "SELECT DISTINCT" not in WITHIN_DAYS.sub("", words)
        assert "COUNT(" not in words or " LIMIT " in words.replace("\n", " ")
        assert not re.search(r"%\(\w+\)S (::\w+ )?IS NULL OR", words)
        assert "ILIKE" not in words


def test_each_filter_is_a_condition_of_its_own_and_others_are_none(seen: Seen) -> None:
    [stands, *_] = seen.page("/")[1]

    assert "%(actor)s" not in stands.text
    assert "%(module)s" not in stands.text
    assert json.dumps(stands.plan).count("_words") == 0


@pytest.mark.parametrize(
    ("asked", "index"), [("q=zzzunheard", "words"), ("type=deleted", "deleted")]
)
def test_what_is_rare_is_looked_up_in_an_index_of_a_day_that_is_over(
    seen: Seen, asked: str, index: str
) -> None:
    _, queries = seen.page(f"/?{asked}&period=dates&from={LONG_AGO}&to={LONG_AGO}")

    indexes = {node.get("Index Name") for query in queries for node in query.nodes}
    assert f"entry_{LONG_AGO.replace('-', '')}_{index}" in indexes


def test_no_query_is_compiled(filled: str) -> None:
    database = Database(filled)
    try:
        with database.reading() as reading:
            assert [*reading.connection.execute("SHOW jit")] == [{"jit": "off"}]
    finally:
        database.close()


def test_one_change_reads_the_days_of_that_change(seen: Seen) -> None:
    html, _ = seen.page(f"/?period=dates&from={LONG_AGO}&to={LONG_AGO}")
    [link, *_] = re.findall(r'href="(/changes/\d+/\d+)', html)

    _, queries = seen.page(link)

    assert KINDS
    for query in queries:
        first, last = query.days
        read = {node.get("Relation Name") for node in query.nodes if node["Node Type"] != "Append"}
        days = {match[1] for name in read if name and (match := PARTITION.match(name))}
        assert days
        assert first <= min(days) <= max(days) <= last
