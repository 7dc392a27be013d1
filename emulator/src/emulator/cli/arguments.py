"""Command line arguments that the emulator's commands, and tools on top of it, have in common."""

from __future__ import annotations

import argparse
from pathlib import Path

from emulator.iam.authority import ENFORCE, MODES
from emulator.runtime.options import DEFAULT_IDLE_LIMIT, DEFAULT_SPEED
from emulator.runtime.project import STATE

ANY_SETTING = "any setting of the environment, as for cdk: load_balancer.ip_hash=true"


def add_places(command: argparse.ArgumentParser) -> None:
    """`--project` and `--state-dir`; after parsing, call set_state_directory."""
    command.add_argument("--project", type=directory, default=Path.cwd())
    command.add_argument(
        "--state-dir", type=Path, help="what it writes goes here (default: PROJECT/.local)"
    )


def set_state_directory(options: argparse.Namespace) -> None:
    options.state_dir = options.state_dir or options.project / STATE


def add_speed(command: argparse.ArgumentParser, default: float | None) -> None:
    command.add_argument(
        "--speed",
        type=float,
        default=default,
        help="how much faster health checks, drains and batching windows run "
        f"(default: {DEFAULT_SPEED:g})",
    )


def add_idle_limit(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--idle-limit",
        type=float,
        default=DEFAULT_IDLE_LIMIT,
        metavar="SECONDS",
        help="a function's process ends after so long without an event "
        f"(default: {DEFAULT_IDLE_LIMIT:g})",
    )


def add_iam(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--iam",
        choices=MODES,
        default=ENFORCE,
        help="what happens to calls that a function's or task's role does not allow: enforce"
        " denies them as AWS does, warn reports them, off lets them pass (default: enforce)",
    )


def add_settings(command: argparse.ArgumentParser, *flags: str) -> None:
    *names, description = flags
    command.add_argument(
        *names, type=setting, action="append", default=[], metavar="KEY=VALUE", help=description
    )


def setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"{text} is no setting: write KEY=VALUE")
    if key in ("env", "bundle_for"):
        raise argparse.ArgumentTypeError(f"{key} can't be set so: name the environment by --env")
    return key, value


def directory(text: str) -> Path:
    path = Path(text).resolve()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a directory")
    return path
