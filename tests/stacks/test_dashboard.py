"""The dashboard: open connections, as their pings show."""

import json
from typing import Any

from client.core.settings import Settings
from lambdas.sockets import server
from stacks.config.functions import FUNCTIONS
from tests.stacks.shared_environments import CHANGED_DEV, IN_TASKS
from tests.stacks.synthesized import Synthesize, Synthesized

OPEN = "Connections, open by their pings"


def graphs(made: Synthesized) -> dict[str, list[Any]]:
    """The lines of each graph, by its title."""
    body = made.one("AWS::CloudWatch::Dashboard").properties["DashboardBody"]
    parts = body["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else "resource" for part in parts)
    properties = [each["properties"] for each in json.loads(text)["widgets"]]
    return {each["title"]: each["metrics"] for each in properties if "metrics" in each}


def test_open_connections_are_the_pings_of_a_period_by_the_time_between_two(
    dev: Synthesized,
) -> None:
    from stacks.constructs.websocket_api import PING_SECONDS

    expression, pings = graphs(dev)[OPEN]
    assert expression[0]["expression"] == f"pings * {PING_SECONDS} / PERIOD(pings)"
    assert pings[:2] == ["Switchboard/dev", "Pings"]
    assert pings[-1]["id"] == "pings" and pings[-1]["visible"] is False
    assert sum(Settings().ping_between) / 2 == PING_SECONDS


def test_pings_are_counted_in_the_access_log_which_names_their_route(dev: Synthesized) -> None:
    from stacks.constructs.websocket_api import ACCESS_LOG

    (found,) = (
        each for each in dev.all("AWS::Logs::MetricFilter") if "AccessLog" in each.logical_id
    )
    assert found.properties["FilterPattern"] == '{ $.route = "ping" }'
    assert ACCESS_LOG["route"] == "$context.routeKey"
    assert any("ping" in row.routes for row in FUNCTIONS.values())


def test_tasks_report_their_sockets_and_the_graph_has_those_of_all(synthesize: Synthesize) -> None:
    from stacks.constructs.socket_service import REPORT_SECONDS

    made = graphs(synthesize(IN_TASKS))
    assert OPEN not in made and "New connections" not in made
    expression, held = made["Sockets, open"]
    assert expression[0]["expression"] == f"held * {REPORT_SECONDS} / PERIOD(held)"
    assert held[:4] == ["Switchboard/prod", "ConnectionsHeld", "service", "sockets"]
    assert (held[-1]["id"], held[-1]["stat"], held[-1]["visible"]) == ("held", "Sum", False)
    assert server.REPORT_SECONDS == REPORT_SECONDS
    assert len(made["Sockets of a task"]) == 2


def test_without_an_access_log_nobody_guesses(synthesize: Synthesize) -> None:
    made = synthesize(CHANGED_DEV)
    assert OPEN not in graphs(made)
    assert "New connections" in graphs(made)
