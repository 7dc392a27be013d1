"""Settings of the project that is emulated: the table `[tool.emulator]` of its pyproject.toml."""

from __future__ import annotations

import os
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.providers import EmulatorError

FCM, APNS = "fcm", "apns"
STATE = ".local"  # the project's own state directory
ARGUMENTS = "arguments"  # the entry of `commands` by which a command takes arguments
COMMANDS = ("up", "down", "status", "logs", "rehearse", "trace")
_NOT_INPUTS = ("__pycache__", "node_modules", "cdk.out", ".")  # folders whose names start so


@dataclass(frozen=True)
class Project:
    """Every setting may be left out: the defaults suit any CDK app in Python.

    `push_secrets` maps the type of a custom resource to its properties that hold the ARN of a
    secret, and these to the credentials that the secret holds: "fcm" or "apns". `commands` has
    what people here type in the place of a command of `emulate`, as every hint names it.
    """

    directory: Path
    sources: str = ""  # the folder of the functions' code, reloaded on save; "" for none
    templates: tuple[str, ...] = ("app.py", "cdk.json")  # changes here take a restart
    synth_inputs: tuple[str, ...] = ()  # what app.py reads; () for the whole project
    load_path: str = "/"  # for loads that name no path
    page_path: str = ""  # of the load balancer, what a person opens; "" for none
    trace_field: str = "message_id"  # of clients' frames: the console lists its values
    encrypted_fields: tuple[str, ...] = ()  # whose values the console shows as ciphertext
    phone_owner: str = ""  # the attribute of an item that says whose a phone's endpoint is
    reports: Mapping[str, str] = field(default_factory=dict)  # see `emulator.console.reports`
    push_secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    commands: Mapping[str, str] = field(default_factory=dict)

    def command(self, name: str, *arguments: str) -> str:
        """The command line to type for `emulate <name> <arguments>`, in the project's folder."""
        typed, given = self.commands.get(name), shlex.join(arguments)
        if typed is None:
            return f"emulate {name} {given}".rstrip()
        takes = self.commands.get(ARGUMENTS, "{}")
        return f"{typed} {takes.format(given)}" if given else typed

    def hint(self, name: str, *arguments: str) -> str:
        """The command in backquotes, with the folder to type it in where that is another one."""
        where = "" if Path.cwd() == self.directory.resolve() else f" in {self.directory}"
        return f"`{self.command(name, *arguments)}`{where}"

    def state_arguments(self, state: Path) -> tuple[str, ...]:
        """The arguments that a command needs to find this state directory: none, where it is the
        project's own, also by another path."""
        own = (self.directory / STATE).resolve()
        return () if state.resolve() == own else ("--state-dir", str(state.resolve()))

    @property
    def source_directory(self) -> Path | None:
        return self.directory / self.sources if self.sources else None

    def input_files(self) -> Iterator[Path]:
        """Every file that templates and packages of functions are made of."""
        for top in [self.directory / name for name in self.synth_inputs] or [self.directory]:
            if top.is_file():
                yield top
            for directory, folders, files in os.walk(top):
                folders[:] = [name for name in folders if not name.startswith(_NOT_INPUTS)]
                yield from (Path(directory) / name for name in files)


def read(directory: Path) -> Project:
    """Raises EmulatorError for a setting that does not exist, and for a value that is none."""
    file = directory / "pyproject.toml"
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Project(directory)
    except tomllib.TOMLDecodeError as error:
        raise EmulatorError(f"{file}: {error}") from error
    table: dict[str, Any] = document.get("tool", {}).get("emulator", {})
    for name, value in table.items():
        if name not in _RULES:
            known = ", ".join(_RULES)
            raise EmulatorError(f"{file}: [tool.emulator] has no setting {name}, only {known}")
        rule, holds = _RULES[name]
        if not holds(value):
            raise EmulatorError(f"{file}: {name} of [tool.emulator] is {rule}, got {value!r}")
    return Project(directory, **{name: _frozen(value) for name, value in table.items()})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("/")


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_push_secrets(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(secrets, dict) and all(kind in (FCM, APNS) for kind in secrets.values())
        for secrets in value.values()
    )


def _are_reports(value: Any) -> bool:
    return isinstance(value, dict) and all(
        name.isidentifier() and isinstance(typed, str) and typed.strip()
        for name, typed in value.items()
    )


def _are_commands(value: Any) -> bool:
    return isinstance(value, dict) and all(
        name in (*COMMANDS, ARGUMENTS) and isinstance(typed, str) for name, typed in value.items()
    )


_RULES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "sources": ("the name of a folder", _is_text),
    "templates": ("a list of files and folders", _are_texts),
    "synth_inputs": ("a list of files and folders", _are_texts),
    "trace_field": ("the name of a field", _is_text),
    "encrypted_fields": ("a list of names of fields", _are_texts),
    "phone_owner": ("the name of an attribute", _is_text),
    "reports": ('a table {name = "module --option {field=1000}"}', _are_reports),
    "load_path": ("a path that starts with a slash", _is_path),
    "commands": (f"a table of texts, of {', '.join((*COMMANDS, ARGUMENTS))}", _are_commands),
    "page_path": ("a path that starts with a slash", _is_path),
    "push_secrets": (f"a table {{type = {{property = {FCM!r} or {APNS!r}}}}}", _are_push_secrets),
}
