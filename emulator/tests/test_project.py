"""Settings of the project: their defaults, and that a mistake in them is reported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from emulator.providers import EmulatorError
from emulator.runtime.options import Options
from emulator.runtime.project import Project, read


def write(directory: Path, settings: str) -> Path:
    (directory / "pyproject.toml").write_text(settings, encoding="utf-8")
    return directory


@pytest.mark.parametrize("text", [None, "", '[project]\nname = "x"\n', "[tool.emulator]\n"])
def test_every_setting_may_be_left_out(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        write(tmp_path, text)
    assert read(tmp_path) == Project(tmp_path)
    assert read(tmp_path).source_directory is None


def test_settings_are_read(tmp_path: Path) -> None:
    settings = """
        [tool.emulator]
        sources = "src"
        templates = ["stacks"]
        synth_inputs = ["app.py", "src"]
        load_path = "/health"
        page_path = "/"
        push_secrets."Custom::Push" = {Fcm = "fcm", Apns = "apns"}
        trace_field = "id"
        encrypted_fields = ["body"]
        phone_owner = "user"
        reports = {size = "tools.size {n=3}"}
        commands = {down = "make stop"}
    """
    found = read(write(tmp_path, settings))
    typed = {"down": "make stop"}
    secrets = {"Custom::Push": {"Fcm": "fcm", "Apns": "apns"}}
    inputs = ("app.py", "src")
    before = Project(
        *(tmp_path, "src", ("stacks",), inputs, "/health", "/"),
        encrypted_fields=("body",),
        phone_owner="user",
        reports={"size": "tools.size {n=3}"},
    )
    assert found == replace(before, trace_field="id", push_secrets=secrets, commands=typed)
    assert found.source_directory == tmp_path / "src"


@pytest.mark.parametrize(
    ("setting", "reported"),
    [
        ('source = "src"', "no setting source, only sources, templates"),
        ("sources = 1", "sources of [tool.emulator] is the name of a folder, got 1"),
        ('templates = "stacks"', "templates of [tool.emulator] is a list of files and folders"),
        ("synth_inputs = [1]", "synth_inputs of [tool.emulator] is a list"),
        ('page_path = ""', "page_path of [tool.emulator] is a path that starts with a slash"),
        ('load_path = "health"', "load_path of [tool.emulator] is a path that starts with a slash"),
        (
            'push_secrets."Custom::Push" = {Fcm = "gcm"}',
            "push_secrets of [tool.emulator] is a table",
        ),
        ('commands = {go = "make dev"}', "commands of [tool.emulator] is a table of texts, of up"),
        ("commands = {up = 1}", "commands of [tool.emulator] is a table of texts"),
        ("sources = ", "pyproject.toml: "),
    ],
)
def test_a_mistake_is_reported(tmp_path: Path, setting: str, reported: str) -> None:
    with pytest.raises(EmulatorError) as raised:
        read(write(tmp_path, f"[tool.emulator]\n{setting}\n"))
    assert reported in str(raised.value)


def test_a_hint_names_the_projects_own_command_and_where_to_type_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = {"up": "make dev", "arguments": 'ARGS="{}"'}
    project = Project(tmp_path, commands=commands)
    assert project.hint("up") == f"`make dev` in {tmp_path}"
    monkeypatch.chdir(tmp_path)
    assert project.hint("up") == "`make dev`"
    assert project.hint("up", "--api-port", "0") == '`make dev ARGS="--api-port 0"`'
    assert project.hint("down", "--state-dir", "a b") == "`emulate down --state-dir 'a b'`"


def test_what_ends_a_run_names_its_state_directory_where_that_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path = tmp_path.resolve()
    project = Project(tmp_path, commands={"down": "make stop", "arguments": "ARGS={}"})
    assert Options(project, tmp_path / ".local").command("down") == "make stop"
    other = tmp_path / "other"
    assert Options(project, other).command("down") == f"make stop ARGS=--state-dir {other}"
    monkeypatch.chdir(tmp_path)
    assert Options(project, other).hint("down") == f"`make stop ARGS=--state-dir {other}`"
    assert Options(project, Path("other")).hint("down") == Options(project, other).hint("down")


def test_a_project_s_own_state_directory_is_known_by_each_of_its_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "project")
    (tmp_path / "project" / ".local").symlink_to(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path / "project")
    project = Project(tmp_path / "project")
    for path in (".local", tmp_path / "link" / ".local", tmp_path / "elsewhere"):
        options = Options(project, Path(path))
        assert (options.command("down"), options.hint("down")) == ("emulate down", "`emulate down`")


def test_without_synth_inputs_all_but_tools_leftovers_is_read(tmp_path: Path) -> None:
    for name in ("app.py", "src/a.py", "src/__pycache__/a.pyc", ".venv/x", "cdk.out/y"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    every = {str(path.relative_to(tmp_path)) for path in Project(tmp_path).input_files()}
    assert every == {"app.py", "src/a.py"}
    chosen = Project(tmp_path, synth_inputs=("app.py", "missing")).input_files()
    assert list(chosen) == [tmp_path / "app.py"]
