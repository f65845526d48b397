"""When an entry says that it happened, and the partition that it is in for it."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest

from tests.shop import Connection, Log, acting_as, insert, written

DAYS = """
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid)
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'audit.entry'::regclass
ORDER BY c.relname
"""
FORGE = """
INSERT INTO audit.entry
    (occurred_at, source, operation, table_schema, table_name, module, entity)
VALUES
    (%s, 'shop', 'TRUNCATE', 'shop', 'note', 'Notes', 'Note')
"""
FIND = "SELECT tableoid::regclass::text FROM audit.entry WHERE occurred_at = %s"


def day(connection: Connection) -> date:
    """Return the server's day in UTC."""
    row = connection.execute("SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date").fetchone()
    assert row is not None
    today: date = row[0]
    return today


def partition(owner: Connection, occurred_at: datetime | str) -> str:
    """Write an entry of that time, which only the owner of the log can, and say where it went."""
    with acting_as(owner, "audit_owner"):
        owner.execute(FORGE, [occurred_at])
        row = owner.execute(FIND, [occurred_at]).fetchone()
    assert row is not None
    name: str = row[0]
    return name


def test_an_entry_has_the_time_of_the_clock(app: Connection, log: Log) -> None:
    with app.transaction():
        insert(app, "variant", id=1)
        insert(app, "variant", id=2)
        ended = app.execute("SELECT clock_timestamp()").fetchone()

    one, two = log()
    assert one.transaction_at < one.occurred_at < two.occurred_at
    assert (two.occurred_at,) < (ended or ())


def test_entries_of_a_transaction_share_its_id_and_its_time(app: Connection, log: Log) -> None:
    with app.transaction():
        began = app.execute("SELECT pg_current_xact_id(), transaction_timestamp()").fetchone()
        insert(app, "variant", id=1)
        with app.transaction():
            insert(app, "variant", id=2)

    assert [(entry.transaction_id, entry.transaction_at) for entry in log()] == [began] * 2


def test_transactions_have_different_ids(app: Connection, log: Log) -> None:
    insert(app, "variant", id=1)
    insert(app, "variant", id=2)

    assert len({entry.transaction_id for entry in log()}) == 2


def test_ids_follow_the_order_of_the_writes(app: Connection, log: Log) -> None:
    app.execute("INSERT INTO shop.variant (id) SELECT generate_series(1, 20)")

    times = [entry.occurred_at for entry in log()]
    assert [entry.row_key["id"] for entry in log()] == list(range(1, 21))
    assert times == sorted(times)


def test_a_day_of_the_log_is_a_day_in_utc(owner: Connection) -> None:
    owner.execute("SET LOCAL timezone = 'America/New_York'")
    midnight = datetime.combine(day(owner), datetime.min.time(), UTC)

    assert partition(owner, midnight) == f"audit.entry_{midnight:%Y%m%d}"
    last = midnight + timedelta(days=1, microseconds=-1)
    assert partition(owner, last) == f"audit.entry_{midnight:%Y%m%d}"
    assert partition(owner, midnight + timedelta(days=1)) == (
        f"audit.entry_{midnight + timedelta(days=1):%Y%m%d}"
    )


@pytest.mark.parametrize("moment", ["2999-01-01 00:00+00", "infinity"])
def test_an_entry_after_the_last_day_has_a_place(owner: Connection, moment: str) -> None:
    last = [name for name, bound in owner.execute(DAYS).fetchall() if "MAXVALUE" in bound]

    assert [partition(owner, moment)] == [f"audit.{name}" for name in last]


def test_an_entry_of_now_is_in_the_partition_of_its_day(owner: Connection) -> None:
    insert(owner, "variant")

    [entry] = written(owner)
    with acting_as(owner, "audit_owner"):
        place = owner.execute(FIND, [entry.occurred_at]).fetchone()
    assert place == (f"audit.entry_{entry.occurred_at.astimezone(UTC):%Y%m%d}",)


def test_the_days_follow_each_other_without_a_gap(owner: Connection) -> None:
    owner.execute("SET LOCAL timezone = 'UTC'")
    *days, rest = owner.execute(DAYS).fetchall()

    first = datetime.strptime(days[0][0], "entry_%Y%m%d").date()
    starts = [first + timedelta(days=n) for n in range(len(days) + 1)]
    assert [name for name, _ in days] == [f"entry_{start:%Y%m%d}" for start in starts[:-1]]
    assert [bound for _, bound in days] == [
        f"FOR VALUES FROM ('{start} 00:00:00+00') TO ('{end} 00:00:00+00')"
        for start, end in pairwise(starts)
    ]
    assert rest == (
        f"entry_{starts[-1]:%Y%m%d}_on",
        f"FOR VALUES FROM ('{starts[-1]} 00:00:00+00') TO (MAXVALUE)",
    )


def test_more_than_a_month_of_days_is_made_ahead(reference: str) -> None:
    with psycopg.connect(reference) as owner:
        names = [name for name, _ in owner.execute(DAYS).fetchall()]

        for ahead in (-1, 0, 1, 30):
            assert f"entry_{day(owner) + timedelta(days=ahead):%Y%m%d}" in names


def test_there_is_no_default_partition(owner: Connection) -> None:
    row = owner.execute(
        "SELECT partdefid FROM pg_partitioned_table WHERE partrelid = 'audit.entry'::regclass"
    ).fetchone()

    assert row == (0,)
