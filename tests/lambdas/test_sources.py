"""Rules for every source file of lambdas."""

import ast
import re
from pathlib import Path

import pytest

import lambdas
from stacks.config.permissions import PERMISSIONS

SOURCES = sorted(Path(lambdas.__path__[0]).rglob("*.py"))


def _names(source: Path) -> set[str]:
    tree = ast.parse(source.read_text(encoding="utf-8"))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    texts = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return used | named | texts


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: "/".join(path.parts[-2:]))
def test_no_source_scans_a_table(source: Path) -> None:
    assert not {name for name in _names(source) if name.lower() in ("scan", "execute_statement")}


def test_only_settings_read_the_environment_or_make_clients() -> None:
    readers = {
        source.name
        for source in SOURCES
        if _names(source) & {"environ", "getenv"}
        or _imports(source) & {"boto3", "botocore.session"}
    }
    assert readers <= {"settings.py", "server.py"}


def _imports(source: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(source.read_text(encoding="utf-8"))))
    whole = {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    return whole | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_the_file_of_a_handler_has_the_name_of_its_function() -> None:
    with_handler = {source.stem for source in SOURCES if "handler" in _defined(source)}
    assert with_handler == {re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower() for name in PERMISSIONS}


def _defined(source: Path) -> set[str]:
    """The functions and variables of a module."""
    body = ast.parse(source.read_text(encoding="utf-8")).body
    functions = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    targets = [target for node in body if isinstance(node, ast.Assign) for target in node.targets]
    return functions | {target.id for target in targets if isinstance(target, ast.Name)}
