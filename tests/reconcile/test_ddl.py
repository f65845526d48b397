"""pgwitness reconcile: what DDL made of rows is told as such, and columns that it made others."""

import psycopg
import pytest

from generator.config import Config
from tests.reconcile.history import found, reconcile

REDEFINED = """
ALTER TABLE item ADD added int DEFAULT 5, DROP note;
ALTER TABLE item RENAME name TO title;
ALTER TABLE item ALTER price TYPE text USING price || ' EUR';
ALTER TABLE line ALTER a TYPE bigint;
"""


def test_columns_that_were_made_others_since_are_not_compared(
    owner: psycopg.Connection, config: Config
) -> None:
    for statement in REDEFINED.strip().split("\n"):
        owner.execute(statement.encode())
    done = reconcile(owner, config)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.startswith("public.item: 1 row compared, but for price; 1 without")


@pytest.mark.parametrize("value", ["'forged'", "upper(name)", "name || id"])
def test_what_ddl_made_of_values_is_found_as_such_and_since_when(
    owner: psycopg.Connection, config: Config, value: str
) -> None:
    owner.execute(f"ALTER TABLE item ALTER name TYPE text USING {value}".encode())
    [line] = found(owner, config)
    assert line.startswith('public.item {"id": 2}: the log says name = "Lamp" (UPDATE, entry ')
    assert " – by DDL, between " in line


def test_a_value_that_ddl_wrote_in_another_way_is_none(
    owner: psycopg.Connection, config: Config
) -> None:
    owner.execute("ALTER TABLE item ADD at timestamptz DEFAULT now(), ADD is_new bool DEFAULT true")
    owner.execute("UPDATE item SET seen = 1, price = price + 1")
    owner.execute(
        "ALTER TABLE item ALTER price TYPE numeric(9, 4), ALTER name TYPE char(50),"
        " ALTER at TYPE date, ALTER is_new TYPE text"
    )
    done = reconcile(owner, config, "--table", "public.item")
    assert (done.exit_code, done.stdout) == (0, "")
    assert " compared, but for " in done.stderr


def test_after_a_renaming_of_an_enum_s_label_its_rows_are_as_the_log_says(
    owner: psycopg.Connection, config: Config
) -> None:
    owner.execute("CREATE TYPE mood AS ENUM ('calm'); ALTER TABLE visit ADD moods mood[]")
    owner.execute("UPDATE visit SET moods = '{calm}'")
    owner.execute("ALTER TYPE mood RENAME VALUE 'calm' TO 'quiet'")
    assert found(owner, config) == []
