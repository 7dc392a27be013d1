"""The command line of the emulator: `emulate up|status|down|logs|rehearse`."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from emulator.cli import background, logs, output
from emulator.cli.arguments import (
    ANY_SETTING,
    add_iam,
    add_idle_limit,
    add_places,
    add_settings,
    add_speed,
    set_state_directory,
)
from emulator.providers import EmulatorError, PortTaken
from emulator.runtime import endpoints, lock, ports, project
from emulator.runtime.options import DEFAULT_SPEED


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 1 where what was asked for could not be done."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help")):
        given.insert(0, "up")
    options = _parser().parse_args(given)
    set_state_directory(options)
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "up": _detach if getattr(options, "detach", False) else _up,
        "status": _status,
        "down": _down,
        "logs": _logs,
        "rehearse": _rehearse,
        "trace": _trace,
    }
    try:
        return commands[options.command](options)
    except EmulatorError as error:
        print(f"\nemulate: {error}", file=sys.stderr)
    except BrokenPipeError:  # nobody reads any more, as after `| head`
        output.close()
    except OSError as error:
        if not _is_unwritable(error, options):
            raise
        print(f"\nemulate: {_unwritable(error, options)}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="emulate", description="Runs a CDK app on this machine, from its own templates."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start it (the default), until Ctrl-C")
    up.add_argument("--env", default="dev", help="the environment of cdk.json (default: dev)")
    up.add_argument("--api-port", type=int, default=ports.DEFAULT_API, help="0 takes free ports")
    up.add_argument("--ws-port", type=int, help="default: the port after the API's")
    up.add_argument("--console-port", type=int, help="default: two after the API's")
    add_speed(up, default=DEFAULT_SPEED)
    add_idle_limit(up)
    add_iam(up)
    up.add_argument("--detach", action="store_true", help="return when it is ready")
    up.add_argument("--detached", action="store_true", help=argparse.SUPPRESS)
    up.add_argument(
        "--data", type=Path, help="where the data is persisted (default: STATE_DIR/data)"
    )
    up.add_argument("--fresh", action="store_true", help="without the data of earlier runs")
    add_settings(up, "-c", "--context", ANY_SETTING)
    commands.add_parser("status", help="where it runs")
    commands.add_parser("down", help="end it")
    shown = commands.add_parser("logs", help="what the functions and servers printed")
    shown.add_argument("name", nargs="?", help="a function, a pool's task, or aws")
    shown.add_argument("-f", "--follow", action="store_true")
    traced = commands.add_parser("trace", help="the way of one message through all services")
    traced.add_argument("id", metavar="ID", help="its id, or any text that it has")
    traced.add_argument("--json", action="store_true", help="the whole records as JSON")
    _add_rehearsal(commands.add_parser("rehearse", help="what a deployment would do, before it"))
    for command in commands.choices.values():
        add_places(command)
    return parser


def _add_rehearsal(command: argparse.ArgumentParser) -> None:
    command.add_argument("--env", default="dev", help="default: dev")
    command.add_argument(
        *("--from",),
        dest="since",
        metavar="REVISION",
        default="",
        help="the git revision that is deployed (default: nothing is, the account is empty)",
    )
    add_settings(command, "-c", "--context", "a setting, for both sides")
    add_settings(command, "--change", "a setting, for the new side alone")
    command.add_argument(
        "--accept", action="append", default=[], help="a resource whose loss is meant"
    )
    command.add_argument("--json", action="store_true", help="the whole result as JSON")


def _up(options: argparse.Namespace) -> int:
    # Everything behind this takes a while to import, and status or down should not wait for it.
    import asyncio

    from emulator.cli.up import run

    with lock.held(options.state_dir) as alone:
        if not alone:
            known = endpoints.read(options.state_dir)
            where = f", {known.api}" if known else ""
            raise EmulatorError(
                f"it runs already (pid {lock.holder(options.state_dir)}{where}): end it with "
                f"{_hint(options, 'down')}, or give the new one another --state-dir and --api-port"
            )
        try:
            return asyncio.run(run(options))
        except PortTaken as error:
            raise EmulatorError(_named(options, error)) from error


def _hint(options: argparse.Namespace, command: str, *arguments: str) -> str:
    """The command line to type for a command of `emulate`, with the state directory that `options`
    name."""
    of = project.read(options.project)
    return of.hint(command, *arguments, *of.state_arguments(options.state_dir))


def _named(options: argparse.Namespace, error: PortTaken) -> str:
    """The error with the owner of the port, where that is an emulator, and with what to do."""
    from emulator.cli import taken  # it imports an HTTP client, which no other command needs

    free = project.read(options.project).hint("up", "--api-port", "0")
    other = taken.listening_on(error.port)
    if other is None or not other.down:
        return f"{error}: {free} takes free ones"
    return (
        f"port {error.port} is taken by the emulator of {other.project} (pid {other.pid}): end it "
        f"with `{other.down}` in that folder, or start this one on free ports with {free}"
    )


def _is_unwritable(error: OSError, options: argparse.Namespace) -> bool:
    of_it = str(error.filename or "").startswith(str(options.state_dir))
    return of_it and error.errno in (
        errno.EACCES,
        errno.ENOENT,
        errno.ENOSPC,
        errno.EPERM,
        errno.EROFS,
    )


def _unwritable(error: OSError, options: argparse.Namespace) -> str:
    elsewhere = project.read(options.project).hint("up", "--state-dir", "/tmp/emulator")  # noqa: S108 - an example
    return (
        f"{error.filename} can't be written ({error.strerror}): name a folder that can be, as by "
        f"{elsewhere}"
    )


def _detach(options: argparse.Namespace) -> int:
    """Start `up` in a session of its own and show what it prints until it is ready."""

    process = background.start(_repeated(options), options.state_dir, output.show)
    return 0 if process.poll() is None else process.returncode or 1


def _repeated(options: argparse.Namespace) -> list[str]:
    values = {
        "--env": options.env,
        "--api-port": options.api_port,
        "--ws-port": options.ws_port,
        "--console-port": options.console_port,
        "--speed": options.speed,
        "--idle-limit": options.idle_limit,
        "--iam": options.iam,
        "--data": options.data and options.data.resolve(),
        "--project": options.project,
        "--state-dir": options.state_dir.resolve(),
    }
    pairs = [(name, str(value)) for name, value in values.items() if value is not None]
    pairs += [("--context", f"{key}={value}") for key, value in options.context]
    flags = ["--detached", *(["--fresh"] if options.fresh else [])]
    return [*flags, *(word for pair in pairs for word in pair)]


def _status(options: argparse.Namespace) -> int:
    pid, known = lock.holder(options.state_dir), endpoints.read(options.state_dir)
    if pid is None:
        print(f"the emulator is not running; {_hint(options, 'up')} starts it")
        return 1
    if known is None or known.pid != pid:
        print(f"the emulator is starting (pid {pid})")
        return 1
    print(f"the emulator runs {known.env} (pid {pid})\n{known.table()}")
    return 0


def _down(options: argparse.Namespace) -> int:
    pid = lock.holder(options.state_dir)
    if pid is None:
        endpoints.remove(options.state_dir)
        print("the emulator is not running")
        return 0
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + background.ENDS_WITHIN
    while lock.holder(options.state_dir) is not None:
        if time.monotonic() > deadline:
            raise EmulatorError(f"process {pid} does not end: `kill -9 {pid}` kills it")
        time.sleep(0.05)
    print("the emulator has ended")
    return 0


def _logs(options: argparse.Namespace) -> int:
    return logs.show(options.state_dir / "logs", options.name, follow=options.follow)


def _trace(options: argparse.Namespace) -> int:
    from emulator.cli import trace

    known = endpoints.read(options.state_dir)
    if known is None or lock.holder(options.state_dir) is None:
        raise EmulatorError(f"the emulator is not running; {_hint(options, 'up')} starts it")
    print("\n".join(trace.show(known, options.id, as_json=options.json)))
    return 0


def _rehearse(options: argparse.Namespace) -> int:
    from emulator.rehearsal.command import run

    return run(options)
