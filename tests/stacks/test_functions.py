"""The tables of functions, sizes and permissions agree, with each other and with the templates."""

import ast
from collections import Counter
from dataclasses import fields
from pathlib import Path

from stacks.config.environments import DEV
from stacks.config.functions import FUNCTIONS, FunctionSizes, setting_name
from stacks.config.permissions import PERMISSIONS
from tests.stacks.synthesized import Synthesized
from tests.support.rows import rows

ROOT = Path(__file__).parents[2]
SHARED = {"LOG_LEVEL", "POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"}


def test_every_function_has_a_row_a_size_and_permissions() -> None:
    assert set(PERMISSIONS) == set(FUNCTIONS)
    assert {field.name for field in fields(FunctionSizes)} == {
        setting_name(name) for name in FUNCTIONS
    }


def test_every_row_is_deployed_and_nothing_else(dev: Synthesized) -> None:
    deployed = {each.name.removesuffix("Function") for each in dev.all("AWS::Lambda::Function")}
    assert deployed == set(FUNCTIONS)


def test_a_route_has_one_function() -> None:
    routes = Counter(route for row in FUNCTIONS.values() for route in row.routes)
    assert set(routes.values()) == {1}


@rows("name", FUNCTIONS)
def test_a_handler_is_a_function_of_its_module(name: str) -> None:
    module, _, handler = FUNCTIONS[name].handler.rpartition(".")
    tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text())
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assigned = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert handler in defined | assigned


@rows("name", FUNCTIONS)
def test_a_function_is_deployed_as_its_row_says(dev: Synthesized, name: str) -> None:
    row, size = FUNCTIONS[name], DEV.functions.of(name)
    properties = dev.function(f"{name}Function").properties
    assert properties["Handler"] == row.handler
    assert (properties["Timeout"], properties["MemorySize"]) == (row.timeout, size.memory)
    assert (properties["Runtime"], properties["Architectures"]) == ("python3.13", ["arm64"])
    variables = properties["Environment"]["Variables"]
    assert set(variables) == {*row.variables, *SHARED}
    assert variables["POWERTOOLS_SERVICE_NAME"] == row.handler.split(".")[1]
