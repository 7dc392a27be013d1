"""The templates beside a kept state: what a start on the laptop says of those that changed since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.rehearsal.kept import KeptTemplates
from local.template.assembly import Assembly
from tests.local.rehearsal_steps import resource, stack


def made(*keys: str, **properties: Any) -> Assembly:
    listed = [{"AttributeName": key, "KeyType": "HASH"} for key in keys]
    table = resource("DynamoDB::Table", KeySchema=listed, **properties)
    return Assembly((stack("data", {"Chats": table}),))


def test_a_table_that_aws_would_replace_is_told_once(tmp_path: Path) -> None:
    kept = KeptTemplates(tmp_path, "dev")
    assert [*kept.compared(made("chat"))] == []  # the first start
    kept.write(made("chat"))
    assert [*kept.compared(made("chat"))] == []
    replaced, data = kept.compared(made("room"))
    assert replaced == "AWS would replace Chats (KeySchema), AWS::DynamoDB::Table"
    assert data.startswith("data in a deployment: Chats: it is replaced by a new, empty one")
    kept.write(made("room"))
    assert [*kept.compared(made("room"))] == []


def test_a_change_in_place_is_not_worth_a_word(tmp_path: Path) -> None:
    kept = KeptTemplates(tmp_path, "dev")
    kept.write(made("chat"))
    assert [*kept.compared(made("chat", BillingMode="PAY_PER_REQUEST"))] == []


def test_environments_are_kept_apart(tmp_path: Path) -> None:
    KeptTemplates(tmp_path, "dev").write(made("chat"))
    assert [*KeptTemplates(tmp_path, "prod").compared(made("room"))] == []


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"colour": "blue"}]'])
def test_a_file_that_can_t_be_read_does_not_stop_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "dev.templates.json").write_text(text)
    (line,) = KeptTemplates(tmp_path, "dev").compared(made("chat"))
    assert line.startswith("the templates that made the kept state can't be compared: ")


def test_templates_that_can_t_be_resolved_do_not_stop_the_start(tmp_path: Path) -> None:
    kept = KeptTemplates(tmp_path, "dev")
    kept.write(made("chat", TableName="{{resolve:ssm:/name}}"))
    (line,) = kept.compared(made("chat"))
    assert "data, Chats.TableName: dynamic references" in line
