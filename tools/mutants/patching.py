"""The patch that puts a mutant into the imported modules of a process of its own.

Importing the project takes a second and a test a tenth of it, so nothing is imported again. Each
function object gets the code that it would have had, and a constant is replaced wherever it was
imported. Not reached: fields of classes, and what was computed from the constant at import.
"""

import ast
import functools
import gc
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from tools.mutants.mutant import DEFAULTS, Mutant

Place = tuple[str, int]  # qualified name, first line


class Loaded:
    """The functions of the project's modules, looked for once: that walks all of memory."""

    def __init__(self, root: Path, folders: tuple[str, ...]) -> None:
        inside = tuple(f"{root / folder}/" for folder in folders)
        self.functions: dict[str, list[FunctionType]] = {}
        gc.unfreeze()  # what is frozen is not listed
        gc.unfreeze()  # tests/conftest.py freezes what it imports, which get_objects leaves out
        for each in gc.get_objects():
            # not isinstance, which asks a weak proxy for the class of what may be gone
            if type(each) is FunctionType and each.__code__.co_filename.startswith(inside):
                name = str(Path(each.__code__.co_filename).relative_to(root))
                self.functions.setdefault(name, []).append(each)
        self._modules = [
            module
            for name, module in sys.modules.items()
            if name.split(".")[0] in ("lambdas", "client", "tests", "test_client")
            or str(getattr(module, "__file__", "")).startswith(f"{root}/tests")
        ]
        self._by_path = {
            str(Path(module.__file__).relative_to(root)): module
            for module in self._modules
            if module.__file__ and module.__file__.startswith(inside)
        }

    def apply(self, mutant: Mutant) -> bool:
        """Whether the mutant is in the running code now."""
        module = self._by_path.get(mutant.path)
        if module is None:
            return False
        tree = mutant.apply()
        if mutant.constant:
            return self._replace_constants(module, tree, mutant.constant)
        if mutant.field in DEFAULTS:
            return self._replace_defaults(module, mutant)
        codes = dict(_codes(compile(tree, str(module.__file__), "exec")))
        changed = False
        for function in self.functions.get(mutant.path, ()):
            old = function.__code__
            new = codes.get((old.co_qualname, old.co_firstlineno))
            if new is not None and new != old:
                if len(new.co_freevars) != len(old.co_freevars):
                    return False
                function.__code__ = new
                changed = True
        _clear_caches(module)
        return changed

    def _replace_defaults(self, module: ModuleType, mutant: Mutant) -> bool:
        parameters = mutant.owner
        found = [
            each
            for each in self.functions.get(mutant.path, ())
            if each.__code__.co_qualname == mutant.function
        ]

        def value(node: ast.expr) -> Any:
            code = compile(ast.Expression(node), "default", "eval")
            return eval(code, vars(module))  # noqa: S307

        named = zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True)
        for function in found:
            function.__defaults__ = tuple(map(value, parameters.defaults)) or None
            function.__kwdefaults__ = {
                each.arg: value(default) for each, default in named if default is not None
            }
        return bool(found)

    def _replace_constants(self, module: ModuleType, tree: ast.Module, name: str) -> bool:
        """Evaluates the constant, and after it those of its module that are made from it."""
        changed = {name}
        for statement in tree.body:
            match statement:
                case (
                    ast.Assign(targets=[ast.Name(id=target)])
                    | ast.AnnAssign(target=ast.Name(id=target))
                ) if statement.value is not None:
                    used = {n.id for n in ast.walk(statement.value) if isinstance(n, ast.Name)}
                    if target == name or used & changed:
                        code = compile(ast.Expression(statement.value), "constant", "eval")
                        self._rebind(module, target, eval(code, vars(module)))  # noqa: S307
                        changed.add(target)
        _clear_caches(module)
        return True

    def _rebind(self, module: ModuleType, name: str, value: Any) -> None:
        old = vars(module)[name]
        if isinstance(old, dict):  # one that something else has taken as it is, as a handler does
            old.clear()
            old.update(value)
            return
        for each in self._modules:
            if name in vars(each) and vars(each)[name] is old:
                setattr(each, name, value)


def _codes(code: CodeType) -> Iterator[tuple[Place, CodeType]]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield (each.co_qualname, each.co_firstlineno), each
            yield from _codes(each)


def _clear_caches(module: ModuleType) -> None:
    for value in list(vars(module).values()):
        if isinstance(value, functools._lru_cache_wrapper):
            value.cache_clear()
