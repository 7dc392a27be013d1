"""docs/deploying.md: its environment is deployed, its costs are counted, its commands exist."""

import re
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

import stacks.config.environments
from stacks.config.environments import ENVIRONMENTS, Environment
from stacks.config.pools import ContainerPool
from tests.stacks.rehearsed import assembly, rehearsed, stops
from tests.stacks.synthesized import Resource, Synthesize, Synthesized

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploying.md").read_text()
HOURS = 730
ELB = "AWS::ElasticLoadBalancingV2::LoadBalancer"
# row -> how many of it there are
COUNTS: dict[str, Callable[[Environment, Synthesized], int]] = {
    "NAT gateways": lambda _, made: len(made.all("AWS::EC2::NatGateway")),
    "their public addresses": lambda _, made: len(made.all("AWS::EC2::EIP")),
    "KMS key": lambda _, made: len(made.all("AWS::KMS::Key")),
    "secrets": lambda _, made: len(made.all("AWS::SecretsManager::Secret")),
    "load balancer": lambda _, made: len(made.all(ELB)),
    "its public addresses, one in each zone": lambda _, made: sum(
        len(each.properties["Subnets"]) for each in made.all(ELB)
    ),
    "public addresses of tasks": lambda config, made: (
        sum(pool.min for pool in containers(config)) if all(map(is_public, services(made))) else 0
    ),
    "tasks of 0.25 vCPU and 0.5 GB": lambda config, _: tasks(config, 256, 512),
    "tasks of 1 vCPU and 2 GB": lambda config, _: tasks(config, 1024, 2048),
    "alarms of autoscaling, two a policy": lambda _, made: (
        2 * len(made.all("AWS::ApplicationAutoScaling::ScalingPolicy"))
    ),
    "dashboard": lambda _, made: len(made.all("AWS::CloudWatch::Dashboard")),
    "metrics of alarms": lambda _, made: sum(map(metrics_of, alarms(made, guards=False))),
    "alarms that guard a deployment": lambda _, made: len(alarms(made, guards=True)),
    "alarms of symptoms": lambda _, made: len(made.all("AWS::CloudWatch::CompositeAlarm")),
}


def containers(config: Environment) -> list[ContainerPool]:
    return [pool for pool in config.pools if isinstance(pool, ContainerPool)]


def tasks(config: Environment, cpu: int, memory: int) -> int:
    """At rest each pool is at its minimum."""
    return sum(pool.min for pool in containers(config) if (pool.cpu, pool.memory) == (cpu, memory))


def alarms(made: Synthesized, *, guards: bool) -> list[Resource]:
    """Those that guard a deployment stand in the stacks that they guard."""
    return [
        each
        for each in made.all("AWS::CloudWatch::Alarm")
        if (each.stack != "Observability") is guards
    ]


def metrics_of(alarm: Resource) -> int:
    """CloudWatch charges for each: "based on the number of metrics per alarm"."""
    return sum("MetricStat" in each for each in alarm.properties.get("Metrics", ())) or 1


def services(made: Synthesized) -> list[Resource]:
    return made.all("AWS::ECS::Service")


def is_public(service: Resource) -> bool:
    network = service.properties["NetworkConfiguration"]["AwsvpcConfiguration"]
    return bool(network["AssignPublicIp"] == "ENABLED")


def rows() -> Iterator[tuple[str, list[Decimal]]]:
    """What a row of the table says, and its amounts for dev, staging and prod."""
    table = PAGE.partition("## What it costs at rest")[2].partition("**together**")[0]
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 5 and re.fullmatch(r"\d+\.\d\d", cells[2]):
            yield cells[1], [Decimal(cell) for cell in cells[2:]]


def cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize("label", COUNTS)
def test_a_row_of_the_cost_table_counts_what_the_templates_have(
    synthesize: Synthesize, label: str
) -> None:
    (item, amounts), *more = [row for row in rows() if row[0].partition(":")[0] == label]
    assert not more
    counted, _, price = item.partition(": ")[2].partition(" \u00d7 ")
    counts = [int(each) for each in counted.split(", ")] * (3 if "," not in counted else 1)
    expected = [COUNTS[label](config, synthesize(config)) for config in ENVIRONMENTS.values()]
    assert counts == expected
    assert amounts == [cents(count * Decimal(price)) for count in counts]


def test_every_row_of_the_cost_table_is_counted_or_known() -> None:
    labels = {item.partition(":")[0] for item, _ in rows()}
    assert labels == {*COUNTS, "nothing", "WAF"}
    (waf,) = (item for item, _ in rows() if item.startswith("WAF"))
    assert waf == "WAF: web ACL 5.00 and 4 rules \u00d7 1.00"


def test_the_sums_of_the_cost_table_are_those_of_its_rows() -> None:
    (line,) = (line for line in PAGE.splitlines() if "**together**" in line)
    sums = [Decimal(each) for each in re.findall(r"\*\*(\d+\.\d\d)\*\*", line)]
    columns = zip(*(amounts for _, amounts in rows()), strict=True)
    assert sums == [sum(column) for column in columns]


def test_prices_of_the_month_follow_from_those_of_the_hour() -> None:
    hours = {"0.0225": "16.43", "0.045": "32.85", "0.005": "3.65"}
    for hour, month in hours.items():
        assert cents(Decimal(hour) * HOURS) == Decimal(month)
        assert hour in PAGE
    small = HOURS * (Decimal("0.25") * Decimal("0.03238") + Decimal("0.5") * Decimal("0.00356"))
    large = HOURS * (Decimal("0.03238") + 2 * Decimal("0.00356"))
    assert (cents(small), large) == (Decimal("7.21"), Decimal("28.83500"))


@pytest.mark.deep
def test_the_fourth_environment_is_one_value_and_ready_to_be_deployed(
    synthesize: Synthesize,
) -> None:
    (block,) = re.findall(r"runs this block -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    namespace = dict(vars(stacks.config.environments))
    exec(block, namespace)  # the page's own code, as its reader pastes it
    assert list(namespace["ENVIRONMENTS"]) == [*ENVIRONMENTS, "perf"]
    perf = namespace["PERF"]
    made = synthesize(perf)
    assert stops(rehearsed(None, assembly(perf, made))) == set()
    assert len(services(made)) == 2
    assert {each.properties["Weight"] for each in weights(made)} == {0, 3, 1}


def weights(made: Synthesized) -> Iterator[Resource]:
    rule = made.one("AWS::ElasticLoadBalancingV2::ListenerRule")
    for group in rule.properties["Actions"][0]["ForwardConfig"]["TargetGroups"]:
        yield Resource("Web", "", "", {"Properties": group})


def test_every_make_target_of_the_page_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(
        re.findall(r"make ([a-z-]+)", " ".join(re.findall(r"`[^`]*`|^.*\$ .*$", PAGE, re.M)))
    )
    assert {"bootstrap", "rehearse", "deploy", "destroy"} <= named <= targets
