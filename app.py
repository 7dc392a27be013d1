"""The CDK application: `python app.py -c env=dev|staging|prod`, or the same through `cdk`."""

import argparse
import json
import os
from pathlib import Path

from stacks.build.node import use_packaged_node
from stacks.config.errors import ConfigError, require

ROOT = Path(__file__).parent
# Stack traces have paths that differ from run to run; the same sources must give the same bytes.
NO_STACK_TRACES = {"aws:cdk:disable-creation-stack-traces": True}


def main() -> None:
    use_packaged_node()
    try:
        _synthesize()
    except ConfigError as error:
        raise SystemExit(str(error)) from None


def _synthesize() -> None:
    """Raises ConfigError for the context, or for stacks/config/environments.py, imported here."""
    arguments = _arguments()  # first: to load the library takes seconds

    from aws_cdk import App  # starts the Node.js that main chose

    from stacks.build.packages import InstallError, on_lambda, on_this_machine
    from stacks.config.overrides import environment_from
    from stacks.stage import EnvironmentStage

    app = App(
        # cdk.json is read here too, for runs without `cdk`; CDK_CONTEXT_JSON, set by `cdk`, wins
        context={**_written(), **NO_STACK_TRACES},
        post_cli_context=arguments,
        stack_traces=False,
        outdir=os.environ.get("CDK_OUTDIR", str(ROOT / "cdk.out")),
    )
    context = app.node.get_all_context()
    config = environment_from(context)
    on_host = context.get("bundle_for") == "host"
    platform = on_this_machine() if on_host else on_lambda(config.architecture)
    try:
        EnvironmentStage(app, config, platform)
    except RuntimeError as failure:
        # Node.js calls the bundling, and an error raised there comes back as part of a text
        _, opening, reason = str(failure).partition(InstallError.OPENING)
        if not opening:
            raise
        raise SystemExit(f"{opening}{reason}") from None
    app.synth()


def _written() -> dict[str, object]:
    """The context of cdk.json."""
    try:
        context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    except (ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"cdk.json is no JSON object with a context in it: {error!r}") from None
    if not isinstance(context, dict):
        raise SystemExit("cdk.json has a context that is no JSON object")
    for key, value in context.items():
        require(
            value is not None,
            key,
            value,
            "what is null in cdk.json is not there for CDK, and the setting would stay as it was",
            'Write "none" where a setting may be left out, or give it a value',
        )
    return context


def _arguments() -> dict[str, str]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        *("-c", "--context"),
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="env, or any setting of the environment: load_balancer.algorithm=...",
    )
    pairs = [pair.partition("=") for pair in parser.parse_args().context]
    for key, equals, value in pairs:
        if not equals:
            parser.error(f"-c {key} has no value: write -c {key}=<value>")
        if not key:
            parser.error(f"-c ={value} has no name: write -c <setting>={value}")
    return {key: value for key, _, value in pairs}


if __name__ == "__main__":
    main()
