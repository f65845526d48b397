"""A tracked table as TOML: people read it, and reading it gives the same table."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.config import Column, Parent, Reference, TrackedTable
from generator.names import TableName, as_printed
from generator.parse import read_config
from generator.policies import SECRET_LOOKING
from generator.proposed_columns import is_nameable
from generator.toml_reader import BODY_TAG
from generator.toml_writer import comment_out, write_comment, write_header, write_table

ODD = ('"', "'", "\\", ".", "#", "=", "]", "[", "{", "%", "🦊", "é", " ", "a", "true", "2", "a b")
PLAIN = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])
VALUES = st.text() | st.sampled_from(["", " ", "\n", "\x7f", '"', "a.b", "true"])
WORDS = (
    st.text(PLAIN, min_size=1) | st.lists(st.sampled_from(ODD), min_size=1).map("".join)
).filter(lambda text: text.strip() and BODY_TAG not in text)
NAMES = (
    st.text(PLAIN, min_size=1, max_size=15)
    | st.lists(st.sampled_from(ODD), min_size=1, max_size=12).map("".join)
).filter(lambda name: is_nameable(name) and not SECRET_LOOKING.search(name))
REFERENCES = (
    st.builds(Reference, st.builds(TableName, st.just("s"), NAMES), key=NAMES, label=NAMES)
    | st.none()
)
COLUMNS = st.builds(
    Column,
    WORDS | st.none(),
    st.dictionaries(VALUES, WORDS, max_size=3),
    REFERENCES,
    currency=WORDS | st.none(),
    item_key=WORDS | st.none(),
)
WORKFLOW = TrackedTable(
    TableName("crm", "workflow"), source="crm", module="Workflows", entity="Workflow"
)


@st.composite
def tables(draw: st.DrawFn) -> TrackedTable:
    """Make a table of any names and words that audit.toml accepts."""
    names = draw(st.lists(NAMES, min_size=6, max_size=6, unique=True))
    return TrackedTable(
        name=TableName("public", names[0]),
        source="crm",
        module=draw(WORDS),
        entity=draw(WORDS),
        key=draw(st.sampled_from([(), ("id",), (names[0],), (names[0], names[1])])),
        label=draw(st.sampled_from([None, names[1]])),
        link=draw(st.sampled_from([None, "/workflows/{id}"])),
        columns=draw(st.dictionaries(NAMES, COLUMNS, max_size=3)),
        ignore=draw(st.sampled_from([(), (names[2],)])),
        keep=draw(st.sampled_from([(), (names[3],), (names[3], "n" * 40, "o" * 40)])),
        truncate=draw(st.sampled_from(["log", "forbid"])),
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("toml") / "audit.toml"


def read(path: Path, *written: str) -> tuple[TrackedTable, ...]:
    path.write_text("\n".join([write_header("crm"), *written]), encoding="utf-8")
    return read_config(path).tables


@settings(max_examples=100, deadline=None, derandomize=True)
@given(table=tables())
def test_what_is_written_reads_back_to_the_same_table(path: Path, table: TrackedTable) -> None:
    assert read(path, write_table(table)) == (table,)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(table=tables(), comment=VALUES)
def test_a_table_that_is_commented_out_comes_back_without_the_first_two_bytes(
    path: Path, table: TrackedTable, comment: str
) -> None:
    commented = comment_out(write_table(table, [comment]))
    assert read(path, commented) == ()
    assert read(path, "\n".join(line[2:] for line in commented.split("\n"))) == (table,)


def test_a_part_reads_back_under_its_parent(path: Path) -> None:
    part = TrackedTable(
        name=TableName("crm", "step.v2"),
        source="crm",
        module="Workflows",
        entity="Workflow",
        part="Step",
        parent=Parent(WORKFLOW.name, ("workflow_id",)),
        ancestors=(WORKFLOW,),
        redact=("token",),
        exclude=("search",),
    )
    assert read(path, write_table(WORKFLOW), write_table(part)) == (WORKFLOW, part)


def test_a_default_is_not_written() -> None:
    assert write_table(WORKFLOW) == (
        '[table."crm.workflow"]\nmodule = "Workflows"\nentity = "Workflow"\n'
    )


def test_a_column_stands_on_one_line_where_it_fits() -> None:
    column = Column("State", {"open": "Open", "it's": "It is"})
    table = TrackedTable(WORKFLOW.name, "crm", "M", "E", columns={"state": column})
    assert write_table(table).endswith(
        'state = { label = "State", values = { open = "Open", "it\'s" = "It is" } }\n'
    )


def test_a_long_column_has_a_line_for_each_word() -> None:
    column = Column("State", {f"state {number}": "x" * 20 for number in range(5)})
    table = TrackedTable(WORKFLOW.name, "crm", "M", "E", columns={"the state": column})
    lines = write_table(table).splitlines()
    assert '"the state".label = "State"' in lines
    assert f'"the state".values."state 4" = "{"x" * 20}"' in lines


def test_a_long_list_has_a_line_for_each_column(path: Path) -> None:
    ignore = tuple(f"column_number_{number}" for number in range(30))
    table = TrackedTable(WORKFLOW.name, "crm", "M", "E", ignore=ignore)
    assert '\n    "column_number_7",\n' in write_table(table)
    assert read(path, write_table(table)) == (table,)


def test_comments_are_wrapped_and_hold_nothing_that_would_end_them() -> None:
    comment = write_comment(["Its rows\nend\x00 here: " + "word " * 30])
    assert all(line.startswith("# ") and len(line) <= 100 for line in comment.splitlines())
    assert as_printed("a\nb\x00🦊") == "a\\nb\\x00🦊"
