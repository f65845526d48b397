"""Whatever a table or a column is called: it is quoted right, or refused by its name."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
import yoyo.migrations
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from generator.config import Column, ConfigError, Reference, TrackedTable
from generator.migrations import plan, write
from generator.names import TableName, as_printed
from generator.parse import read_config
from generator.proposed_columns import is_nameable
from generator.quoting import identifier, literal
from generator.render import render_track, render_untrack
from generator.toml_writer import write_header, write_table
from tests.databases import apply_migrations, yoyo_address
from tests.shop import APP, admit

FRAGMENTS = (
    *(
        '"',
        "'",
        "\\",
        ".",
        ";",
        "--",
        "/*",
        "*/",
        "$$",
        "$capture$",
        "$1",
        "(",
        ")",
        "{{",
        "}}",
        "%s",
    ),
    *(
        "select",
        "END",
        "a",
        "Z",
        "_",
        " ",
        "é",
        "ß",
        "日本",
        "🦊",
        "\u200d",
        "\xa0",
        "\u202e",
        "\n",
        "\x7f",
    ),
)
NAMES = (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
    | st.lists(st.sampled_from(FRAGMENTS), min_size=1).map("".join)
).filter(lambda name: len(name.encode()) <= 63 and name not in ("audit", "information_schema"))
NASTY = (
    *('say "hi"', "it's", "semi;colon", "dot.dot", "back\\slash", "two  blanks", "Capital", "ÜNÏ"),
    *(
        "日本語",
        "🦊",
        "👩‍👧",
        "می‌خواهم",
        "select",
        "user",
        "NEW",
        "OLD",
        "r",
        "v_new",
        "v_row",
        "tg_op",
    ),
    *("--", "/*", "*/", "$$", "$1", "{{ name }}", "{% raw %}", "%s", "%", "'; DROP TABLE x; --"),
    *("a" * 63, "é" * 31, "null", "true", "1", "entry", "excluded", "\u00a0x"),
)
LEXEMES = re.compile(
    r"""(?P<comment>--[^\n]*)
      | (?P<name>"(?:[^"]|"")*")
      | (?P<escaped>[Ee]'(?:[^'\\]|''|\\.)*')
      | (?P<text>'(?:[^']|'')*')""",
    re.VERBOSE | re.DOTALL,
)
"""What PostgreSQL's manual, 4.1, says of the places where a name or a word can stand."""


def table(schema: str, name: str, column: str) -> TrackedTable:
    """Make a table whose name and column stand everywhere that one can stand."""
    reference = Reference(TableName(schema, name), column, column)
    return TrackedTable(
        name=TableName(schema, name),
        source="s",
        module="M",
        entity="E",
        key=(column,),
        label=column,
        columns={column: Column(column, {column: "word"}, reference)},
        keep=(column,),
        ignore=("updated_at",),
    )


def shape(statement: str) -> str:
    """Return SQL with each comment, name and text replaced by the word for what it is."""
    return LEXEMES.sub(lambda match: (match.lastgroup or "").replace("escaped", "text"), statement)


def names_in(statement: str) -> set[str]:
    """Return the quoted names in SQL, as PostgreSQL reads them."""
    quoted = (match["name"] for match in LEXEMES.finditer(statement) if match["name"])
    return {name[1:-1].replace('""', '"') for name in quoted}


def statements(folder: Path, text: str) -> list[str]:
    """Return the statements as which yoyo sends a migration."""
    (folder / "1.sql").write_text(text, encoding="utf-8")
    _, _, found = yoyo.migrations.read_sql_migration(str(folder / "1.sql"))
    return [str(statement) for statement in found]


def findings(folder: Path, tracked: TrackedTable) -> list[str]:
    """Return why audit.toml can't hold a table; nothing where it reads back to the same."""
    (folder / "audit.toml").write_text(write_header("s") + write_table(tracked), encoding="utf-8")
    try:
        read = read_config(folder / "audit.toml").tables
    except ConfigError as error:
        return error.findings
    return [] if read == (tracked,) else ["it reads back to another table"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("names")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(name=NAMES)
def test_a_name_is_kept_as_it_is_or_refused_by_name(folder: Path, name: str) -> None:
    for tracked in (table(name, "t", "c"), table("s", name, "c"), table("s", "t", name)):
        refusals = findings(folder, tracked)
        assert bool(refusals) != is_nameable(name)
        explained = [one for one in refusals if as_printed(name) in one and " – " in one]
        assert bool(explained) == bool(refusals)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(names=st.tuples(*[NAMES.filter(is_nameable)] * 3))
def test_a_name_ends_where_it_should_for_postgresql_and_for_yoyo(
    folder: Path, names: tuple[str, str, str]
) -> None:
    tracked, plain = table(*names), table("s", "t", "c")
    for hostile, reviewed in [
        (render_track(tracked), render_track(plain)),
        (render_untrack(tracked.name), render_untrack(plain.name)),
    ]:
        assert set(names[:2]) <= names_in(hostile)
        assert shape(hostile) == shape(reviewed)
        assert list(map(shape, statements(folder, hostile))) == [
            *map(shape, statements(folder, reviewed))
        ]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(text=NAMES)
def test_a_quoted_text_ends_where_it_should_for_postgresql_and_for_yoyo(
    folder: Path, text: str
) -> None:
    assert shape(f"SELECT {literal(text)};") == "SELECT text;"
    assert names_in(f"SELECT {identifier(text)};") == {text}
    both = f"SELECT {literal(text)}, 1; SELECT {literal(text)}, 2;"
    assert len(statements(folder, both)) == 2


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("two\nlines", "holds a control character, which would end the comments that name it"),
        ("bell\x07", "holds a control character"),
        ("a\u2028b", "holds a control character"),
        ("a\u202eb", "holds a character that reorders a line"),
        ("path\\", "holds a backslash before a quote"),
        ("\\'", "holds a backslash before a quote"),
        ("x" * 64, "has 64 bytes"),
        ("é" * 32, "has 64 bytes"),
        ("  ", "is blank"),
        ("$capture$", "holds $capture$, which ends a generated function"),
    ],
)
def test_what_could_not_be_quoted_is_refused(folder: Path, name: str, problem: str) -> None:
    for tracked in (table(name, "t", "c"), table("s", name, "c"), table("s", "t", name)):
        assert any(problem in finding for finding in findings(folder, tracked))


@pytest.fixture
def nasty(empty_database: str, tmp_path: Path) -> Iterator[psycopg.Connection]:
    """The owner of a database where nasty names are those of schemas, tables and columns."""
    tables = [table(name, name, name) for name in NASTY]
    written = "\n".join([write_header("s"), *map(write_table, tables)])
    (tmp_path / "audit.toml").write_text(written, encoding="utf-8")
    config = read_config(tmp_path / "audit.toml")
    write(config.migrations, plan(config))
    with psycopg.connect(empty_database, autocommit=True) as owner:
        for name in NASTY:
            owner.execute(said_of(name, CREATE))
        apply_migrations(yoyo_address(empty_database), config.migrations)
        admit(owner, *NASTY)
        yield owner


CREATE = """
    CREATE SCHEMA {name};
    CREATE TABLE {name}.{name} (
        {name} text PRIMARY KEY REFERENCES {name}.{name}, updated_at timestamptz)
    """
INSERT = "INSERT INTO {name}.{name} ({name}) VALUES ('x')"


def said_of(name: str, statement: LiteralString) -> sql.Composed:
    return sql.SQL(statement).format(name=sql.Identifier(name))


def test_writes_to_tables_of_any_name_are_captured_under_it(
    nasty: psycopg.Connection, empty_database: str
) -> None:
    with psycopg.connect(empty_database, user=APP) as app:
        for name in NASTY:
            app.execute(said_of(name, INSERT))
    nasty.execute("SET ROLE audit_reader")
    found = nasty.execute(
        "SELECT table_schema, table_name, entity_id, entity_label, row_key, labels"
        " FROM audit.entry ORDER BY id"
    ).fetchall()
    assert found == [(n, n, "x", "x", {n: "x"}, {n: {"x": "x"}}) for n in NASTY]
