"""A session of the application that sets all it may, so that the log says something else."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from generator.config import TrackedTable
from generator.names import TableName
from generator.render import render_track
from tests.attacks.outcomes import Attack
from tests.attacks.scene import acting, renamed
from tests.crm import APP, Connection, Crm
from tests.databases import OWNER

pytestmark = pytest.mark.attacker("session with hostile settings")
Log = Callable[[], list[Any]]

THING = TrackedTable(TableName("crm", "thing"), "crm", "Things", "Thing", key=())
THINGS = """
CREATE TABLE crm.thing (ratio float8, raw bytea, at timestamptz, took interval, price money);
GRANT ALL ON crm.thing TO crm_app;
"""
# As every session in UTC with the defaults of PostgreSQL would write it.
WRITTEN = {
    "ratio": 1.5000001,
    "raw": "\\xff",
    "at": "2026-03-29T01:30:00+00:00",
    "took": "-1 days -02:00:00",
    "price": "$1.50",
}
FORMATS = [
    "extra_float_digits = -15",
    "bytea_output = escape",
    "timezone = 'Pacific/Kiritimati'",
    "timezone = '<FORGED>+14'",
    "datestyle = 'German, DMY'",
    "intervalstyle = sql_standard",
    "lc_monetary = 'C.UTF-8'",
    "lc_numeric = 'C.UTF-8'",
    "client_encoding = 'LATIN1'",
    "quote_all_identifiers = on",
    "xmlbinary = hex",
    "xmloption = document",
]
PLANS = [
    "search_path = ''",
    "search_path = pg_temp, audit, crm, public",
    "row_security = off",
    "standard_conforming_strings = off",
    "backslash_quote = on",
    "transform_null_equals = on",
    "array_nulls = off",
    "check_function_bodies = off",
    "enable_partition_pruning = off",
    "constraint_exclusion = off",
    "plan_cache_mode = force_generic_plan",
    "enable_indexscan = off",
    "jit_above_cost = 0",
    "work_mem = '64kB'",
    "default_transaction_isolation = serializable",
    "synchronous_commit = off",
    "default_tablespace = ''",
    "lock_timeout = 1",
    "client_min_messages = error",
]
SUPERUSERS = [
    "session_replication_role = replica",
    "session_preload_libraries = 'forge'",
    "allow_system_table_mods = on",
    "lo_compat_privileges = on",
    "event_triggers = off",
    "max_stack_depth = '100kB'",
    "commit_delay = 1000",
]


@pytest.fixture(scope="module")
def things(crm: Crm) -> Crm:
    """The CRM with a table of what settings change the writing of."""
    with acting(crm, OWNER) as owner:
        owner.execute(THINGS.encode())
        with owner.transaction():
            owner.execute(render_track(THING).encode())
    return crm


@pytest.fixture
def app(things: Crm) -> Iterator[Connection]:
    with acting(things, APP) as connection:
        yield connection


@pytest.mark.parametrize("setting", FORMATS)
def test_a_format_of_the_session_would_hide_a_change(
    attack: Attack, app: Connection, workflow: int, log: Log, setting: str
) -> None:
    app.execute(
        r"INSERT INTO crm.thing VALUES (1.5, '\xfe', '2026-03-29T02:30+01', '-1 day -2:00', '1.5')"
    )
    app.execute(f"SET {setting}".encode())
    app.execute(r"UPDATE crm.thing SET ratio = ratio + 1e-7, raw = '\xff' WHERE ratio = 1.5")

    attack.survived(log(), {"operation": "INSERT"}, {"operation": "UPDATE", "new_row": WRITTEN})


@pytest.mark.parametrize("setting", PLANS)
def test_a_setting_would_make_capture_do_something_else(
    attack: Attack, app: Connection, workflow: int, log: Log, setting: str
) -> None:
    app.execute(f"SET {setting}".encode())
    app.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])

    attack.survived(log(), renamed(labels={"owner_id": {"1": "Priya Nair"}}))


@pytest.mark.parametrize("setting", SUPERUSERS)
def test_a_session_sets_what_is_a_superusers(attack: Attack, app: Connection, setting: str) -> None:
    # There are event triggers that can be switched off since PostgreSQL 17.
    is_known = app.info.server_version >= 170000 or "event_triggers" not in setting
    attack.refused(app, f"SET {setting}", by="42501" if is_known else "42704")


def test_a_statement_is_cancelled_within_capture(
    attack: Attack, app: Connection, workflow: int, log: Log
) -> None:
    app.execute("SET statement_timeout = 1")
    attack.refused(
        app,
        "WITH u AS (UPDATE crm.workflow SET name = name || 'x' RETURNING id)"
        " SELECT count(*) FROM u, generate_series(1, 10000000)",
        by="57014",
    )

    assert log() == []


def test_a_write_takes_more_temporary_room_than_it_may(
    attack: Attack, app: Connection, workflow: int, log: Log
) -> None:
    attack.refused(app, "SET temp_file_limit = 0")
    app.execute("UPDATE crm.workflow SET name = 'Renamed' WHERE id = %s", [workflow])

    attack.survived(log(), renamed())
