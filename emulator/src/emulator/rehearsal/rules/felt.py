"""What users notice of a deployment that succeeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from emulator.rehearsal.account import Live
from emulator.rehearsal.changes import Act, Change, Deployment, StackUpdate
from emulator.rehearsal.findings import Finding, Kind

GONE = (Act.REPLACED, Act.DELETED)
# type -> what its users notice when it is replaced or deleted
FELT: Mapping[str, str] = {
    "AWS::ApiGatewayV2::Api": "all WebSocket connections are closed, and the endpoint gets a new "
    "name",
    "AWS::ApiGatewayV2::Stage": "all WebSocket connections are closed",
    "AWS::Cognito::UserPoolClient": "all refresh tokens are void: everybody signs in again",
    "AWS::ECS::Cluster": "all tasks are stopped, and new ones started",
    "AWS::ECS::Service": "its tasks are drained and stopped",
    "AWS::ElasticLoadBalancingV2::Listener": "its port is not served meanwhile, if at all",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "its connections are closed, and the endpoint has "
    "a new name",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "its targets are dropped: requests in flight have "
    "the deregistration delay to end",
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
    if (
        live.type == "AWS::ElasticLoadBalancingV2::Listener"
        and _redirects(live)
        and change.before
        and not _redirects(change.before)
    ):
        yield _felt(
            update,
            live,
            "it only redirects from now on, and many clients do not repeat a POST after that",
        )


def _redirects(listener: Live) -> bool:
    return any(each.get("Type") == "redirect" for each in listener.properties["DefaultActions"])


def _outputs(update: StackUpdate) -> Iterator[Finding]:
    """The outputs that people read: those that no stack imports."""
    after = update.after.outputs
    for name, output in (update.before.outputs if update.before else {}).items():
        if output.export is not None or name.startswith("ExportsOutput"):
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


def _felt(update: StackUpdate, live: Live, sentence: str) -> Finding:
    return Finding(Kind.FELT, update.name, live.name, sentence)
