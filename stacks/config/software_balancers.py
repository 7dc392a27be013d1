"""The load balancer's settings for NGINX, HAProxy and Traefik, which run in a cluster.

Made from the same pools as the Application Load Balancer's. A target is the address of a pool's
Service, or of single pods. `python -m stacks.config.software_balancers nginx --env prod --listen 80
large=api.large:8080 small=api.small:8080` prints one.

    nginx    https://nginx.org/en/docs/http/ngx_http_upstream_module.html
    HAProxy  https://docs.haproxy.org/3.0/configuration.html
    Traefik  https://doc.traefik.io/traefik/routing/services/
"""

import argparse
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from stacks.config.environments import ENVIRONMENTS, Environment
from stacks.config.errors import ConfigError, require
from stacks.config.pools import LambdaPool

MOST_WEIGHT = 256  # of a server of HAProxy; the others take more
COOKIE = "pool_target"
Targets = Mapping[str, Sequence[str]]  # pool -> host:port of each of its targets


class Server(NamedTuple):
    """A target with its share of the requests, all pools together."""

    name: str
    address: str
    weight: int


def servers(config: Environment, targets: Targets) -> list[Server]:
    """A pool's weight is shared by its targets. A Lambda function is no target of these.

    Raises ConfigError for a pool without a target, and for one that the environment has not.
    """
    pools = {pool.name: pool for pool in config.pools if not isinstance(pool, LambdaPool)}
    require(
        targets.keys() == pools.keys() and all(targets.values()),
        "targets",
        ", ".join(sorted(targets)),
        f"the environment {config.name} has the pools {', '.join(sorted(pools))} besides Lambda",
        "Give one target or more for each of these pools",
    )
    least = math.lcm(*(len(each) for each in targets.values()))
    shares = {name: pools[name].weight * least // len(of) for name, of in targets.items()}
    divisor = math.gcd(*shares.values()) or 1
    found = [
        Server(f"{name}-{number}", address, shares[name] // divisor)
        for name, of in targets.items()
        for number, address in enumerate(of)
    ]
    heaviest = max(each.weight for each in found)
    if heaviest <= MOST_WEIGHT:
        return found
    return [
        each._replace(
            weight=max(1, round(each.weight * MOST_WEIGHT / heaviest)) * bool(each.weight)
        )
        for each in found
    ]


def _counts_requests(config: Environment) -> bool:
    return config.load_balancer.meaning.target_algorithm == "least_outstanding_requests"


def _is_sticky(config: Environment) -> bool:
    return config.load_balancer.stickiness.kind in ("group", "lb_cookie", "app_cookie")


def nginx(config: Environment, targets: Targets, listen: str) -> str:
    """A file for conf.d/. Open source NGINX checks health by the requests alone, and has no sticky
    cookie: a client stays with a target by its address."""
    check, balancer = config.load_balancer.health_check, config.load_balancer
    lines = []
    if balancer.has_network_balancer or _is_sticky(config):
        lines.append("ip_hash;")
    elif _counts_requests(config):
        lines.append("least_conn;")
    down = f"max_fails={check.unhealthy_threshold} fail_timeout={check.interval}s"
    for each in servers(config, targets):
        weight = f"weight={each.weight}" if each.weight else "down"
        lines.append(f"server {each.address} {weight} {down};")
    upstream = "\n".join(f"    {line}" for line in [*lines, "keepalive 64;"])
    return f"""upstream switchboard {{
{upstream}
}}
server {{
    listen {listen};
    client_max_body_size 1m;
    location / {{
        proxy_pass http://switchboard;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_read_timeout {balancer.idle_timeout}s;
    }}
}}
"""


def haproxy(config: Environment, targets: Targets, listen: str) -> str:
    """A whole haproxy.cfg."""
    check, balancer = config.load_balancer.health_check, config.load_balancer
    kind = "leastconn" if _counts_requests(config) else "roundrobin"
    kind = "source" if balancer.has_network_balancer else kind
    sticky = _is_sticky(config) and not balancer.has_network_balancer
    lines = [f"balance {kind}", f"option httpchk GET {check.path}"]
    if sticky:
        lines.append(f"cookie {COOKIE} insert indirect nocache httponly")
    growing = f" slowstart {balancer.slow_start}s" if balancer.slow_start else ""
    for each in servers(config, targets):
        kept = f" cookie {each.name}" if sticky else ""
        lines.append(
            f"server {each.name} {each.address} weight {each.weight}{growing} check "
            f"inter {check.interval}s rise {check.healthy_threshold} "
            f"fall {check.unhealthy_threshold}{kept}"
        )
    backend = "\n".join(f"    {line}" for line in lines)
    return f"""defaults
    mode http
    timeout connect 5s
    timeout client {balancer.idle_timeout}s
    timeout server {balancer.idle_timeout}s
    option forwardfor

frontend web
    bind {listen}
    default_backend switchboard

backend switchboard
{backend}
"""


def traefik(config: Environment, targets: Targets, _listen: str = "") -> str:
    """A file of the file provider; the entry point, with its address, is Traefik's own argument.

    Traefik balances by round robin, and has a sticky cookie for the pool and for its target.
    """
    check = config.load_balancer.health_check
    cookie = f"sticky: {{cookie: {{name: {COOKIE}, httpOnly: true}}}}"
    sticky = _is_sticky(config)
    services, weighted = [], []
    for name, of in targets.items():
        weight = next(pool.weight for pool in config.pools if pool.name == name)
        weighted.append(f"          - {{name: {name}, weight: {weight}}}")
        services += [
            f"    {name}:",
            "      loadBalancer:",
            *([f"        {cookie}"] if sticky else []),
            f"        healthCheck: {{path: {check.path}, interval: {check.interval}s, "
            f"timeout: {check.timeout}s}}",
            "        servers:",
            *(f'          - url: "http://{address}"' for address in of),
        ]
    servers(config, targets)  # the same mistakes are errors here
    pools = "\n".join([*weighted, *([f"        {cookie}"] if sticky else [])])
    return f"""http:
  routers:
    web:
      rule: PathPrefix(`/`)
      service: switchboard
  services:
    switchboard:
      weighted:
        services:
{pools}
{chr(10).join(services)}
"""


BALANCERS: Mapping[str, Callable[[Environment, Targets, str], str]] = {
    "nginx": nginx,
    "haproxy": haproxy,
    "traefik": traefik,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("of", choices=BALANCERS)
    parser.add_argument("targets", nargs="+", metavar="POOL=HOST:PORT")
    parser.add_argument("--env", choices=ENVIRONMENTS, default="dev")
    parser.add_argument("--listen", default="*:80")
    given = parser.parse_args()
    targets: dict[str, list[str]] = {}
    for each in given.targets:
        name, _, address = each.partition("=")
        targets.setdefault(name, []).append(address)
    try:
        sys.stdout.write(BALANCERS[given.of](ENVIRONMENTS[given.env], targets, given.listen))
    except ConfigError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
