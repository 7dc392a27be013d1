"""The settings of one run of the emulator, as the command line gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from emulator.iam.authority import ENFORCE
from emulator.runtime import ports
from emulator.runtime.project import Project

DEFAULT_SPEED = 10.0
# Lambda ends an execution environment after a period without invocations, whose length AWS does
# not publish: "Understanding the Lambda execution environment lifecycle", Lambda developer guide.
DEFAULT_IDLE_LIMIT = 300.0  # seconds


@dataclass(frozen=True)
class Options:
    """Everything the emulator writes goes to `state`; `elsewhere` are the variables that point AWS
    services at other emulators, `context` overrides settings of the environment."""

    project: Project
    state: Path
    env: str = "dev"
    api_port: int = ports.DEFAULT_API
    websocket_port: int | None = None
    console_port: int | None = None
    speed: float = DEFAULT_SPEED
    idle_limit: float = DEFAULT_IDLE_LIMIT
    iam: str = ENFORCE  # or one of the other MODES
    data_directory: Path | None = None  # default: `state`/data
    fresh: bool = False  # start without the data that is there
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.data_directory or self.state / "data"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    def command(self, name: str) -> str:
        """The command line to type for `emulate <name>` of this run, in the project's folder."""
        return self.project.command(name, *self.project.state_arguments(self.state))

    def hint(self, name: str) -> str:
        """The same in backquotes, with the folder where that is another one."""
        return self.project.hint(name, *self.project.state_arguments(self.state))
