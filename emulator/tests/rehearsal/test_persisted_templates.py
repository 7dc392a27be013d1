"""A start from a persisted state reports what AWS would have done with the changes since."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rehearsal.steps import resource, stack

from emulator.rehearsal.persisted_templates import PersistedTemplates
from emulator.template.assembly import Assembly


def made(**tables: str) -> Assembly:
    keys = [{"AttributeName": "id", "KeyType": "HASH"}]
    resources = {
        name: resource("DynamoDB::Table", TableName=table, KeySchema=keys)
        for name, table in tables.items()
    }
    return Assembly((stack("data", {**resources, "Alarms": resource("SNS::Topic")}),))


def reported(directory: Path, wanted: Assembly) -> list[str]:
    return list(PersistedTemplates(directory, "dev").compared(wanted))


def test_the_first_start_and_an_unchanged_template_say_nothing(tmp_path: Path) -> None:
    assert reported(tmp_path, made(Chats="chats")) == []
    PersistedTemplates(tmp_path, "dev").write(made(Chats="chats"))
    assert reported(tmp_path, made(Chats="chats")) == []
    assert list(PersistedTemplates(tmp_path, "staging").compared(made(Chats="other"))) == []


def test_a_table_that_aws_would_make_anew_is_named(tmp_path: Path) -> None:
    PersistedTemplates(tmp_path, "dev").write(made(Chats="chats"))
    lines = reported(tmp_path, made(Chats="messages"))
    assert lines[0] == "on AWS this would replace Chats"
    assert lines[1].startswith("on AWS, data: Chats: it is replaced by a new, empty one")


def test_many_are_one_line(tmp_path: Path) -> None:
    names = [f"T{number}" for number in range(8)]
    PersistedTemplates(tmp_path, "dev").write(made(**{name: f"old-{name}" for name in names}))
    lines = reported(tmp_path, made(**{name: f"new-{name}" for name in names}))
    assert lines[0] == "on AWS this would replace T0, T1, T2, T3, T4 and 3 more"
    assert len(lines) == 2


def test_what_is_dropped_is_named(tmp_path: Path) -> None:
    PersistedTemplates(tmp_path, "dev").write(made(Chats="chats", Users="users"))
    (line,) = reported(tmp_path, made(Users="users"))
    assert line.startswith("on AWS, data: Chats: it is deleted with its items")


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"colour": "blue"}]'])
def test_a_file_that_can_t_be_read_does_not_stop_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "dev.templates.json").write_text(text)
    (line,) = reported(tmp_path, made(Chats="chats"))
    assert line.startswith("the templates that made the persisted state can't be compared: ")


def test_templates_that_can_t_be_resolved_do_not_stop_the_start(tmp_path: Path) -> None:
    PersistedTemplates(tmp_path, "dev").write(made(Chats="{{resolve:ssm:/name}}"))
    (line,) = reported(tmp_path, made(Chats="chats"))
    assert "data, Chats.TableName: dynamic references" in line
