"""What TOML can say but a migration could not hold: refused before anything is written."""

from pathlib import Path

import pytest

from generator.config import ConfigError
from generator.parse import MAX_REFERENCES, read_config
from generator.policies import SECRET_LOOKING

WORKFLOW = 'source = "crm"\n[table."crm.workflow"]\nmodule = "Workflows"\nentity = "Workflow"\n'


def findings(folder: Path, text: str) -> list[str]:
    (folder / "audit.toml").write_text(text, encoding="utf-8")
    try:
        read_config(folder / "audit.toml")
    except ConfigError as error:
        return error.findings
    return []


def references(count: int) -> str:
    line = 'columns.c{}.references = {{ table = "crm.user", label = "name" }}\n'
    return "".join(line.format(number) for number in range(count))


def test_a_row_has_no_more_references_than_a_function_takes_arguments(tmp_path: Path) -> None:
    assert findings(tmp_path, WORKFLOW + references(MAX_REFERENCES)) == []
    (found,) = findings(tmp_path, WORKFLOW + references(MAX_REFERENCES + 1))
    assert found.endswith("has 51 references – keep the 50 that say most")


@pytest.mark.parametrize("escape", ["\\r", "\\n", "\\u0000", "\\u0085", "\\u2028"])
def test_a_word_stays_on_its_line(tmp_path: Path, escape: str) -> None:
    (found,) = findings(tmp_path, WORKFLOW.replace('"Workflows"', f'"Work{escape}flows"'))
    assert found.endswith('"module" holds a control character – write it on one line')


@pytest.mark.parametrize("escape", ["\\u00a0", "\\u200d", "\\u00ad", "🦊", "\\\\", "'", '\\"'])
def test_a_word_may_hold_anything_else(tmp_path: Path, escape: str) -> None:
    assert findings(tmp_path, WORKFLOW.replace('"Workflows"', f'"Work{escape}"')) == []


def test_a_finding_prints_nothing_that_a_terminal_would_obey(tmp_path: Path) -> None:
    (found, *_) = findings(tmp_path, WORKFLOW + '"\\u001b[2J" = 1\n')
    assert 'unknown key "\\x1b[2J"' in found


def test_a_file_that_can_not_be_read_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read: Is a directory"):
        read_config(tmp_path)


@pytest.mark.parametrize("name", ["password", "Client_Secret", "apiKey", "otp_code", "pin_salt"])
def test_a_name_that_looks_like_a_secret_needs_a_policy(tmp_path: Path, name: str) -> None:
    (found,) = findings(tmp_path, WORKFLOW + f'columns.{name}.label = "X"\n')
    assert f'column "{name}" looks like a secret' in found


@pytest.mark.parametrize("name", ["secretary", "carbon_footprint", "salted_at", "topic", "passed"])
def test_a_name_that_only_sounds_like_a_secret_needs_none(name: str) -> None:
    assert not SECRET_LOOKING.search(name)
