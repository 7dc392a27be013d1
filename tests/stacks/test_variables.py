"""Environment variables: templates set exactly those that the code of lambdas/ reads."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from stacks.config.environments import DEV
from tests.stacks.synthesized import Synthesize, Synthesized

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "lambdas").rglob("*.py"))
NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")

# docs.aws.amazon.com/powertools/python/latest/environment_variables/
POWERTOOLS = {"LOG_LEVEL", "POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"}
OF_THE_PLATFORM = {
    # docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    "AWS_REGION",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    # docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
    "ECS_CONTAINER_METADATA_URI_V4",
    # kubernetes.io/docs/concepts/containers/container-environment/#container-information
    "HOSTNAME",
}
OF_SOCKET_TASKS = {
    *("CONNECTIONS_KEY", "TARGET_GROUP_ARN", "PING_SECONDS", "DRAIN_SECONDS", "MOST_CONNECTIONS"),
    "HEALTH_SECONDS",
}
IN_CONTAINERS = replace(DEV, websocket=replace(DEV.websocket, plane="containers"))
BY_CHOICE = {"LOG_LEVEL_PARAMETER"}  # with live_log_level alone
NOT_ON_AWS = {
    "HOST": "where a container listens on a laptop",
    "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": "an emulator of Cognito",
    "EMULATOR_WEB_PUSH_URL": "an emulator of browsers' push services",
}


def read() -> set[str]:
    """Names of variables, as they are given to Settings: `settings["X"]`, `settings.get("X")`, and
    the tables' names to `_table`."""
    return {name for source in SOURCES for name in _read_in(ast.parse(source.read_text()))}


def _read_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript):
            key = node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            key = node.args[0] if node.func.attr in ("get", "_table") and node.args else None
        name = key.value if isinstance(key, ast.Constant) else None
        if isinstance(name, str) and NAME.fullmatch(name):
            yield name


def given(environment: Synthesized) -> set[str]:
    functions = environment.all("AWS::Lambda::Function")
    tasks = environment.all("AWS::ECS::TaskDefinition")
    return {
        *(
            name
            for each in functions
            for name in each.properties.get("Environment", {}).get("Variables", {})
        ),
        *(
            pair["Name"]
            for each in tasks
            for container in each.properties["ContainerDefinitions"]
            for pair in container["Environment"]
        ),
    }


def test_every_variable_of_a_template_is_read_and_every_one_that_is_read_is_there(
    dev: Synthesized, staging: Synthesized, prod: Synthesized, synthesize: Synthesize
) -> None:
    everywhere = read() - OF_THE_PLATFORM - BY_CHOICE - set(NOT_ON_AWS) | POWERTOOLS
    for environment in (dev, staging, prod):
        assert given(environment) == everywhere - OF_SOCKET_TASKS
    assert given(synthesize(IN_CONTAINERS)) == everywhere


def test_pools_of_both_kinds_get_the_same_variables(prod: Synthesized) -> None:
    api = prod.function("ApiFunction").properties["Environment"]["Variables"]
    for task in prod.all("AWS::ECS::TaskDefinition"):
        (container,) = task.properties["ContainerDefinitions"]
        variables = {pair["Name"]: pair["Value"] for pair in container["Environment"]}
        assert {name: variables[name] for name in api} == {
            **api,
            "POOL_NAME": variables["POOL_NAME"],
        }
        of_tasks = {"PORT", "KEEP_ALIVE_SECONDS", "FINISH_SECONDS", "DIRECT_CLIENTS"}
        assert set(variables) - set(api) == of_tasks


def test_no_argument_of_powertools_beats_a_variable() -> None:
    """`Logger(service=...)`, `Logger(level=...)` and `Metrics(namespace=...)` do. No variable names a
    serializer."""
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id in ("Logger", "Metrics", "Tracer", "single_metric"):
                others = {each.arg for each in node.keywords} - {"json_serializer", "provider"}
                assert not node.args and not others, f"{source}:{node.lineno}"


def test_no_part_of_an_arn_or_a_domain_that_a_partition_decides_is_fixed() -> None:
    """In the constants of the code, parts of f-strings included; docstrings may show one. Names of
    service principals, as "dynamodb.amazonaws.com", are no addresses."""
    fixed = re.compile(r"arn:aws:|https?://\S*amazonaws\.com|^\.amazonaws\.com")
    for folder in ("lambdas", "stacks"):
        for source in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(source.read_text())
            for text in _texts(tree):
                assert not fixed.search(text) or "<account>" in text, f"{source}: {text}"


def _texts(tree: ast.AST) -> Iterator[str]:
    seen = {id(text) for text in _docstrings(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):  # whole: one part alone may look like an address
            parts = [part for part in node.values if isinstance(part, ast.Constant)]
            seen |= {id(part) for part in parts}
            yield "".join(str(part.value) for part in parts)
        elif isinstance(node, ast.Constant) and id(node) not in seen:
            yield str(node.value)


def _docstrings(tree: ast.AST) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield first.value
