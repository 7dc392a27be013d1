"""Changes of a deployed environment's configuration, each made by one deployment or by two."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from _pytest.mark import ParameterSet

from stacks.config.cloudfront import CloudFront
from stacks.config.domains import HostedZone
from stacks.config.environments import PROD, Environment
from stacks.config.load_balancer import LoadBalancer
from stacks.config.pools import ContainerPool
from stacks.config.releases import Releases
from stacks.config.restored import Restored
from stacks.config.settings import Network
from tests.stacks.complete import ACCOUNT, CERTIFICATE, REGION
from tests.stacks.domain_values import CLOUDFRONT_CERTIFICATE

ZONES = tuple(f"{REGION}{letter}" for letter in "abc")
HTTP, HTTPS = (
    LoadBalancer(plain_http=True),
    LoadBalancer(
        certificate_arn=CERTIFICATE,
        domain_name="api.example.com",
    ),
)
ZONE = HostedZone(id="Z0123456789ABCDEFGHIJ", domain="example.com")
LAMBDA, LARGE, SMALL = PROD.pools
assert isinstance(SMALL, ContainerPool)
BASE = replace(
    PROD,
    account=ACCOUNT,
    region=REGION,
    availability_zones=ZONES[:2],
    load_balancer=HTTP,
    waf=False,
)
NAMED = replace(
    BASE,
    zone=ZONE,
    load_balancer=LoadBalancer(domain_name="chat.example.com"),
    websocket=replace(BASE.websocket, domain_name="ws.example.com"),
)
# a name that moves from the load balancer to CloudFront, by way of a load balancer of another name
ORIGIN = replace(NAMED, load_balancer=LoadBalancer(domain_name="origin.example.com"))
MOVED = replace(
    ORIGIN,
    cloudfront=CloudFront(
        enabled=True,
        domain_name="chat.example.com",
        certificate_arn=CLOUDFRONT_CERTIFICATE,
    ),
)
TASKS = replace(BASE, websocket=replace(BASE.websocket, plane="containers"))
RESTORED = Restored(
    chats="chats-restored",
    chats_stream=f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/chats-restored/stream/2026-11-29T17:00:00.000",
    users="users-restored",
)
RENAMED = ContainerPool(name="tiny", cpu=256, memory=512, weight=2, min=2, max=20)


def gateways(count: int) -> Environment:
    return replace(BASE, network=Network(nat_gateways=count))


# what is deployed, and what it is changed to with one deployment
CHANGES: dict[str, tuple[Environment, Environment]] = {
    "remove the large pool": (BASE, replace(BASE, pools=(LAMBDA, SMALL))),
    "remove the small pool": (BASE, replace(BASE, pools=(LAMBDA, LARGE))),
    "remove the Lambda pool": (BASE, replace(BASE, pools=(LARGE, SMALL))),
    "remove all containers": (BASE, replace(BASE, pools=(LAMBDA,))),
    "add a pool": (replace(BASE, pools=(LAMBDA, SMALL)), BASE),
    "add the Lambda pool": (replace(BASE, pools=(LARGE, SMALL)), BASE),
    "rename a pool": (BASE, replace(BASE, pools=(LAMBDA, LARGE, RENAMED))),
    "resize a pool": (
        BASE,
        replace(BASE, pools=(LAMBDA, LARGE, replace(SMALL, cpu=512, memory=1024))),
    ),
    "HTTP to HTTPS": (BASE, replace(BASE, load_balancer=HTTPS)),
    "HTTPS to HTTP": (replace(BASE, load_balancer=HTTPS), BASE),
    "names in a zone of ours": (BASE, NAMED),
    "no names any more": (NAMED, BASE),
    "another name of the load balancer": (
        NAMED,
        replace(NAMED, load_balancer=LoadBalancer(domain_name="talk.example.com")),
    ),
    "another name of the WebSocket API": (
        NAMED,
        replace(NAMED, websocket=replace(NAMED.websocket, domain_name="sockets.example.com")),
    ),
    "CloudFront before the load balancer": (
        NAMED,
        replace(NAMED, cloudfront=CloudFront(enabled=True)),
    ),
    "CloudFront goes again": (replace(NAMED, cloudfront=CloudFront(enabled=True)), NAMED),
    "another secret of CloudFront": (
        replace(NAMED, cloudfront=CloudFront(enabled=True)),
        replace(NAMED, cloudfront=CloudFront(enabled=True, secret_version=2)),
    ),
    "the load balancer's name goes to CloudFront": (NAMED, MOVED),
    "the load balancer gives up its name": (NAMED, ORIGIN),
    "CloudFront takes a name that is free": (ORIGIN, MOVED),
    "CloudFront's name goes to the load balancer": (MOVED, NAMED),
    "CloudFront gives up its name": (MOVED, ORIGIN),
    "the load balancer takes a name that is free": (ORIGIN, NAMED),
    "a given certificate gives way to a made one": (
        replace(BASE, load_balancer=HTTPS),
        replace(BASE, zone=ZONE, load_balancer=replace(HTTPS, certificate_arn=None)),
    ),
    **{
        f"{before} NAT gateways to {after}": (gateways(before), gateways(after))
        for before in range(3)
        for after in range(3)
        if before != after
    },
    "address hashing on": (BASE, replace(BASE, load_balancer=replace(HTTP, ip_hash=True))),
    "address hashing off": (replace(BASE, load_balancer=replace(HTTP, ip_hash=True)), BASE),
    "firewall on": (BASE, replace(BASE, waf=True)),
    "firewall off": (replace(BASE, waf=True), BASE),
    "access logs on": (BASE, replace(BASE, load_balancer=replace(HTTP, access_logs=True))),
    "access logs off": (replace(BASE, load_balancer=replace(HTTP, access_logs=True)), BASE),
    "architecture": (BASE, replace(BASE, architecture="x86_64")),
    "a key of our own": (replace(BASE, customer_managed_key=False), BASE),
    "flow logs on": (gateways(2), BASE),
    "flow logs off": (BASE, gateways(2)),
    "alarms by e-mail": (BASE, replace(BASE, alarms_email="ops@example.com")),
    "two zones to three": (BASE, replace(BASE, availability_zones=ZONES)),
    "protection on": (BASE, replace(BASE, deletion_protection=True)),
    "nothing is kept": (BASE, replace(BASE, retain=False)),
    "container insights off": (BASE, replace(BASE, container_insights=False)),
    "no access logs of the WebSocket API": (
        BASE,
        replace(BASE, websocket=replace(BASE.websocket, access_logs=False)),
    ),
    "releases are shifted": (replace(BASE, releases=Releases()), BASE),
    "releases are not shifted any more": (BASE, replace(BASE, releases=Releases())),
    "restored tables serve": (BASE, replace(BASE, restored=RESTORED)),
    "the tables of the stack serve again": (replace(BASE, restored=RESTORED), BASE),
    "tasks hold the sockets": (BASE, TASKS),
    "API Gateway holds the sockets again": (TASKS, BASE),
    "backups on": (BASE, replace(BASE, backup_days=90)),
    "longer logs": (BASE, replace(BASE, log_retention_days=400)),
}

# Changes that `make test` tries: one of each kind, of few environments. The others are deep.
IN_MAKE_TEST = {
    *("rename a pool", "names in a zone of ours", "no names any more"),
    *("a key of our own", "the key of our own goes"),
}

# Changes of which a deployed stack imports what goes (all but the first), or needs it for a while:
# the stacks that import are deployed first, `make deploy stacks=... ARGS=--exclusively`, then all.
IN_TWO_STEPS: dict[str, tuple[Environment, Environment, tuple[str, ...]]] = {
    "tasks leave private subnets before the last NAT gateway goes": (
        gateways(1),
        gateways(0),
        ("Web",),
    ),
    "three zones to two": (replace(BASE, availability_zones=ZONES), BASE, ("Web",)),
    "the key of our own goes": (
        BASE,
        replace(BASE, customer_managed_key=False),
        ("Notifications", "Chat", "Web"),
    ),
}


def cases_with_marks(changes: Iterable[str]) -> list[ParameterSet]:
    """The changes as cases of a test, deep but for those of IN_MAKE_TEST."""
    assert CHANGES.keys() | IN_TWO_STEPS >= IN_MAKE_TEST, "a change has another name by now"
    return [
        pytest.param(change, marks=() if change in IN_MAKE_TEST else pytest.mark.deep, id=change)
        for change in changes
    ]
