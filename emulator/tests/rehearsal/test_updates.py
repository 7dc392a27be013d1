"""What a rehearsal finds: updates that a service rejects."""

from __future__ import annotations

from typing import Any

from tests.rehearsal.steps import compared, found, resource, stack
from tests.rehearsal.templates import (
    CUSTOM,
    FELT,
    NOTE,
    REJECTED,
    Row,
    data,
    group,
    listener,
    table,
)
from tests.rows import rows

from emulator.template.assembly import Stack


def pool(*names: str, mutable: bool = True) -> dict[str, Any]:
    schema = [{"Name": name, "Mutable": mutable} for name in names]
    return resource("Cognito::UserPool", Schema=schema)


def expiring(name: str, enabled: bool = True) -> dict[str, Any]:
    return table(TimeToLiveSpecification={"AttributeName": name, "Enabled": enabled})


def indexed(*names: str, projected: str = "ALL") -> dict[str, Any]:
    projection = {"ProjectionType": projected}
    indexes = [{"IndexName": name, "Projection": projection} for name in names]
    return table(GlobalSecondaryIndexes=indexes)


def streamed(view: str) -> dict[str, Any]:
    return table(StreamSpecification={"StreamViewType": view})


def balanced(scheme: str, group_id: str = "A") -> Stack:
    made = resource("ElasticLoadBalancingV2::LoadBalancer", Scheme=scheme)
    action = {"Type": "forward", "TargetGroupArn": {"Ref": group_id}}
    return stack("web", {group_id: group(), "Balancer": made, "Http": listener(action)})


OTHER_CUSTOM = {"Type": "Custom::Thing", "Properties": {"ServiceToken": "arn:aws:lambda:y"}}


def invoking(target: str, **properties: Any) -> Stack:
    targets = [{"Id": target}]
    made = resource(
        "ElasticLoadBalancingV2::TargetGroup", TargetType="lambda", Targets=targets, **properties
    )
    return stack("web", {"G": made})


ROWS = [
    Row(
        "a target group of a function gets another target",
        [invoking("function")],
        [invoking("function:live")],
        {(REJECTED, "G")},
    ),
    Row(
        "a target group of a function is replaced along with the target",
        [invoking("function", Name="old")],
        [invoking("function:live", Name="new")],
        {(FELT, "G")},
    ),
    Row(
        "user names become case sensitive",
        [data({"Pool": resource("Cognito::UserPool")})],
        [
            data(
                {
                    "Pool": resource(
                        "Cognito::UserPool", UsernameConfiguration={"CaseSensitive": True}
                    )
                }
            )
        ],
        {(REJECTED, "Pool.UsernameConfiguration")},
    ),
    Row(
        "a log group gets another class",
        [data({"Logs": resource("Logs::LogGroup", LogGroupClass="STANDARD")})],
        [data({"Logs": resource("Logs::LogGroup", LogGroupClass="INFREQUENT_ACCESS")})],
        {(REJECTED, "Logs.LogGroupClass")},
    ),
    Row(
        "a stream gets another view",
        [data({"Chats": streamed("KEYS_ONLY")})],
        [data({"Chats": streamed("NEW_IMAGE")})],
        {(NOTE, "Chats.StreamSpecification")},
    ),
    Row(
        "a table gets a stream",
        [data({"Chats": table()})],
        [data({"Chats": streamed("NEW_IMAGE")})],
        set(),
    ),
    Row(
        "an attribute of users is dropped",
        [data({"Pool": pool("a", "b")})],
        [data({"Pool": pool("a")})],
        {(REJECTED, "Pool")},
    ),
    Row(
        "an attribute of users is changed",
        [data({"Pool": pool("a")})],
        [data({"Pool": pool("a", mutable=False)})],
        {(REJECTED, "Pool")},
    ),
    Row(
        "an attribute of users is added",
        [data({"Pool": pool("a")})],
        [data({"Pool": pool("a", "b")})],
        set(),
    ),
    Row(
        "items expire by another attribute",
        [data({"Chats": expiring("old")})],
        [data({"Chats": expiring("new")})],
        {(REJECTED, "Chats")},
    ),
    Row(
        "items expire by another attribute from some day on",
        [data({"Chats": expiring("old", enabled=False)})],
        [data({"Chats": expiring("new")})],
        set(),
    ),
    Row(
        "an index changes its projection",
        [data({"Chats": indexed("a")})],
        [data({"Chats": indexed("a", projected="KEYS_ONLY")})],
        {(REJECTED, "Chats")},
    ),
    Row(
        "another function makes a custom resource",
        [data({"Thing": CUSTOM})],
        [data({"Thing": OTHER_CUSTOM})],
        {(REJECTED, "Thing")},
    ),
    Row(
        "no function makes a custom resource any more",
        [data({"Thing": CUSTOM})],
        [data({"Thing": {"Type": "Custom::Thing"}})],
        {(REJECTED, "Thing")},
    ),
    Row(
        "a custom resource gets another logical id",
        [data({"Old": CUSTOM})],
        [data({"New": CUSTOM})],
        {(FELT, "New")},
    ),
    Row(
        "a load balancer is replaced and its target group stays",
        [balanced("internet-facing")],
        [balanced("internal")],
        {(REJECTED, "A"), (FELT, "Balancer"), (FELT, "Http")},
    ),
    Row(
        "a load balancer is replaced with its target group",
        [balanced("internet-facing")],
        [balanced("internal", "B")],
        {(FELT, "A"), (FELT, "Balancer"), (FELT, "Http")},
    ),
    Row(
        "two indexes at once",
        [data({"Chats": table()})],
        [data({"Chats": table(GlobalSecondaryIndexes=[{"IndexName": "a"}, {"IndexName": "b"}])})],
        {(REJECTED, "Chats")},
    ),
    Row(
        "one index",
        [data({"Chats": table()})],
        [data({"Chats": table(GlobalSecondaryIndexes=[{"IndexName": "a"}])})],
        set(),
    ),
    Row(
        "a logical id changes its type",
        [data({"Thing": resource("SNS::Topic")})],
        [data({"Thing": table()})],
        {(REJECTED, "Thing changes its type from AWS::SNS::Topic to AWS::DynamoDB::Table")},
    ),
    Row(
        "the algorithm changes while anomaly mitigation is on",
        [stack("web", {"A": group(load_balancing__algorithm__anomaly_mitigation="on")})],
        [stack("web", {"A": group(load_balancing__algorithm__type="round_robin")})],
        {(NOTE, "A")},
    ),
]


@rows("row", ROWS, ids=lambda row: row.name)
def test_a_change_has_just_these_findings(row: Row) -> None:
    assert found(compared(row.before, row.after)) == row.finds
