"""What init makes of columns, by their names and types: noise, secrets, what is derived, words."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from auditviewer.demo.cluster import Cluster
from generator.config import Column, TrackedTable
from generator.parse import read_config
from generator.proposal import propose
from tests.databases import new_database

POLICIES = {
    # Written with every save, and so no news of its own.
    "updated_at timestamptz": "ignore",
    '"updatedAt" timestamp': "ignore",
    "last_modified_date date": "ignore",
    "last_login timestamptz": "ignore",
    "lock_version int": "ignore",
    "version bigint": "ignore",
    "run_count bigint NOT NULL DEFAULT 0": "ignore",
    "version_name text": None,
    "updated_by text": None,
    "update_reason text": None,
    "seat_count int NOT NULL DEFAULT 1": None,
    "child_count int": None,
    "guest_count int DEFAULT 0": None,
    "created_at timestamptz": None,
    "price_updated_at timestamptz": None,
    # Secrets by their names.
    "password text": "redact",
    '"PasswordHash" bytea': "redact",
    "webhook_secret text": "redact",
    "api_key varchar(40)": "redact",
    "access_token uuid": "redact",
    "otp text": "redact",
    "totp_seed text": "redact",
    "card_number text": "redact",
    "client_secrets jsonb": "redact",
    # Secrets by their names alone.
    "password_changed_at timestamptz": "keep",
    "is_password_expired boolean": "keep",
    "token_count int": "keep",
    "secretary text": None,
    "footprint text": None,
    "topic text": None,
    # Derived from other columns, or too much to read.
    "search tsvector": "exclude",
    "embedding vector": "exclude",
    "search_text text GENERATED ALWAYS AS ('x') STORED": "exclude",
    "gross int GENERATED ALWAYS AS (2) STORED": None,
    "net int GENERATED ALWAYS AS (1) VIRTUAL": "exclude",
    "search_area text": None,
    "picture bytea": "redact",
    "photo image": "redact",
}
WORDS = {
    "is_enabled boolean": Column("Enabled", {"true": "yes", "false": "no"}),
    "active boolean": Column("Active", {"true": "yes", "false": "no"}),
    "has_add_on boolean": Column("Has add on", {"true": "yes", "false": "no"}),
    "is_lead_scoring_on boolean": Column("Lead scoring", {"true": "on", "false": "off"}),
    "sound_off boolean": Column("Sound", {"true": "off", "false": "on"}),
    "sms_enabled flag": Column("SMS", {"true": "on", "false": "off"}),
    "lamp_on timestamptz": Column("Lamp on"),
    "state state": Column("State", {"on_hold": "On hold", "PG-13": "PG-13", "": "(empty)"}),
    "former_state ref": Column(
        "Former state", {"on_hold": "On hold", "PG-13": "PG-13", "": "(empty)"}
    ),
    "states state[]": Column("States"),
    "size size": Column("Size", {"large": "Large"}),
    '"€" numeric': Column("€"),
}
TYPES = """
CREATE TYPE state AS ENUM ('on_hold', 'PG-13', '');
CREATE TYPE size AS ENUM ('very_small', 'very-small', 'large');
CREATE TYPE vector AS (x real);
CREATE DOMAIN ref AS state;
CREATE DOMAIN flag AS boolean;
CREATE DOMAIN image AS bytea;
"""


def name_of(column: str) -> str:
    return column.split()[0].strip('"')


@pytest.fixture(scope="module")
def proposal(cluster: Cluster) -> Iterator[str]:
    """What is proposed for a table of all these columns."""
    with (
        new_database(cluster, "columns") as conninfo,
        psycopg.connect(conninfo, autocommit=True) as owner,
    ):
        owner.execute(TYPES)
        owner.execute(
            f"CREATE TABLE t (id int PRIMARY KEY, {', '.join([*POLICIES, *WORDS])})".encode()
        )
        owner.execute("ALTER TABLE t ADD gone int")
        owner.execute("ALTER TABLE t DROP gone")
        yield propose(owner, [])


@pytest.fixture
def table(proposal: str, tmp_path: Path) -> TrackedTable:
    (tmp_path / "audit.toml").write_text(proposal, encoding="utf-8")
    return read_config(tmp_path / "audit.toml").tables[0]


@pytest.mark.parametrize("column", POLICIES)
def test_a_column_gets_the_policy_of_its_name_and_type(table: TrackedTable, column: str) -> None:
    policies = ("ignore", "exclude", "redact", "keep")
    found = [policy for policy in policies if name_of(column) in getattr(table, policy)]
    assert found == ([POLICIES[column]] if POLICIES[column] else [])


@pytest.mark.parametrize("column", WORDS)
def test_a_column_gets_words_that_read_well_before_and_after_an_arrow(
    table: TrackedTable, column: str
) -> None:
    assert table.columns[name_of(column)] == WORDS[column]


def test_a_column_that_is_not_stored_needs_no_words(table: TrackedTable) -> None:
    assert not {"id", *table.exclude} & table.columns.keys()
    assert not [name for name in table.columns if "dropped" in name]
    assert table.columns.keys() >= {*table.redact, *table.ignore, *table.keep}


@pytest.mark.parametrize(
    "comment",
    [
        "redact: the log gets a fingerprint, not the bytes: picture, photo.",
        "exclude: derived from other columns, for searching: search, embedding, search_text.",
        "exclude: a virtual column has no value in a trigger: net.",
        "keep: no secret, being integer: token_count.",
        "keep: no secret, being boolean: is_password_expired.",
    ],
)
def test_a_policy_that_is_not_plain_from_the_name_says_why(proposal: str, comment: str) -> None:
    assert f"# {comment}\n" in proposal
