"""Rules that concern the load balancer and the pools together."""

from operator import attrgetter

from stacks.config.errors import require
from stacks.config.load_balancer import LoadBalancer
from stacks.config.pools import ContainerPool, LambdaPool, Pool, TargetPool, construct_id

# how targets are selected
SELECTION = ("algorithm", "slow_start", "stickiness.kind")
# how they are checked and drained
CHECKS = (
    "deregistration_delay",
    "health_check.path",
    "health_check.interval",
    "health_check.timeout",
    "health_check.healthy_threshold",
    "health_check.unhealthy_threshold",
    "minimum_healthy_targets.count",
    "minimum_healthy_targets.percentage",
    "minimum_healthy_targets.dns_failover_count",
    "minimum_healthy_targets.dns_failover_percentage",
)
ANOMALY_TARGETS = 3  # "at least three healthy targets", under "Automatic Target Weights"


def check_together(balancer: LoadBalancer, pools: tuple[Pool, ...]) -> None:
    """Raises ConfigError for what AWS would reject, or accept without effect."""
    _check_pools(pools)
    _check_between_pools(balancer, pools)
    _check_ip_hash(balancer, container_pools(pools))
    targets = target_pools(pools)
    for pool in targets:
        _check_numbers(balancer, pool)
    _check_functions_only(balancer, targets)


def container_pools(pools: tuple[Pool, ...]) -> list[ContainerPool]:
    return [pool for pool in pools if isinstance(pool, ContainerPool)]


def target_pools(pools: tuple[Pool, ...]) -> list[TargetPool]:
    """The pools whose targets the load balancer checks, selects and drains."""
    return [pool for pool in pools if not isinstance(pool, LambdaPool)]


def ip_hash_pool(balancer: LoadBalancer, pools: tuple[Pool, ...]) -> ContainerPool | None:
    """The pool behind the Network Load Balancer; None where there is no such balancer."""
    if not balancer.has_network_balancer:
        return None
    containers = container_pools(pools)
    named = balancer.ip_hash_pool or containers[0].name
    return next(pool for pool in containers if pool.name == named)


def _check_pools(pools: tuple[Pool, ...]) -> None:
    require(
        1 <= len(pools) <= 5,
        "pools",
        f"{len(pools)} pools",
        "a load balancer forwards to at least 1 and at most 5 target groups",
        "Keep between 1 and 5 pools",
    )
    names = [pool.name for pool in pools]
    require(
        len(set(names)) == len(names),
        "pools",
        ", ".join(names),
        "a pool's name is what x-served-by and the override paths call it, so it occurs once",
        "Rename or remove the pool that occurs twice",
    )
    ids = [construct_id(pool) for pool in target_pools(pools)]
    require(
        len(set(ids)) == len(ids),
        "pools",
        ", ".join(names),
        "pools whose names differ by hyphens alone would be one resource",
        "Rename one of them",
    )
    require(
        any(pool.weight for pool in pools),
        "pools",
        "weight 0 everywhere",
        "a forward needs a target group that gets requests",
        "Give a pool a weight of 1 or more",
    )


def _check_between_pools(balancer: LoadBalancer, pools: tuple[Pool, ...]) -> None:
    kind = balancer.stickiness.kind
    require(
        kind != "app_cookie" or len(pools) == 1,
        "load_balancer.stickiness.kind",
        kind,
        f"app_cookie does not work when requests are forwarded by weight, to {len(pools)} pools",
        "Set load_balancer.stickiness.kind to lb_cookie, or keep a single container pool",
    )
    weighted = [pool.name for pool in pools if pool.weight]
    require(
        kind != "group" or len(weighted) > 1,
        "load_balancer.stickiness.kind",
        kind,
        f"it keeps a client with its pool, and only {', '.join(weighted)} has a weight",
        "Give a second pool a weight, or set load_balancer.stickiness.kind to none",
    )
    require(
        balancer.algorithm != "weighted_round_robin" or len(weighted) > 1,
        "load_balancer.algorithm",
        balancer.algorithm,
        "an Application Load Balancer has weights between pools, not between the targets of one, "
        f"and only {', '.join(weighted)} has a weight",
        "Give a second pool a weight, or set load_balancer.algorithm to round_robin",
    )


def _check_ip_hash(balancer: LoadBalancer, containers: list[ContainerPool]) -> None:
    field = "algorithm" if balancer.algorithm == "ip_hash" else "ip_hash"
    require(
        not balancer.has_network_balancer or bool(containers),
        f"load_balancer.{field}",
        getattr(balancer, field),
        "a Network Load Balancer forwards to containers, not to functions, and the only pool is "
        "the Lambda pool",
        f"Set load_balancer.{field} to {'round_robin' if field == 'algorithm' else 'false'}, or "
        "add a container pool",
    )
    names = [pool.name for pool in containers]
    require(
        balancer.ip_hash_pool in (None, *names),
        "load_balancer.ip_hash_pool",
        balancer.ip_hash_pool,
        "a Network Load Balancer forwards to containers, not to functions, and there are these "
        f"container pools: {', '.join(names)}",
        "Name one of them, or none for the first",
    )


def _check_numbers(balancer: LoadBalancer, pool: TargetPool) -> None:
    """A threshold above the pool's size could never be reached."""
    require(
        not balancer.anomaly_mitigation or pool.max >= ANOMALY_TARGETS,
        f"pools.{pool.name}.max",
        pool.max,
        f"load_balancer.anomaly_mitigation compares at least {ANOMALY_TARGETS} healthy targets "
        "of a pool",
        f"Raise pools.{pool.name}.max, or set load_balancer.anomaly_mitigation to false",
    )
    minimum = balancer.minimum_healthy_targets
    field, value = "count", minimum.count
    if minimum.dns_failover_count is not None and minimum.dns_failover_count > pool.max:
        field, value = "dns_failover_count", minimum.dns_failover_count
    require(
        value <= pool.max,
        f"load_balancer.minimum_healthy_targets.{field}",
        value,
        f"the pool {pool.name} has at most {pool.max} targets and would always be below",
        f"Lower load_balancer.minimum_healthy_targets.{field} or raise pools.{pool.name}.max",
    )


def _check_functions_only(balancer: LoadBalancer, containers: list[TargetPool]) -> None:
    """Settings of targets act on container pools only: Lambda itself starts and selects the
    instances of a function. Targets are selected where such a pool has a weight, and checked and
    drained also where it has none."""
    if any(pool.weight for pool in containers):
        return
    names = list(SELECTION)
    missing, advice = "none has a weight", "give a container pool a weight"
    if not containers:
        names += CHECKS
        missing, advice = "there is none", "add a container pool"
    for name in names:
        value, default = (attrgetter(name)(each) for each in (balancer, LoadBalancer()))
        require(
            # ip_hash is what the Network Load Balancer does, which knows no weights
            value == default or (name, value) == ("algorithm", "ip_hash"),
            f"load_balancer.{name}",
            value,
            f"it is for the targets of container pools, and {missing}",
            f"Set load_balancer.{name} to {'none' if default is None else default}, or {advice}",
        )
