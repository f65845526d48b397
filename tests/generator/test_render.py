"""The rendered SQL is reviewed as code: what changes here, a DBA will read."""

from pathlib import Path

import jinja2
import pytest

from generator.names import TableName
from generator.parse import read_config
from generator.quoting import literal, refuse_unquoted
from generator.render import render_track, render_untrack

GOLDEN = Path(__file__).parents[1] / "golden"
TABLES = {table.name.table: table for table in read_config(GOLDEN / "audit.toml").tables}


@pytest.mark.parametrize(
    "name",
    ["customer", "order", "item", "discount", "it's; a\\table", "stock", "price", "coupon"],
)
def test_rendered_sql_is_the_reviewed_one(name: str) -> None:
    golden = GOLDEN / f"{name.split(';')[0].replace(chr(39), '')}.sql"
    assert render_track(TABLES[name]) == golden.read_text(encoding="utf-8"), (
        f"read the difference; if it is meant: pgwitness render -c tests/golden/audit.toml "
        f'--table "{TABLES[name].name}" > {golden.name}'
    )


def test_an_option_that_is_off_leaves_no_line() -> None:
    plain = render_track(TABLES["customer"])
    for word in ("_redact", "GRANT SELECT", "v_labels", "v_entity", "not recorded", "p_link"):
        assert word not in plain


def test_the_same_config_gives_the_same_bytes() -> None:
    again = {table.name.table: table for table in read_config(GOLDEN / "audit.toml").tables}
    assert render_track(again["order"]) == render_track(TABLES["order"])


def test_an_unquoted_value_fails_at_render_time() -> None:
    environment = jinja2.Environment(finalize=refuse_unquoted)  # noqa: S701 - renders SQL
    with pytest.raises(TypeError, match="without a quoting function"):
        environment.from_string("DROP TABLE {{ name }}").render(name="x")


def test_quotes_and_backslashes_are_right_under_any_setting() -> None:
    assert literal("it's") == "'it''s'"
    assert literal("back\\slash") == "E'back\\\\slash'"


def test_untracking_keeps_the_words_for_old_entries() -> None:
    assert "CALL audit._forget('crm', 'workflow');" in render_untrack(TableName("crm", "workflow"))
