"""References between stacks: exports that are imported, and weak values that nobody follows.

Outputs and exports: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/outputs-section-structure.html
Weak references: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html
"""

from __future__ import annotations

from collections.abc import Iterator

from emulator.rehearsal.account import DeployedStack, Output, functions_in, importers
from emulator.rehearsal.changes import Deployment, StackUpdate
from emulator.rehearsal.findings import Finding, Kind


def findings(deployment: Deployment) -> Iterator[Finding]:
    for update in deployment.updates:
        for problem in update.problems:
            what, _, sentence = problem.partition(": ")
            yield Finding(Kind.REJECTED, update.name, what, sentence or problem)
        if update.skipped:
            yield from _stale(deployment, update)
            continue
        yield from _held(update)
        yield from _own(update)


def importers_of_removed_exports(deployment: Deployment) -> list[str]:
    """The stacks that hold on to exports which go or change, in the order of the deployment."""
    users = {
        user
        for update in deployment.updates
        for output in (update.before.exports if update.before else {}).values()
        if update.after.exports.get(output.export or "") != output
        for user in importers(update.account, output.export or "")
    }
    return [update.name for update in deployment.updates if update.name in users]


def _held(update: StackUpdate) -> Iterator[Finding]:
    """What the stacks that are deployed at this moment import may neither vanish nor change."""
    after = update.after.exports
    for name, output in (update.before.exports if update.before else {}).items():
        holding = importers(update.account, name)
        if not holding:
            continue
        users = f"{' and '.join(holding)} import{'' if len(holding) > 1 else 's'} it"
        if name not in after:
            sentence = f'it goes while {users}: "Cannot delete export ..."'
            advice = "Keep it by export_value until a deployment has taken its users away"
        elif after[name].value != output.value:
            sentence = f'its value changes while {users}: "Cannot update export ..."'
            advice = "Make the new one under another id first, let them take that, then end this"
        else:
            continue
        yield Finding(Kind.REJECTED, update.name, _called(update.before, output), sentence, advice)


def _own(update: StackUpdate) -> Iterator[Finding]:
    resources = update.after.resources
    for output in update.after.exports.values():
        if isinstance(output.value, str) and not output.value.strip():
            yield Finding(
                Kind.REJECTED,
                update.name,
                _called(update.after, output),
                '"Exported values must not be empty or whitespace-only"',
                "Do not export a value that may be empty",
            )
        for logical_id, attribute in _attributes_in(update.after, output):
            resource = resources.get(logical_id)
            if resource and resource.custom:
                yield Finding(
                    Kind.REJECTED,
                    update.name,
                    _called(update.after, output),
                    f"it is what the function of {resource.name} returns as "
                    f"{attribute}, and whatever changes or empties that is rejected while another "
                    "stack imports it",
                    "Derive the value from names instead",
                )


def _attributes_in(stack: DeployedStack, output: Output) -> Iterator[tuple[str, str]]:
    for argument in functions_in(stack.template["Outputs"][output.name]["Value"], "Fn::GetAtt"):
        logical_id, _, attribute = (
            argument.partition(".") if isinstance(argument, str) else (argument[0], "", argument[1])
        )
        yield logical_id, str(attribute)


def _called(stack: DeployedStack | None, output: Output) -> str:
    """ "export of Chats.Arn" for what CDK calls ExportsOutputFnGetAttChatsE68037FFArn8B2D9A3F."""
    body = stack.template["Outputs"][output.name]["Value"] if stack else None
    if stack and isinstance(body, dict) and len(body) == 1:
        if body.get("Ref") in stack.resources:  # and not a parameter
            return f"export of {stack.resources[body['Ref']].name}"
        for logical_id, attribute in _attributes_in(stack, output):
            if logical_id in stack.resources:
                return f"export of {stack.resources[logical_id].name}.{attribute}"
    return f"export {output.name}"


def _stale(deployment: Deployment, update: StackUpdate) -> Iterator[Finding]:
    """A stack whose template did not change is skipped, and keeps the weak values it took."""
    for weak, value in update.after.taken.items():
        producer = deployment.account.get(weak.stack)
        now = producer.outputs.get(weak.output) if producer else None
        if now is None or now.value != value:
            yield Finding(
                Kind.FELT,
                update.name,
                f"output {weak.output} of {weak.stack}",
                "it changes, and this stack, whose template stays the same, goes on with the old "
                "value",
                "Let something in its template change along",
            )
