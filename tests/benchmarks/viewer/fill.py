"""Fills audit.entry with a past: daily partitions, by COPY, the same for one seed.

What is in the entries, `company` says.
"""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

import psycopg

from tests.benchmarks.viewer.company import KINDS, NULL, RARE, Company, found_company, person_name

SEED = 16
WORKERS = 2
FIRST_TRANSACTION = 1000
EXTREME = 5000
BULK_PERSON, IMPORT_PERSON, FORMER_PERSON = "9001", "9002", "9003"
"""Who saved 5,000 workflows at once, who made one with 5,000 conditions, and who left long ago."""

BULK_AGE, IMPORT_AGE, RARE_AGE, FORMER_AGE = 45, 44, 40, 80
"""Days ago."""

COPY = """
COPY audit.entry_{day:%Y%m%d}
    (id, occurred_at, transaction_id, transaction_at, actor_bound, source, operation,
     table_schema, table_name, module, entity, part, entity_id, entity_label,
     actor, actor_name, ip, db_user, application_name, row_key, labels, old_row, new_row)
FROM STDIN"""

DESCRIBE = """
CALL audit._describe('crm', %s, p_module => %s, p_entity => %s, p_key_columns => '{id}',
                     p_label_column => 'name', p_link => %s)"""

DESCRIBE_PART = """
CALL audit._describe('crm', %s, p_module => %s, p_entity => %s, p_part => %s,
                     p_key_columns => '{id}', p_parent_schema => 'crm', p_parent_table => %s,
                     p_parent_key => '{parent_id}')"""


@dataclass(frozen=True)
class Day:
    """What one day has: so many entries, numbered from *first*; *span* is its part until now."""

    day: date
    age: int
    entries: int
    first: int
    span: timedelta
    has_extremes: bool


@dataclass
class Numbers:
    """The next entry and transaction."""

    entry: int
    transaction: int


def plan_days(entries: int, days: int, now: datetime, *, has_extremes: bool) -> list[Day]:
    """Share entries out to days, the oldest first; today gets as much as it is old."""
    today = now.astimezone(UTC).date()
    gone = now - datetime(today.year, today.month, today.day, tzinfo=UTC)
    spans = [timedelta(days=1)] * (days - 1) + [gone]
    whole = sum(spans, timedelta())
    planned, first = [], 1
    for number, span in enumerate(spans):
        age = days - 1 - number
        share = round(entries * (span / whole))
        planned.append(Day(today - timedelta(days=age), age, share, first, span, has_extremes))
        first += share + 2 * EXTREME + 100
    return planned


def prepare(owner: str, days: Sequence[Day]) -> None:
    """Add the partitions of past days, and the words of the company's tables."""
    with psycopg.connect(owner) as connection:
        connection.execute("SET ROLE audit_owner")
        for each in days:
            connection.execute(
                "SELECT audit._add_partition(%(day)s::date, %(day)s::date + 1)"
                " WHERE to_regclass('audit.entry_' || to_char(%(day)s::date, 'YYYYMMDD')) IS NULL",
                {"day": each.day},
            )
        for module, entity, table, part in KINDS:
            link = f"/{table}s/{{id}}"
            connection.execute(DESCRIBE, [f"bench_{table}", module, entity, link])
            of_part = [f"bench_{table}_part", module, entity, part, f"bench_{table}"]
            connection.execute(DESCRIBE_PART, of_part)


def fill(superuser: str, owner: str, days: Sequence[Day]) -> Iterator[Day]:
    """Fill the days, two at a time, index those that are over, and return each when done."""
    with ProcessPoolExecutor(WORKERS) as workers:
        done = [workers.submit(fill_day, superuser, owner, each) for each in days]
        for each, future in zip(days, done, strict=True):
            future.result()
            yield each


def fill_day(superuser: str, owner: str, day: Day) -> None:
    """Fill one day, and index it if it is over."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        with connection.cursor().copy(COPY.format(day=day.day).encode()) as copy:
            block: list[str] = []
            for line in _lines(_company(), day):
                block.append(line)
                if len(block) == 500:
                    copy.write("".join(block))
                    block.clear()
            copy.write("".join(block))
        connection.execute(f"VACUUM (ANALYZE) audit.entry_{day.day:%Y%m%d}".encode())
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("SET ROLE audit_owner")
        connection.execute("SELECT audit.index_day(%s)", [day.day])


@cache
def _company() -> Company:
    return found_company(SEED)


def _lines(company: Company, day: Day) -> Iterator[str]:
    """Yield the day's entries as lines of COPY, the oldest first."""
    draws = random.Random(SEED * 1000 + day.age)
    numbers = Numbers(day.first, FIRST_TRANSACTION + day.first)
    moment = datetime(day.day.year, day.day.month, day.day.day, tzinfo=UTC)
    step = day.span / (day.entries + 1)
    left = day.entries
    yield from _extremes(company, day, numbers, moment)
    while left > 0:
        kind, entity, person, size = company.draw(draws)
        size = min(size, left)
        moment += step * size
        who = (str(person), person_name(person)) if person else None
        yield from _change(company, numbers, moment, kind, entity, who, size)
        left -= size


def _extremes(company: Company, day: Day, numbers: Numbers, moment: datetime) -> Iterator[str]:
    if not day.has_extremes:
        return
    if day.age == BULK_AGE:
        who = (BULK_PERSON, "Bea Bulk")
        for entity in range(1, EXTREME + 1):
            yield from _change(company, numbers, moment, 0, entity, who, 1)
            numbers.transaction -= 1
        numbers.transaction += 1
    elif day.age == IMPORT_AGE:
        who = (IMPORT_PERSON, "Ima Import")
        yield from _change(company, numbers, moment, 0, 1, who, EXTREME + 1)
    elif day.age == FORMER_AGE:
        for entity in range(1, 4):
            yield from _change(company, numbers, moment, 0, entity, (FORMER_PERSON, "Fay"), 1)
    elif day.age == RARE_AGE:
        for line in _change(company, numbers, moment, 0, 7, None, 1):
            yield line.replace("from ", f"{RARE} from ")


def _change(
    company: Company,
    numbers: Numbers,
    moment: datetime,
    kind: int,
    entity: int,
    who: tuple[str, str] | None,
    size: int,
) -> Iterator[str]:
    """Yield one change: the entity's own row, then its parts."""
    module, named, table, part = KINDS[kind]
    rows = company.rows[kind]
    label = rows[entity % len(rows)].label
    actor = f"{who[0]}\t{who[1]}\t203.0.113.24" if who else f"{NULL}\t{NULL}\t{NULL}"
    bound = "t" if who else NULL
    began = moment.isoformat()
    numbers.transaction += 1
    for position in range(size):
        number = numbers.entry
        numbers.entry += 1
        row = rows[(entity + position) % len(rows)]
        at = (moment + timedelta(microseconds=40 * position)).isoformat() if position else began
        if position:
            key = entity * 20 + position
            head = f'{{"id": {key}, "parent_id": {entity}, '
            what = f"bench_{table}_part\t{module}\t{named}\t{part}"
        else:
            key = entity
            head = f'{{"id": {key}, '
            what = f"bench_{table}\t{module}\t{named}\t{NULL}"
        if number % 7 == 0:
            operation, before, after = "INSERT", NULL, head + row.after
        elif number % 31 == 0:
            operation, before, after = "DELETE", head + row.before, NULL
        else:
            operation, before, after = "UPDATE", head + row.before, head + row.after
        yield (
            f"{number}\t{at}\t{numbers.transaction}\t{began}\t{bound}\tcrm\t{operation}\tcrm\t"
            f'{what}\t{entity}\t{label}\t{actor}\tcrm_web\tcrm-web\t{{"id": {key}}}\t{row.labels}\t'
            f"{before}\t{after}\n"
        )
