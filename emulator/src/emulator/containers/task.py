"""One running task: a process that listens on a port of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emulator import credentials
from emulator.child_processes import ChildProcesses
from emulator.listening import HOST, free_port
from emulator.providers import EmulatorError

RECOVERY = 30.0  # real seconds that a resumed task has to become healthy
_POLL = 0.05  # seconds between two looks at whether the port accepts connections


@dataclass(frozen=True)
class Launch:
    """How a task's process is started: everything but its port."""

    command: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    pod: bool = False


class Task:
    """`revision` is the code's; `paused` by hand, so its bad health is meant."""

    def __init__(
        self, task_id: str, revision: int, process: asyncio.subprocess.Process, port: int, log: Path
    ) -> None:
        self.id = task_id
        self.revision = revision
        self.process = process
        self.port = port
        self.log = log
        self.registered = False
        self.stopping = False
        self.paused = False
        self._spared_until = 0.0
        self.started = asyncio.get_running_loop().time()

    @property
    def age(self) -> float:
        """Real seconds since its start."""
        return asyncio.get_running_loop().time() - self.started

    @property
    def exited(self) -> bool:
        return self.process.returncode is not None

    @property
    def exempt(self) -> bool:
        """Paused, or resumed so lately that its health checks can't have passed again yet."""
        return self.paused or self.age < self._spared_until

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def pause(self) -> None:
        self.paused = True
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.paused = False
        self._spared_until = self.age + RECOVERY
        self._signal(signal.SIGCONT)

    async def listening(self, seconds: float) -> bool:
        """Waits for the port to accept connections; False if it doesn't within `seconds` or the
        task ends."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not self.exited and asyncio.get_running_loop().time() < deadline:
            try:
                _, writer = await asyncio.open_connection(HOST, self.port)
            except OSError:
                await asyncio.sleep(_POLL)
            else:
                writer.close()
                return True
        return False

    async def end(self, children: ChildProcesses, stop_timeout: float) -> None:
        """SIGTERM, then SIGKILL after `stop_timeout` real seconds."""
        await children.end(self.process, stop_timeout)

    def _signal(self, number: signal.Signals) -> None:
        # The system knows that it has ended before this process is notified (until Python 3.12 by a
        # thread); macOS says so by another error.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if not self.exited:
                os.killpg(self.process.pid, number)


@dataclass(frozen=True)
class TaskProcesses:
    """Starts and ends a pool's tasks: `launch` is how now, `new_id` gives an id within the pool."""

    children: ChildProcesses
    launch: Callable[[], Launch]
    new_id: Callable[[], str]
    logs: Path

    async def start(self, pool: str, revision: int) -> Task:
        """Raises OSError, and EmulatorError for a command that isn't installed here."""
        task_id, launch = f"{pool}-{self.new_id()}", self.launch()
        log = _log_in(self.logs, task_id)
        port = free_port()
        with log.open("ab") as output:
            process = await self.children.start(
                *executable(launch.command),
                env={
                    **launch.environment,
                    # On ECS and EKS the credentials come from an address that
                    # AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI names.
                    **credentials.variables(task_id),
                    "HOST": HOST,
                    "PORT": str(port),
                    **(_pod_variables(task_id) if launch.pod else _task_variables(task_id)),
                },
                cwd=launch.directory,
                stdout=output,
            )
        return Task(task_id, revision, process, port, log)

    async def end(self, task: Task, stop_timeout: float) -> None:
        """SIGTERM, then SIGKILL after `stop_timeout` real seconds."""
        await task.end(self.children, stop_timeout)


def _task_variables(task_id: str) -> dict[str, str]:
    """The variables of a task on Fargate: "Amazon ECS environment variables", developer guide."""
    return {
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
        # On ECS its last part is the container's id, which an application may take for
        # its name. Nothing listens at it here.
        "ECS_CONTAINER_METADATA_URI_V4": f"http://{HOST}/v4/{task_id.rpartition('-')[2]}",
    }


def _pod_variables(task_id: str) -> dict[str, str]:
    """Kubernetes gives a container its pod's name as its host name."""
    return {"HOSTNAME": task_id}


def _log_in(logs: Path, task_id: str) -> Path:
    logs.mkdir(parents=True, exist_ok=True)  # each time: somebody may tidy up while it runs
    return logs / f"{task_id}.log"


def executable(command: Sequence[str]) -> list[str]:
    """The image's `python` is this interpreter, its other programs are those installed beside."""
    name, *arguments = command
    if name in ("python", "python3") or name.startswith("python3."):
        return [sys.executable, *arguments]
    beside = Path(sys.executable).parent / name
    if not beside.is_file():
        raise EmulatorError(f"the image's command {name!r} is not installed in this environment")
    return [str(beside), *arguments]
