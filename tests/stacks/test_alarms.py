"""Alarms: what they watch, who notifies whom, and the page of each."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from emulator.metrics.alarms import read
from stacks.config.environments import Environment
from stacks.config.functions import SOCKET_FUNCTIONS
from tests.stacks.shared_environments import CHANGED_DEV, EVERYTHING, IN_TASKS, RUNBOOKS_URL
from tests.stacks.synthesized import Resource, Synthesize, Synthesized
from tests.support.rows import rows

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
HEADINGS = ["What it means", "First look", "Mend", "Try it on the laptop"]
LINKED = re.compile(r"docs/runbooks/(?P<page>[\w-]+\.md) \(\w+\)$")
PAGES = sorted(set(RUNBOOKS.glob("*.md")) - {RUNBOOKS / "README.md"})


def causes(environment: Synthesized) -> list[Resource]:
    """Not those that only guard a deployment: see test_releases.py."""
    alarms = environment.all("AWS::CloudWatch::Alarm")
    return [each for each in alarms if each.stack == "Observability"]


def symptoms(environment: Synthesized) -> list[Resource]:
    return environment.all("AWS::CloudWatch::CompositeAlarm")


def name_of(alarm: Resource) -> str:
    return alarm.name.removeprefix("Alarms")


def page_of(alarm: Resource) -> str:
    found = LINKED.search(alarm.properties["AlarmDescription"])
    assert found, alarm.properties["AlarmDescription"]
    return found["page"]


def named_on(page: Path) -> list[str]:
    """The patterns of alarm names on a page: `<function>Errors` is *Errors."""
    (line,) = re.findall(r"^Alarms: (.*)\. \[All alarms\]", page.read_text(), re.MULTILINE)
    return [re.sub(r"<\w+>", "*", each) for each in re.findall(r"`([^`]+)`", line)]


def test_alarms_watch_every_function_queue_table_and_pool(prod: Synthesized) -> None:
    functions = [each.name.removesuffix("Function") for each in prod.all("AWS::Lambda::Function")]
    mappings = prod.all("AWS::Lambda::EventSourceMapping")
    sources = [prod.show(each.properties["EventSourceArn"]) for each in mappings]
    read = {source.strip("<>").removesuffix(".Arn") for source in sources}
    tables = [each.name for each in prod.all("AWS::DynamoDB::Table")]
    pools = ("large", "small")
    assert {name_of(each) for each in causes(prod)} == {
        *(f"{name}{what}" for name in functions for what in ("Errors", "Throttles")),
        *(queue.name for queue in prod.all("AWS::SQS::Queue") if queue.name not in read),
        *(f"{table}TableThrottles" for table in tables),
        *(f"{pool}{what}" for pool in pools for what in ("Unhealthy", "Tasks")),
        *("SignInThrottles", "SignUpThrottles", "TokenRefreshThrottles"),
        *("GatewayErrors", "IntegrationErrors", "ClientErrors"),
        *("SlowDelivery", "SlowPushes"),
        *(
            "TableErrors",
            "Concurrency",
            "PushAge",
            "PushesRejected",
            "IteratorAge",
            "PlatformRejections",
        ),
        *("Balancer5xx", "Target5xx", "RejectedConnections"),
    }


def test_tasks_that_hold_sockets_have_alarms_in_place_of_the_gateways(
    synthesize: Synthesize,
) -> None:
    there, tasks = (
        {name_of(each) for each in causes(synthesize(one))} for one in (EVERYTHING, IN_TASKS)
    )
    assert tasks - there == {
        *("SocketsHeld", "SocketsLate", "PostsFailed", "SocketsUnhealthy", "SocketsTasks"),
    }
    functions = {name_of(each) for each in causes(synthesize(EVERYTHING)) if page_of(each)}
    gone = {f"{name}{what}" for name in SOCKET_FUNCTIONS for what in ("Errors", "Throttles")}
    assert functions - tasks == {*gone, "GatewayErrors", "IntegrationErrors", "ClientErrors"}


@pytest.mark.parametrize("config", [EVERYTHING, IN_TASKS], ids=["api_gateway", "containers"])
def test_every_alarm_is_a_cause_of_exactly_one_symptom(
    synthesize: Synthesize, config: Environment
) -> None:
    environment = synthesize(config)
    rules = [environment.show(each.properties["AlarmRule"]) for each in symptoms(environment)]
    for alarm in causes(environment):
        assert sum(f'ALARM("<{alarm.name}.Arn>")' in rule for rule in rules) == 1, alarm.name


def test_only_symptoms_notify_and_they_do_so_when_they_begin_and_when_they_end(
    synthesize: Synthesize,
) -> None:
    called = synthesize(CHANGED_DEV)
    assert called.one("AWS::SNS::Subscription").properties["Endpoint"] == "ops@example.com"
    for alarm in symptoms(called):
        for when in ("AlarmActions", "OKActions"):
            assert [called.show(each) for each in alarm.properties[when]] == ["<AlarmTopic>"]
    assert not any("AlarmActions" in each.properties for each in causes(called))


def test_what_follows_from_the_platform_s_faults_is_silent_while_these_last(
    prod: Synthesized,
) -> None:
    silenced_by = {
        name_of(each): prod.show(each.properties.get("ActionsSuppressor", ""))
        for each in symptoms(prod)
    }
    assert silenced_by.pop("Platform") == ""
    assert silenced_by == dict.fromkeys(("Chat", "Pushes", "Api"), "<AlarmsPlatform.Arn>")


# Of the metric, in its unit: the value that goes off, and one next to it that does not. Of all
# others one error, throttle, rejected request or message given up goes off, and none does not.
VALUES = {
    "*TableThrottles": (10, 9),
    "IntegrationErrors": (5, 4.9),  # percent
    "ClientErrors": (5, 4.9),
    "PushesRejected": (20, 19),
    "PlatformRejections": (20, 19),
    "IteratorAge": (60_000, 59_999),  # milliseconds: "a minute behind"
    "PushAge": (300, 299),  # seconds: "has waited for five minutes"
    "SlowDelivery": (2_000, 1_999),  # milliseconds: "takes 2 seconds or more"
    "SlowPushes": (120_000, 119_999),
    "Concurrency": (800, 799),  # of 1,000
    "*Tasks": (1, 2),  # of two at least
    "Canary": (0, 1),  # what passed
    "SocketsHeld": (9_000, 8_999),  # of 10,000
    "SocketsLate": (500, 499),  # milliseconds
    "PostsFailed": (10, 9),
}


@pytest.mark.parametrize("config", [EVERYTHING, IN_TASKS], ids=["api_gateway", "containers"])
def test_each_alarm_goes_off_where_its_description_says(
    synthesize: Synthesize, config: Environment
) -> None:
    for alarm in causes(synthesize(config)):
        name, threshold = name_of(alarm), alarm.properties["Threshold"]
        row = [each for pattern, each in VALUES.items() if fnmatchcase(name, pattern)]
        (loud, quiet), *_ = [*row, (1, 0)]
        below = alarm.properties["ComparisonOperator"] == "LessThanThreshold"
        goes_off = [each < threshold if below else each >= threshold for each in (loud, quiet)]
        assert goes_off == [True, False], (name, threshold)


def test_a_share_of_pushes_is_that_of_the_rejected_ones(prod: Synthesized) -> None:
    for name, part in {
        "PushesRejected": "PushesRejected",
        "PlatformRejections": "PlatformRejections",
        "IntegrationErrors": "IntegrationError",
        "ClientErrors": "ClientError",
    }.items():
        metrics = prod.one("AWS::CloudWatch::Alarm", f"Alarms{name}").properties["Metrics"]
        (found,) = [each for each in metrics if each["Id"] == "part"]
        assert found["MetricStat"]["Metric"]["MetricName"] == part


def test_only_missing_tasks_alarm_without_data(prod: Synthesized) -> None:
    for alarm in causes(prod):
        missing = alarm.properties["TreatMissingData"]
        assert (missing == "breaching") is alarm.name.endswith("Tasks"), alarm.name


def test_each_alarm_names_a_page_that_names_it(synthesize: Synthesize) -> None:
    alarms = [*causes(synthesize(EVERYTHING)), *causes(synthesize(IN_TASKS))]
    for alarm in alarms:
        patterns = named_on(RUNBOOKS / page_of(alarm))
        assert any(fnmatchcase(name_of(alarm), each) for each in patterns), alarm.name
    assert {page_of(each) for each in alarms} == {page.name for page in PAGES}


@rows("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_meaning_first_look_mend_and_how_to_try_it(page: Path) -> None:
    text = page.read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    assert all(part.strip().count("\n") or len(part) > 40 for part in text.split("\n## ")[1:])


def test_the_list_of_pages_has_each_under_the_symptom_that_notifies(
    synthesize: Synthesize,
) -> None:
    environments = [synthesize(EVERYTHING), synthesize(IN_TASKS)]
    listed = {
        (cells[1].strip(), page)
        for line in (RUNBOOKS / "README.md").read_text().splitlines()
        if len(cells := line.split("|")) == 5
        for page in re.findall(r"\(([\w-]+\.md)\)", cells[3])
    }
    assert listed == {
        (name_of(symptom).lower(), page_of(alarm))
        for environment in environments
        for alarm in causes(environment)
        for symptom in symptoms(environment)
        if f"<{alarm.name}.Arn>" in environment.show(symptom.properties["AlarmRule"])
    }


def test_the_address_of_the_pages_is_configured(synthesize: Synthesize) -> None:
    linked = synthesize(CHANGED_DEV)
    for alarm in (*causes(linked), *symptoms(linked)):
        assert f" {RUNBOOKS_URL}" in alarm.properties["AlarmDescription"]


def test_the_laptop_evaluates_every_alarm_but_the_one_that_its_runbook_excepts(
    synthesize: Synthesize,
) -> None:
    alarms = [
        read(name_of(each), "", "", each.properties) for each in causes(synthesize(EVERYTHING))
    ]
    assert {each.id for each in alarms if each.unsupported} == {"RejectedConnections"}
