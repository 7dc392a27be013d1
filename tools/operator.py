"""`python -m tools.operator disable|enable|delete NAME`: an operator's acts on one user.

It invokes the environment's function Operator, with the operator's own AWS credentials where --env
names an environment, else on the system that runs on this machine. Exit status 0 when it is done.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from emulator.runtime import endpoints

STATE = Path(".local")
DONE = {
    "disable": "is disabled: signed out everywhere, connections closed, no pushes",
    "enable": "is enabled, and signs in again",
    "delete": "is deleted, and has left all chats; the name stays taken",
}
# longer than the function runs; a call that is repeated does no harm
CONFIG = Config(read_timeout=70, retries={"total_max_attempts": 2})

Invoke = Callable[[dict[str, str]], dict[str, Any]]


class OperatorError(Exception):
    """Nothing was done, or not all; the message has the reason."""


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    if given.act == "delete" and not given.yes and not _confirmed(given.user, given.env):
        print("nothing is deleted")
        return 1
    try:
        run(_invoke(given.env, given.project), given.act, given.user)
    except (OperatorError, BotoCoreError, ClientError) as error:
        print(f"operator: {error}", file=sys.stderr)
        return 1
    print(f"{given.user} {DONE[given.act]}")
    return 0


def run(invoke: Invoke, act: str, user: str) -> None:
    """Repeats the act until it is done. Raises OperatorError."""
    while True:
        response = invoke({"act": act, "user": user})
        if "error" in response:
            raise OperatorError(response["error"]["message"])
        if response["done"]:
            return


def _invoke(env: str | None, project: str) -> Invoke:
    options: dict[str, Any] = {}
    if env is None:
        found = endpoints.read(STATE)
        if found is None:
            raise OperatorError("nothing runs here: start it with make dev, or give --env")
        env = found.env
        options = {"endpoint_url": found.aws, "region_name": "us-east-1"}
        options |= {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    client: Any = boto3.client("lambda", config=CONFIG, **options)
    name = f"{project}-{env}-operator"

    def invoke(event: dict[str, str]) -> dict[str, Any]:
        response = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        document: dict[str, Any] = json.loads(response["Payload"].read())
        if "FunctionError" in response:
            raise OperatorError(f"{name} failed: {document.get('errorMessage')}; try again")
        return document

    return invoke


def _confirmed(user: str, env: str | None) -> bool:
    where = "on this machine" if env is None else f"in {env}"
    if not sys.stdin.isatty():
        return False
    return input(f"type {user} to delete this account {where}, for good: ").strip() == user


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.operator", description=__doc__)
    parser.add_argument("act", choices=list(DONE))
    parser.add_argument("user", help="the name of the user")
    parser.add_argument("--env", help="an environment on AWS; default: what runs on this machine")
    parser.add_argument("--project", default="switchboard", help="if the setting `project` differs")
    parser.add_argument("--yes", action="store_true", help="delete without asking")
    return parser


if __name__ == "__main__":
    sys.exit(main())
