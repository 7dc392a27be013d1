"""The domain names that a template gives its load balancer and its WebSocket API.

No name is resolved here: what runs listens on 127.0.0.1, without TLS. It is reached by its
address, by these names as hosts, and by `<name>.localhost`, which browsers lead to this machine
(RFC 6761, 6.3).
Functions and tasks are given the address, which every client finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from emulator.resource import Resource

HERE = ".localhost"
TAG = "domain"  # of the load balancer: its record may be made elsewhere, and no resource then


@dataclass(frozen=True)
class Domains:
    """`balancer` is the Application Load Balancer's name, `websocket` that of the WebSocket API,
    `distribution` that of the CloudFront distribution in front of the load balancer."""

    balancer: str | None = None
    websocket: str | None = None
    distribution: str | None = None

    def __contains__(self, name: object) -> bool:
        return name is not None and name in (self.balancer, self.websocket, self.distribution)

    def local(self, api: str, websocket: str) -> dict[str, str]:
        """The URL here by the URL on AWS; `api` and `websocket` are those of the listeners."""
        found: dict[str, str] = {}
        sockets = api.replace("http", "ws", 1)  # of tasks, where no WebSocket API has them
        for name in (self.balancer, self.distribution):
            if name is not None:
                found |= {f"{scheme}://{name}": api for scheme in ("http", "https")}
                found |= {f"{scheme}://{name}": sockets for scheme in ("ws", "wss")}
        if self.websocket is not None:
            found[f"wss://{self.websocket}"] = websocket
        return found

    def for_browsers(self, api: str, websocket: str) -> dict[str, str]:
        """The URL with each name by which a browser finds it here."""
        urls = ((self.distribution, api), (self.balancer, api), (self.websocket, websocket))
        return {name: with_host(url, name + HERE) for name, url in urls if name is not None}


def of_template(resources: Iterable[Resource]) -> Domains:
    """The domain names that the template has as literal texts."""
    balancer = websocket = distribution = None
    for resource in resources:
        properties = resource.properties
        if resource.type == "AWS::ApiGatewayV2::DomainName":
            websocket = _text(properties.get("DomainName"))
        elif resource.type == "AWS::ElasticLoadBalancingV2::LoadBalancer":
            balancer = _tagged(properties.get("Tags")) or balancer
        elif resource.type == "AWS::CloudFront::Distribution":
            distribution = _first(properties["DistributionConfig"].get("Aliases"))
    return Domains(balancer, websocket, distribution)


def without_port(host: str) -> str:
    """A Host header's name, as the template has it: without port and `.localhost`."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
    return name.removesuffix(HERE)


def with_host(url: str, host: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{host}:{parts.port}"


def origins(local: Mapping[str, str], origin: str) -> list[str]:
    """The origins here for one that the template allows: itself, and that of its page here."""
    if origin not in local:
        return [origin]
    url, name = local[origin], urlsplit(origin).netloc
    return [origin, url, *(with_host(url, host) for host in ("localhost", name, name + HERE))]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _first(values: object) -> str | None:
    """The first text of a list, which may be an intrinsic function, or hold some."""
    texts = map(_text, values) if isinstance(values, list) else ()
    return next((each for each in texts if each is not None), None)


def _tagged(tags: object) -> str | None:
    tags = tags if isinstance(tags, list) else []
    return _first(
        [each.get("Value") for each in tags if isinstance(each, dict) and each.get("Key") == TAG]
    )
