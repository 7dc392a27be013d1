"""The provider of functions: makes the template's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from emulator.functions import limits
from emulator.functions.functions import Functions
from emulator.functions.model import Function, arn_of, label_of
from emulator.providers import Created, EmulatorError, Resource
from emulator.template.place import Place

Code = Callable[[str, Mapping[str, Any]], Path]
"""(the function's name, its property Code)"""

AddSession = Callable[[str, str, str | None, str], None]
"""(which resource, what its access keys begin with, the role's ARN, the function's name)"""


class FunctionProvider:
    """`code` gives the directory that a function runs from; `environment` adapts
    a function's variables to the laptop (see `emulator.addresses`);
    `add_session` is given the role by which a function acts."""

    types = ("AWS::Lambda::Function",)

    def __init__(
        self,
        functions: Functions,
        code: Code,
        logs: Path,
        place: Place,
        environment: Callable[[Mapping[str, str]], dict[str, str]],
        add_session: AddSession = lambda *_: None,
    ) -> None:
        self._functions = functions
        self._code = code
        self._logs = logs
        self._place = place
        self._environment = environment
        self._add_session = add_session

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        """Raises EmulatorError for what is not a Python function in a zip."""
        if properties.get("PackageType", "Zip") != "Zip" or "Handler" not in properties:
            raise EmulatorError(f"{resource} is no zip with a Handler, which is what runs here")
        runtime = properties.get("Runtime", "none")
        if not runtime.startswith("python"):
            raise EmulatorError(f"{resource} has runtime {runtime}; the emulator runs Python")
        name = properties.get("FunctionName") or f"{resource.stack}-{resource.logical_id}"
        arn = arn_of(name, self._place)
        label = self._free_label(label_of(resource.logical_id), name)
        self._add_session(str(resource), label, properties.get("Role"), name)
        variables = properties.get("Environment", {}).get("Variables", {})
        limits.check(str(resource), properties, variables)
        self._functions.add(
            Function(
                name=name,
                arn=arn,
                label=label,
                handler=properties["Handler"],
                code=self._code(name, properties["Code"]),
                log=self._logs / f"{label}.log",
                runtime=runtime,
                environment=self._environment(variables) | _logging(properties),
                timeout=float(properties.get("Timeout", 3)),
                memory=int(properties.get("MemorySize", 128)),
                reserved=_reserved(properties),
                dead_letters=_dead_letters(str(resource), properties),
                log_group=properties.get("LoggingConfig", {}).get("LogGroup", ""),
            )
        )
        return Created(name, {"Arn": arn})

    def _free_label(self, label: str, name: str) -> str:
        taken = {function.label for function in self._functions.functions()}
        return name if label in taken else label


def _reserved(properties: Mapping[str, Any]) -> int | None:
    given = properties.get("ReservedConcurrentExecutions")
    return None if given is None else int(given)


def _dead_letters(where: str, properties: Mapping[str, Any]) -> str:
    """The queue's ARN. Raises EmulatorError for another target."""
    arn = str((properties.get("DeadLetterConfig") or {}).get("TargetArn") or "")
    if arn and ":sqs:" not in arn:
        raise EmulatorError(f"{where}: DeadLetterConfig names {arn}: only queues are supported")
    limits.require_standard(where, arn)
    return arn


def _logging(properties: Mapping[str, Any]) -> dict[str, str]:
    """The variables that the runtime reads of a function's LoggingConfig."""
    config = properties.get("LoggingConfig", {})
    variables = {"AWS_LAMBDA_LOG_FORMAT": config.get("LogFormat", "Text")}
    if "ApplicationLogLevel" in config:
        variables["AWS_LAMBDA_LOG_LEVEL"] = config["ApplicationLogLevel"]
    return variables
