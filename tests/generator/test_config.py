"""audit.toml: everything that is wrong is said at once, where – what – how to fix."""

from pathlib import Path

import pytest

from generator.config import Config, ConfigError
from generator.names import TableName, parse_table_name
from generator.parse import read_config

WORKFLOW = """
source = "crm"
[table."crm.workflow"]
module = "Workflows"
entity = "Workflow"
"""


def config(folder: Path, text: str) -> Config:
    path = folder / "audit.toml"
    path.write_text(text, encoding="utf-8")
    return read_config(path)


def findings(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config(folder, text)
    return caught.value.findings


def test_a_table_needs_only_a_module_and_an_entity(tmp_path: Path) -> None:
    (table,) = config(tmp_path, WORKFLOW).tables
    assert table.name == TableName("crm", "workflow")
    assert (table.key, table.truncate, table.parent) == (("id",), "log", None)
    assert table.capture == "row"


def test_migrations_are_beside_the_config_unless_it_says_otherwise(tmp_path: Path) -> None:
    assert config(tmp_path, WORKFLOW).migrations == tmp_path / "migrations"
    assert config(tmp_path, 'migrations = "db"\n' + WORKFLOW).migrations == tmp_path / "db"


def test_a_child_has_the_module_and_entity_of_its_root(tmp_path: Path) -> None:
    text = (
        WORKFLOW
        + """
    [table."crm.condition"]
    parent = { table = "crm.workflow", key = "workflow_id" }
    part = "Condition"
    [table."crm.value"]
    parent = { table = "crm.condition", key = "condition_id" }
    part = "Value"
    """
    )
    value = config(tmp_path, text).tables[2]
    assert (value.module, value.entity) == ("Workflows", "Workflow")
    assert [ancestor.name.table for ancestor in value.ancestors] == ["condition", "workflow"]


def test_what_a_table_hides_is_no_label_of_a_reference_to_it(tmp_path: Path) -> None:
    text = (
        WORKFLOW
        + """
    columns.owner_id.references = { table = "crm.user", label = "pin" }
    [table."crm.user"]
    module = "Users"
    entity = "User"
    redact = ["pin"]
    """
    )
    assert findings(tmp_path, text) == [
        'audit.toml: table "crm.workflow": column "owner_id": references: '
        '"label" is "pin", which table "crm.user" hides – name another column'
    ]


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ('ignored = ["x"]', 'unknown key "ignored" (did you mean "ignore"?)'),
        ("label = 7", '"label" must be a text, such as label = "name"'),
        ("key = [1]", '"key" must be a list of columns, such as key = ["id"]'),
        ('truncate = "ask"', '"truncate" is \'ask\', but must be "log", "rows" or "forbid"'),
        ('capture = "all"', '"capture" is \'all\', but must be "row" or "statement"'),
        ('part = "Step"', '"part" needs a parent – remove it, or add one'),
        ('link = "javascript:x"', '"link" must begin with / or http:// or https://'),
        (
            'exclude = ["id"]',
            'column "id" can\'t be hidden: it names the row – '
            'remove it from "exclude" and "redact"',
        ),
        (
            'say.added = "Added"',
            'say: unknown key "added" (known: created, deleted)',
        ),
        (
            'columns.plan = { say = { up = "Upgraded to {new" } }',
            'column "plan": say: "up" has a brace too many or too few – '
            "write {new} or {difference:licence}",
        ),
        (
            'redact = ["x"]\nignore = ["x"]',
            'column "x" has 2 policies – keep one of them',
        ),
        (
            'columns.api_key = { label = "Key" }',
            'column "api_key" looks like a secret – add it to "redact" or "exclude", '
            'or to "keep" where it is none',
        ),
        (
            'link = "/$capture$"',
            '"link" holds $capture$, which ends a generated function – reword it',
        ),
        (f'label = "{"n" * 64}"', f'"label": the name "{"n" * 64}" has 64 bytes'),
    ],
)
def test_a_wrong_line_is_explained(tmp_path: Path, line: str, finding: str) -> None:
    (found,) = findings(tmp_path, WORKFLOW + line)
    assert found.startswith(f'audit.toml: table "crm.workflow": {finding}')


def test_all_findings_come_together(tmp_path: Path) -> None:
    text = WORKFLOW + 'lable = "name"\nkey = 1\n[table."nodot"]\nmodule = "M"\nentity = "E"'
    assert len(findings(tmp_path, text)) == 3


def test_a_secret_is_no_finding_where_it_has_a_policy(tmp_path: Path) -> None:
    text = WORKFLOW + 'keep = ["token_count"]\ncolumns.token_count = { label = "Tokens" }'
    assert config(tmp_path, text).tables[0].keep == ("token_count",)


@pytest.mark.parametrize(
    ("parent", "finding"),
    [
        ('{ table = "crm.gone", key = "x" }', 'its parent "crm.gone" is not tracked'),
        ('{ table = "crm.step", key = "x" }', "is its own ancestor"),
        ('{ table = "crm.workflow", key = ["a", "b"] }', '"crm.workflow" has the key id'),
        ('{ table = "crm.workflow" }', '"key" is missing'),
    ],
)
def test_a_parent_that_leads_nowhere_is_explained(
    tmp_path: Path, parent: str, finding: str
) -> None:
    text = WORKFLOW + f'[table."crm.step"]\npart = "Step"\nparent = {parent}'
    assert any(finding in found for found in findings(tmp_path, text))


def test_two_tables_that_would_share_a_function_are_refused(tmp_path: Path) -> None:
    body = 'module = "M"\nentity = "E"\n'
    text = f'source = "s"\n[table."a_b.c"]\n{body}[table."a.b_c"]\n{body}'
    (found,) = findings(tmp_path, text)
    assert 'would share the function audit."capture_a_b_c"' in found


def test_the_audit_schema_itself_can_not_be_tracked(tmp_path: Path) -> None:
    text = 'source = "s"\n[table."audit.entry"]\nmodule = "M"\nentity = "E"\n'
    assert "can't be tracked" in findings(tmp_path, text)[0]


def test_a_missing_file_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="pgwitness init"):
        read_config(tmp_path / "audit.toml")


def test_what_is_no_toml_says_where(tmp_path: Path) -> None:
    assert "line 1" in findings(tmp_path, "source = \nx = 1")[0]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("crm.workflow", TableName("crm", "workflow")),
        ("Crm.Ünïcode table", TableName("Crm", "Ünïcode table")),
        ('"a.b"."c""d"', TableName("a.b", 'c"d')),
        ("select.from", TableName("select", "from")),
    ],
)
def test_names_are_literal_or_quoted_as_in_sql(written: str, name: TableName) -> None:
    assert parse_table_name(written) == name
    assert parse_table_name(str(name)) == name


def test_long_names_that_postgresql_would_cut_stay_two_functions() -> None:
    one, two = (TableName("s" * 63, "t" * 62 + end) for end in "ab")
    assert one.capture_function != two.capture_function
    assert len(one.capture_function.encode()) <= 63
