"""Rules for every source file of lambdas."""

import ast
import re
from functools import cache
from pathlib import Path

import lambdas
from stacks.config.permissions import PERMISSIONS

SOURCES = sorted(Path(lambdas.__path__[0]).rglob("*.py"))


@cache
def _nodes(source: Path) -> list[ast.AST]:
    """Of its tree, the module itself first."""
    return list(ast.walk(ast.parse(source.read_text(encoding="utf-8"))))


@cache
def _names(source: Path) -> set[str]:
    nodes = _nodes(source)
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    named = {node.id for node in nodes if isinstance(node, ast.Name)}
    constants = {node.value for node in nodes if isinstance(node, ast.Constant)}
    return used | named | {value for value in constants if isinstance(value, str)}


def test_no_source_scans_a_table() -> None:
    forbidden = ("scan", "execute_statement")
    found = [(source, name) for source in SOURCES for name in _names(source)]
    assert [each for each in found if each[1].lower() in forbidden] == []


def test_only_settings_read_the_environment_or_make_clients() -> None:
    readers = {
        source.name
        for source in SOURCES
        if _names(source) & {"environ", "getenv"}
        or _imports(source) & {"boto3", "botocore.session"}
    }
    assert readers <= {"settings.py", "server.py"}


def _imports(source: Path) -> set[str]:
    nodes = _nodes(source)
    whole = {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    return whole | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_the_file_of_a_handler_has_the_name_of_its_function() -> None:
    with_handler = {source.stem for source in SOURCES if "handler" in _defined(source)}
    assert with_handler == {re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower() for name in PERMISSIONS}


def _defined(source: Path) -> set[str]:
    """The functions and variables of a module."""
    module = _nodes(source)[0]
    assert isinstance(module, ast.Module)
    body = module.body
    functions = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    targets = [target for node in body if isinstance(node, ast.Assign) for target in node.targets]
    return functions | {target.id for target in targets if isinstance(target, ast.Name)}
