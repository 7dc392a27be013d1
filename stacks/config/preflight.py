"""Checks that `make deploy` and `make destroy` run before they start the CDK.

`python -m stacks.config.preflight deploy -c env=prod ...` takes the arguments that `cdk` gets.
Where `cdk` would fail half-way or leave something behind, it prints the reason and exits with a
status that stops make. It needs neither AWS nor Node.js.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from stacks.config.environments import Environment
from stacks.config.errors import ConfigError
from stacks.config.overrides import environment_from

CDK_JSON = Path(__file__).parents[2] / "cdk.json"
NEVER_ASKS = "never"  # the only level of --require-approval at which `cdk deploy` never asks


def main(arguments: Sequence[str], *, terminal: bool) -> None:
    """Raises SystemExit with the reason where the command must not go on.

    `terminal`: whether somebody can be asked.
    """
    given = _parsed(arguments)
    try:
        config = environment_from(_context(given.context))
    except ConfigError as error:
        raise SystemExit(str(error)) from None
    if given.command == "destroy":
        _check_destroy(config, given)
    if terminal or given.yes:
        return
    if given.command == "deploy" and given.require_approval != NEVER_ASKS:
        raise SystemExit(
            "There is no terminal to ask in, and a deployment asks before it changes permissions "
            "or opens the network. Look at `make diff`, and if that is what you want, add "
            'ARGS="--require-approval never".'
        )
    if given.command == "destroy" and not given.force:
        raise SystemExit(
            "There is no terminal to ask in, and destroy asks before it deletes. If you mean it, "
            'add ARGS="--force".'
        )


def _check_destroy(config: Environment, given: argparse.Namespace) -> None:
    if not config.retain:  # deletion_protection is never set without it
        return
    standing = ["retain", *(["deletion_protection"] if config.deletion_protection else [])]
    options = " ".join(f"-c {pair}" for pair in given.context if not pair.startswith("env="))
    off = " ".join([options, *(f"-c {name}=false" for name in standing)]).strip()
    raise SystemExit(
        f"{' and '.join(standing)} of {config.name} {'is' if len(standing) == 1 else 'are'} true: "
        "AWS would not delete its stacks, tables, users or load balancers, or would leave behind "
        "what holds data. To delete all of it, messages and accounts included, deploy it without "
        f'protection first: make deploy env={config.name} ARGS="{off}". Then: make destroy '
        f'env={config.name} ARGS="{off}".'
    )


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The options that matter here, spelled as `cdk` spells them; all others are left to it."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("command", choices=("deploy", "destroy"))
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--require-approval")
    parser.add_argument("-f", "--force", action="store_true")
    parser.add_argument("-y", "--yes", action="store_true")
    return parser.parse_known_args(arguments)[0]


def _context(pairs: Sequence[str]) -> dict[str, object]:
    """The context that app.py gets: cdk.json, and each -c over it."""
    context: dict[str, object] = json.loads(CDK_JSON.read_text())["context"]
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise SystemExit(f"-c {key} has no value: write -c {key}=<value>")
        context[key] = value
    return context


if __name__ == "__main__":
    main(sys.argv[1:], terminal=sys.stdout.isatty())
