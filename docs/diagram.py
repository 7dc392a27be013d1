"""Draws the system from its synthesized templates, into the marked section of a Markdown file.

    python docs/diagram.py cdk.out README.md [--check]

--check changes nothing and fails when the file has another picture than the templates give.
"""

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- diagram: begin, made by docs/diagram.py -->", "<!-- diagram: end -->"
NODES_ON_A_LINE = 4
HASH = re.compile(r"[0-9A-F]{8}$")
Resource = tuple[str, Mapping[str, Any]]  # name, properties


class Templates:
    """The resources of one environment, all stacks together, by type."""

    def __init__(self, assembly: Path) -> None:
        self._resources: dict[str, list[Resource]] = defaultdict(list)
        self._exports: dict[str, Any] = {}
        if len(found := list(assembly.glob("assembly-*"))) != 1:
            raise SystemExit(f"{assembly} has {len(found)} environments: synthesize one into it")
        for file in sorted(found[0].glob("*.template.json")):
            template = json.loads(file.read_text())
            for logical_id, body in template["Resources"].items():
                self._resources[body["Type"]].append(
                    (_name(logical_id), body.get("Properties", {}))
                )
            for output in template.get("Outputs", {}).values():
                if "Export" in output:
                    self._exports[output["Export"]["Name"]] = output["Value"]

    def all(self, type: str) -> list[Resource]:
        return self._resources[f"AWS::{type}"]

    def target(self, value: Any) -> str:
        """The name of the resource that a reference is to, wherever in the value it stands; of an
        alias that of its function."""
        match value:
            case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
                alias = dict(self.all("Lambda::Alias")).get(_name(name))
                if alias:
                    return self.target(alias["FunctionName"])
                return "" if name.startswith("AWS::") else _name(name)
            case {"Fn::ImportValue": export}:
                return self.target(self._exports[export])
            case list():
                return next(filter(None, map(self.target, value)), "")
            case dict():
                return self.target(list(value.values()))
            case _:
                return ""


def draw(templates: Templates) -> str:
    parts = (_nodes, _requests, _frames, _pushes)
    lines = [f"  {line}" for part in parts for line in part(templates)]
    return "\n".join(("```mermaid", "flowchart LR", *lines, "```"))


def _nodes(templates: Templates) -> Iterator[str]:
    """Three boxes: pools, which serve HTTP; functions, for frames and events; tables."""
    names = [name for name, _ in templates.all("Lambda::Function")]
    # a pool; called by deployments, and by operators, only
    hidden = ("ApiFunction", "PlatformApplicationsFunction", "OperatorFunction")
    # a pool behind both balancers has two target groups
    pools = [f'{_id(pool)}["{pool}"]' for pool in dict.fromkeys(_pools(templates).values())]
    functions = [f'{name}["{_label(name)}"]' for name in names if name not in hidden]
    tables = [f'{name}[("{name}")]' for name, _ in templates.all("DynamoDB::Table")]
    queues = [f'{name}[/"{_label(name)}"/]' for name, _ in templates.all("SQS::Queue")]
    for title, nodes in (("pools", pools), ("functions", functions), ("tables", tables)):
        yield from (f"subgraph {title}", *(f"  {line}" for line in _lines(nodes)), "end")
    yield from _lines(queues)


def _lines(nodes: Sequence[str]) -> Iterator[str]:
    """A few nodes on each line."""
    for start in range(0, len(nodes), NODES_ON_A_LINE):
        yield " & ".join(nodes[start : start + NODES_ON_A_LINE])


def _requests(templates: Templates) -> Iterator[str]:
    yield 'app(["apps and browsers"]) -->|HTTPS| balancer{{"load balancer"}}'
    pools = _pools(templates)
    for _, rule in templates.all("ElasticLoadBalancingV2::ListenerRule"):
        for share in rule["Actions"][0]["ForwardConfig"]["TargetGroups"]:
            pool = pools[templates.target(share["TargetGroupArn"])]
            yield f'balancer -->|"weight {share["Weight"]}"| {_id(pool)}'
    for _, listener in templates.all("ElasticLoadBalancingV2::Listener"):
        if listener["Protocol"] == "TCP":
            pool = pools[templates.target(listener["DefaultActions"][0]["TargetGroupArn"])]
            yield 'app -->|TCP| network{{"network load balancer"}}'
            yield f'network -->|"by the client\'s address"| {_id(pool)}'
    yield "pools <--> tables"


def _frames(templates: Templates) -> Iterator[str]:
    yield 'app <-->|frames| websocket{{"WebSocket API"}}'
    integrations = dict(templates.all("ApiGatewayV2::Integration"))
    routes = defaultdict(list)
    for _, route in templates.all("ApiGatewayV2::Route"):
        integration = integrations[templates.target(route["Target"])]
        routes[templates.target(integration["IntegrationUri"])].append(route["RouteKey"])
    for _, authorizer in templates.all("ApiGatewayV2::Authorizer"):
        yield f'websocket -->|"may it connect?"| {templates.target(authorizer["AuthorizerUri"])}'
    for function, keys in routes.items():
        yield f'websocket -->|"{", ".join(keys)}"| {function}'
    yield "functions <--> tables"
    yield "functions -.->|posts| websocket"


def _pushes(templates: Templates) -> Iterator[str]:
    for _, mapping in templates.all("Lambda::EventSourceMapping"):
        source, function = map(
            templates.target, (mapping["EventSourceArn"], mapping["FunctionName"])
        )
        yield f'{source} -->|"{"stream" if "StartingPosition" in mapping else "jobs"}"| {function}'
        if failures := templates.target(mapping.get("DestinationConfig")):
            yield f'{function} -.->|"given up"| {failures}'
    for name, queue in templates.all("SQS::Queue"):
        if redrive := queue.get("RedrivePolicy"):
            dead = templates.target(redrive["deadLetterTargetArn"])
            yield f'{name} -.->|"after {redrive["maxReceiveCount"]} tries"| {dead}'
    senders: dict[str, list[str]] = defaultdict(list)
    for function, properties in templates.all("Lambda::Function"):
        if url := properties["Environment"]["Variables"].get("PUSH_QUEUE_URL"):
            senders[templates.target(url)].append(function)
    for queue_name, functions in senders.items():
        yield f"{' & '.join(functions)} --> {queue_name}"
    yield 'PushFunction -->|"SNS, FCM, APNs"| phone(["phones"])'


def _pools(templates: Templates) -> dict[str, str]:
    """Target group -> the pool that its tag names."""
    groups = templates.all("ElasticLoadBalancingV2::TargetGroup")
    return {
        name: next(tag["Value"] for tag in group["Tags"] if tag["Key"] == "pool")
        for name, group in groups
    }


def _name(logical_id: str) -> str:
    return HASH.sub("", logical_id)


def _id(pool: str) -> str:
    return f"pool_{pool.replace('-', '_')}"


def _label(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Function"))
    return words.capitalize()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assembly", type=Path, help="cdk.out, with one environment in it")
    parser.add_argument("document", type=Path, help="the Markdown file")
    parser.add_argument("--check", action="store_true", help="compare only")
    arguments = parser.parse_args()
    document, text = arguments.document, arguments.document.read_text()
    if BEGIN not in text or END not in text:
        raise SystemExit(f"{document} has no place for the picture: add\n{BEGIN}\n{END}")
    before, _, rest = text.partition(BEGIN)
    drawn = f"{before}{BEGIN}\n{draw(Templates(arguments.assembly))}\n{END}{rest.partition(END)[2]}"
    if not arguments.check:
        document.write_text(drawn)
    elif drawn != text:
        raise SystemExit(f"{document} shows another system: run docs/diagram.py without --check")


if __name__ == "__main__":
    main()
