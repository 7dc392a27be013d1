"""What a rehearsal finds: what users notice. One row each, and one where the rule is silent."""

from __future__ import annotations

from tests.rehearsal.steps import compared, found, resource, stack
from tests.rehearsal.templates import FELT, QUEUE, Row, balancer, data, gateway, listener, service
from tests.rows import rows

API = resource("ApiGatewayV2::Api", ProtocolType="WEBSOCKET", Name="chat")
REDIRECT = {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}

ROWS = [
    Row(
        "a WebSocket API is replaced",
        [stack("chat", {"Api": API}, {"Url": {"Value": {"Ref": "Api"}}})],
        [
            stack(
                "chat",
                {"Api": resource("ApiGatewayV2::Api", ProtocolType="HTTP", Name="chat")},
                {"Url": {"Value": {"Ref": "Api"}}},
            )
        ],
        {(FELT, "Api"), (FELT, "output Url")},
    ),
    Row(
        "a listener begins to redirect",
        [stack("web", {"Balancer": balancer(), "Http": listener({"Type": "fixed-response"})})],
        [stack("web", {"Balancer": balancer(), "Http": listener(REDIRECT)})],
        {(FELT, "Http")},
    ),
    Row(
        "a listener moves to another port",
        [stack("web", {"Balancer": balancer(), "Http": listener()})],
        [stack("web", {"Balancer": balancer(), "Http": listener(port=81)})],
        {(FELT, "Http")},
    ),
    Row(
        "a NAT gateway goes while tasks stand behind it",
        [gateway("Nat"), service("DISABLED")],
        [gateway(), service("ENABLED")],
        {(FELT, "Nat"), (FELT, "Api")},
    ),
    Row(
        "a NAT gateway goes that nothing uses",
        [gateway("Nat"), service("ENABLED")],
        [gateway(), service("ENABLED")],
        set(),
    ),
    Row(
        "a service is removed",
        [service("ENABLED", Jobs=QUEUE)],
        [stack("web", {"Jobs": QUEUE})],
        {(FELT, "Api")},
    ),
    Row(
        "an output that people read is gone",
        [data({"Jobs": QUEUE}, {"Url": {"Value": "x"}})],
        [data({"Jobs": QUEUE})],
        {(FELT, "output Url")},
    ),
    Row(
        "an output for other stacks is gone",
        [data({"Jobs": QUEUE}, {"PublishOutputRefJobs": {"Value": "x"}})],
        [data({"Jobs": QUEUE})],
        set(),
    ),
    Row("nothing changes", [data({"Jobs": QUEUE})], [data({"Jobs": QUEUE})], set()),
]


@rows("row", ROWS, ids=lambda row: row.name)
def test_a_change_has_just_these_findings(row: Row) -> None:
    assert found(compared(row.before, row.after)) == row.finds
