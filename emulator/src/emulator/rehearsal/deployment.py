"""A deployment: an assembly carried out on a model of the account, in the order of `cdk deploy`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from emulator.providers import EmulatorError
from emulator.rehearsal.account import Account, DeployedStack, Live, Output
from emulator.rehearsal.changes import Act, Change, Deployment, StackUpdate
from emulator.rehearsal.schemas import replacing
from emulator.rehearsal.values import Missing, Scope, generation_of, reference
from emulator.resource import Resource
from emulator.template.assembly import Assembly, Stack
from emulator.template.intrinsics import NO_VALUE, resolve
from emulator.template.order import in_order, references
from emulator.template.place import Place, same_place

Attributes = Callable[[Live], Mapping[str, Any] | None]
"""The Data that the function of a custom resource responds with; None where it was not called."""


def not_called(_resource: Live) -> None:
    return None


def deploy(
    account: Account,
    assembly: Assembly,
    *,
    default_place: Place,
    first: Sequence[str] = (),
    attributes: Attributes = not_called,
) -> Deployment:
    """`default_place` is where stacks are that leave it open; `first` names stacks that go before
    all, by themselves.

    What would be rejected is carried out anyway, so that all of it is seen at once.
    """
    deployed = dict(account)
    updates = []
    by_name = {stack.name: stack for stack in assembly.stacks}
    for stack in (*(by_name[name] for name in first), *assembly.stacks):
        update = _update(deployed, stack, default_place, attributes)
        deployed[stack.name] = update.after
        updates.append(update)
    left = tuple(
        stack
        for name, stack in account.items()
        if name not in by_name or not same_place(stack.place, by_name[name].environment)
    )
    return Deployment(tuple(updates), left, deployed)


def _update(
    account: Account, stack: Stack, default_place: Place, attributes: Attributes
) -> StackUpdate:
    before = account.get(stack.name)
    if before and not same_place(before.place, stack.environment):
        before = None  # a stack of that name in another account or region is another stack
    snapshot = dict(account)
    if before and before.template == stack.template:
        return StackUpdate(snapshot, before, before, (), skipped=True)
    place = Place.of(stack.environment, default_place)
    return _Update(snapshot, stack, before, place, attributes).carried_out()


class _Update:
    """One stack's update."""

    def __init__(
        self,
        account: Account,
        stack: Stack,
        before: DeployedStack | None,
        place: Place,
        attributes: Attributes,
    ) -> None:
        self._account = account
        self._stack = stack
        self._before = before
        self._old: Mapping[str, Live] = before.resources if before else {}
        self._attributes = attributes
        self._problems: list[str] = []
        self._scope = Scope(account, stack.name, place, stack.template)

    def carried_out(self) -> StackUpdate:
        changes = [self._change(resource) for resource in self._resources()]
        gone = [self._dropped(live) for name, live in self._old.items() if name not in self._live]
        found = (*(each for each in changes if each), *gone)
        outputs = self._outputs()
        after = DeployedStack(
            self._stack.name,
            self._stack.environment,
            self._stack.template,
            self._stack.template_bytes,
            self._live,
            outputs,
            frozenset(self._scope.imports),
            self._scope.taken,
            (*(self._before.left_behind if self._before else ()), *_left_behind(found)),
        )
        return StackUpdate(self._account, self._before, after, found, tuple(self._problems))

    @property
    def _live(self) -> dict[str, Live]:
        return self._scope.live

    def _resources(self) -> list[Resource]:
        own = {
            (self._stack.name, resource.logical_id): resource
            for resource in self._stack.resources()
            if self._wanted(resource)
        }

        def needs(resource: Resource) -> list[tuple[str, str]]:
            names = (*resource.depends_on, *sorted(references(resource.properties).names))
            keys = [(resource.stack, name) for name in names]
            return [key for key in keys if key in own]

        return in_order(own, needs)

    def _wanted(self, resource: Resource) -> bool:
        condition = self._body(resource).get("Condition")
        return condition is None or self._holds(condition, resource.logical_id)

    def _body(self, resource: Resource) -> Mapping[str, Any]:
        body: Mapping[str, Any] = self._stack.template["Resources"][resource.logical_id]
        return body

    def _change(self, resource: Resource) -> Change | None:
        """Puts the resource among the live ones; None where it stays as it is."""
        properties = {
            name: value
            for name, given in resource.properties.items()
            if (value := self._resolved(given, f"{resource.logical_id}.{name}")) is not NO_VALUE
        }
        before = self._old.get(resource.logical_id)
        if before and before.type != resource.type:
            # "Update of resource type is not permitted. The new template modifies resource type"
            self._problems.append(
                f"{before.name} changes its type from {before.type} to {resource.type}: give the "
                "new resource another logical id"
            )
            before = None
        changed = _differing(before.properties, properties) if before else ()
        because = replacing(resource.type, before.properties, properties) if before else ()
        ref = before.ref if before and not because else self._new_ref(resource, before)
        live = Live(
            resource.stack,
            resource.logical_id,
            resource.type,
            ref,
            self._body(resource),
            properties,
        )
        if live.custom:
            live = replace(live, attributes=self._attributes(live))
        self._live[resource.logical_id] = live
        if before is None:
            return Change(Act.CREATED, None, live)
        if because:
            return Change(Act.REPLACED, before, live, changed, because)
        return Change(Act.CHANGED, before, live, changed) if changed else None

    def _new_ref(self, resource: Resource, before: Live | None) -> str:
        generation = generation_of(before.ref) + 1 if before else 1
        place = self._scope.place
        return reference(resource.type, place, resource.stack, resource.logical_id, generation)

    def _dropped(self, live: Live) -> Change:
        return Change(Act.RETAINED if live.retained_when_dropped else Act.DELETED, live, None)

    def _outputs(self) -> dict[str, Output]:
        found = {}
        for name, body in self._stack.template.get("Outputs", {}).items():
            if "Condition" in body and not self._holds(body["Condition"], f"output {name}"):
                continue
            value = self._resolved(body["Value"], f"output {name}")
            export = self._resolved(body.get("Export", {}).get("Name"), f"output {name}")
            found[name] = Output(name, value, export)
        return found

    def _resolved(self, value: Any, where: str) -> Any:
        try:
            return resolve(value, self._scope)
        except Missing as missing:
            self._problems.append(f"{where}: {missing}")
            return NO_VALUE
        except EmulatorError as error:
            raise EmulatorError(f"{self._stack.name}, {where}: {error}") from None

    def _holds(self, condition: str, where: str) -> bool:
        return self._resolved({"Condition": condition}, where) is True


def _left_behind(changes: Iterable[Change]) -> Iterator[Live]:
    for change in changes:
        retained = change.act is Act.REPLACED and change.resource.retained_when_replaced
        if change.before and (retained or change.act is Act.RETAINED):
            yield change.before


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    names = (*before, *(name for name in after if name not in before))
    return tuple(name for name in names if before.get(name) != after.get(name))
