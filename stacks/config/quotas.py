"""`python -m stacks.config.quotas -c env=prod`: what an environment needs of AWS's quotas."""

import argparse
import sys
from collections.abc import Iterator
from typing import NamedTuple

from stacks.config.environments import Environment
from stacks.config.errors import ConfigError
from stacks.config.functions import FUNCTIONS, SOCKET_FUNCTIONS
from stacks.config.overrides import environment_from
from stacks.config.rules import container_pools, target_pools
from stacks.config.settings import WebSocket

CPU_UNITS = 1_024  # of a vCPU
PAGES = "https://docs.aws.amazon.com/"


class Quota(NamedTuple):
    """`default` is what a region gives; None where it differs from account to account. `page` is
    AWS's, without its beginning."""

    name: str
    needed: str
    default: str | None
    page: str


def quotas(environment: Environment) -> Iterator[Quota]:
    """In the order in which a growing environment meets them."""
    in_tasks = environment.websocket.in_containers
    sizes = [
        environment.functions.of(name)
        for name in FUNCTIONS
        if not (in_tasks and name in SOCKET_FUNCTIONS)
    ]
    reserved = sum(size.reserved_concurrency or size.provisioned_concurrency or 0 for size in sizes)
    yield Quota(
        "Lambda: concurrent executions",
        f"{environment.concurrent_executions}, of which {reserved} are reserved",
        "1000, new accounts less",
        "lambda/latest/dg/gettingstarted-limits.html",
    )
    yield from _of_tasks(environment)
    yield Quota(
        "EC2: Elastic IP addresses",
        str(environment.network.nat_gateways),
        "5",
        "vpc/latest/userguide/amazon-vpc-limits.html",
    )
    if not in_tasks:
        yield from _of_api_gateway(environment.websocket)
    seconds = 60 * environment.tokens.access_minutes
    yield Quota(
        "Cognito: UserAuthentication and UserToken, per second",
        f"120 are enough for {120 * seconds:,} devices that refresh each "
        f"{environment.tokens.access_minutes} minutes",
        "120",
        "cognito/latest/developerguide/quotas.html",
    )


def _of_tasks(environment: Environment) -> Iterator[Quota]:
    """The tasks of the pools, and those that hold sockets."""
    sizes = [(pool.max, pool.cpu) for pool in container_pools(environment.pools)]
    targets = sum(pool.max for pool in target_pools(environment.pools))
    if environment.websocket.in_containers:
        tasks = environment.websocket.tasks
        sizes.append((tasks.max, tasks.cpu))
        targets += tasks.max
    cores = sum(most * cpu for most, cpu in sizes) / CPU_UNITS
    yield Quota(
        "Fargate: On-Demand vCPU resource count",
        f"{2 * cores:g}: {cores:g} at the max of all, twice that during a deployment",
        None,
        "AmazonECS/latest/developerguide/service-quotas.html",
    )
    yield Quota(
        "Elastic Load Balancing: targets of an Application Load Balancer",
        f"{2 * targets}: {targets} at the max of all, twice that during a deployment",
        "1000",
        "elasticloadbalancing/latest/application/load-balancer-limits.html",
    )


def _of_api_gateway(limits: WebSocket) -> Iterator[Quota]:
    yield Quota(
        "API Gateway: requests per second, and their burst",
        f"{limits.rate_limit}, {limits.burst_limit}",
        "10000, 5000",
        "apigateway/latest/developerguide/limits.html",
    )
    yield Quota(
        "API Gateway: new WebSocket connections per second",
        _reconnects(limits.reconnect_window),
        "500",
        "apigateway/latest/developerguide/limits.html",
    )


def _reconnects(window: int) -> str:
    if window == 0:
        return "how many devices may come back at once is left to them: websocket.reconnect_window"
    return f"500 are enough for {500 * window:,} that come back within reconnect_window, {window} s"


def table(environment: Environment) -> str:
    lines = [f"{environment.name}: what it needs, and what a region gives"]
    for quota in quotas(environment):
        lines += [
            quota.name,
            f"  needs    {quota.needed}",
            f"  default  {quota.default or 'see the page, or Service Quotas in the console'}",
            f"  {PAGES}{quota.page}",
        ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE")
    pairs = (each.partition("=") for each in parser.parse_args().context)
    try:
        shown = table(environment_from({key: value for key, _, value in pairs}))
    except ConfigError as error:
        raise SystemExit(str(error)) from None
    sys.stdout.write(f"{shown}\n")


if __name__ == "__main__":
    main()
