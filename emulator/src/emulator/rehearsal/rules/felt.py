"""Effects of a successful deployment that users notice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.rehearsal.account import Live
from emulator.rehearsal.changes import Act, Change, Deployment, StackUpdate
from emulator.rehearsal.findings import Finding, Kind

# How CDK names the outputs that other stacks take: by Fn::ImportValue, and by Fn::GetStackOutput.
BETWEEN_STACKS = ("ExportsOutput", "PublishOutput")
GONE = (Act.REPLACED, Act.DELETED)
# type -> what its users notice when it is replaced or deleted
FELT: Mapping[str, str] = {
    "AWS::ApiGatewayV2::Api": "all WebSocket connections are closed, and the endpoint gets a new "
    "name",
    "AWS::ApiGatewayV2::DomainName": "the name that it had is served no more, and who "
    "connects by it has to learn the new one",
    "AWS::ApiGatewayV2::Stage": "all WebSocket connections are closed",
    "AWS::Cognito::UserPoolClient": "all refresh tokens are void: everybody signs in again",
    "AWS::ECS::Cluster": "all tasks are stopped, and new ones started",
    "AWS::ECS::Service": "its tasks are drained and stopped",
    "AWS::ElasticLoadBalancingV2::Listener": "its port is not served meanwhile, if at all",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "its connections are closed, and the endpoint has "
    "a new name",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "its targets are dropped: requests in flight have "
    "the deregistration delay to end",
    "AWS::Route53::RecordSet": "the name that it had is found no more, once its TTL has passed",
    "AWS::SQS::Queue": "the messages that wait in it are lost",
}  # fmt: skip
# What makes a service start new tasks: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
ROLLS = {"TaskDefinition", "NetworkConfiguration", "LoadBalancers", "PlatformVersion"}


def findings(deployment: Deployment) -> Iterator[Finding]:
    for update in deployment.updates:
        for change in update.changes:
            yield from _gone(update, change)
            if change.act is Act.CHANGED:
                yield from _changed(update, change)
        yield from _outputs(update)
        yield from _made_twice(update)


def _gone(update: StackUpdate, change: Change) -> Iterator[Finding]:
    sentence = FELT.get(change.resource.type)
    if change.resource.type == "AWS::EC2::NatGateway":
        users = list(_behind_gateways(update))
        if users:
            sentence = (
                f"{' and '.join(users)} can't reach the internet until its own stack has moved it"
            )
    if sentence and change.act in GONE:
        why = f" ({', '.join(change.because)})" if change.because else ""
        yield _felt(update, change.resource, f"it is {change.act}{why}: {sentence}")


def _behind_gateways(update: StackUpdate) -> Iterator[str]:
    """The services whose tasks have no public address at this moment."""
    for stack in update.account.values():
        for live in stack.resources.values():
            if live.type == "AWS::ECS::Service":
                network = live.properties.get("NetworkConfiguration", {})
                address = network.get("AwsvpcConfiguration", {}).get("AssignPublicIp", "DISABLED")
                if address == "DISABLED":
                    yield live.name


def _changed(update: StackUpdate, change: Change) -> Iterator[Finding]:
    live = change.resource
    if live.type == "AWS::ECS::Service" and ROLLS & set(change.properties):
        yield _felt(
            update, live, "its tasks are replaced, new ones first; the old ones are drained"
        )
    if live.type == "AWS::ElasticLoadBalancingV2::Listener" and change.before:
        if _redirects(live) and not _redirects(change.before):
            yield _felt(
                update,
                live,
                "it only redirects from now on, and many clients do not repeat a POST after that",
            )
        moved = [name for name in ("Port", "Protocol") if name in change.properties]
        if moved:
            yield _felt(
                update,
                live,
                f"its {' and '.join(moved)} changes: clients find nothing at the old one",
            )


def _redirects(listener: Live) -> bool:
    actions = listener.properties.get("DefaultActions", ())
    return any(each.get("Type") == "redirect" for each in actions)


def _outputs(update: StackUpdate) -> Iterator[Finding]:
    """The outputs that people read: those that are not made for another stack."""
    after = update.after.outputs
    for name, output in (update.before.outputs if update.before else {}).items():
        if output.export is not None or name.startswith(BETWEEN_STACKS):
            continue
        if name not in after:
            yield Finding(Kind.FELT, update.name, f"output {name}", "it is gone")
        elif after[name].value != output.value:
            yield Finding(
                Kind.FELT,
                update.name,
                f"output {name}",
                "it has another value: clients that were given the old one need the new one",
            )


def _made_twice(update: StackUpdate) -> Iterator[Finding]:
    """A custom resource under another logical id: the old one's deletion comes after the new one's
    creation, with the same properties."""
    gone = [change.before for change in update.of(Act.DELETED) if change.before]
    for change in update.of(Act.CREATED):
        for old in gone:
            same = _requested_by(old) == _requested_by(change.resource)
            if old.custom and same and old.type == change.resource.type:
                yield _felt(
                    update,
                    change.resource,
                    f"after it was made, the function is asked to delete {old.name}, which has the "
                    "same properties: it may delete what was made just before",
                )


def _requested_by(custom: Live) -> dict[str, Any]:
    return {name: value for name, value in custom.properties.items() if name != "ServiceToken"}


def _felt(update: StackUpdate, live: Live, sentence: str) -> Finding:
    return Finding(Kind.FELT, update.name, live.name, sentence)
