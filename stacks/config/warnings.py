"""Warnings at synth for settings that AWS accepts but that are probably mistakes.

Notes explain a setting, warnings name what to change.
"""

from collections.abc import Iterator

from stacks.config.environments import Environment
from stacks.config.functions import FUNCTIONS, SOCKET_FUNCTIONS, FunctionSizes, setting_name
from stacks.config.load_balancer import LoadBalancer
from stacks.config.pools import ContainerPool, Pool, TargetPool
from stacks.config.regions import MOBILE_PUSH_REGIONS
from stacks.config.rules import ANOMALY_TARGETS, ip_hash_pool, target_pools
from stacks.config.settings import WebSocket
from stacks.config.socket_tasks import SocketTasks

SLOWEST_RESPONSE = FUNCTIONS["Api"].timeout  # seconds
GATEWAY_SETTINGS = ("rate_limit", "burst_limit", "access_logs", "account_log_role")
MOST_RECONNECTS = 0.5  # of a task's CPU: the rest is for frames
LONG_DETECTION = 60  # seconds in which a target that hangs may get requests

Note = tuple[str, str]  # id, and a sentence
Warning = tuple[str, str]  # id, and a sentence that names the field, its value and what to do


def environment_warnings(environment: Environment) -> Iterator[Warning]:
    if environment.retain and environment.alarms_email is None:
        yield (
            "alarms-email",
            "alarms_email is None: the alarms of this environment notify nobody. Set it to an "
            "address, and confirm the mail that it gets.",
        )
    if environment.retain and not environment.deletion_protection:
        yield (
            "deletion-protection",
            "deletion_protection is False: a person may still delete tables, users and load "
            "balancers. Set it to true once the first deployment stands; before, it would prevent "
            "the rollback of one that fails.",
        )
    if environment.websocket.in_containers:
        yield from _socket_task_warnings(environment.websocket.tasks)
        yield from _unused_warnings(environment)
    if environment.region is not None and environment.region not in MOBILE_PUSH_REGIONS:
        yield (
            "mobile-push",
            f"region is '{environment.region}': Amazon SNS has no mobile push there, so a "
            "credential for FCM or APNs can't be used and no phone is woken. Leave the push "
            "secrets empty, or choose a region that has it.",
        )


def _socket_task_warnings(tasks: SocketTasks) -> Iterator[Warning]:
    if tasks.min < 2:
        yield (
            "single-socket-task",
            f"websocket.tasks.min is {tasks.min}: when the task ends, all "
            "sockets do, and nobody connects until another one runs. Raise it to 2.",
        )
    if tasks.reconnect_share > MOST_RECONNECTS:
        yield (
            "short-socket-drain",
            f"websocket.tasks.drain is {tasks.drain}: in a deployment {tasks.scale_at} clients of "
            f"a task come back in these seconds, which takes {tasks.reconnect_share:.0%} of the "
            f"next one's CPU. Raise it to {tasks.drain_for(MOST_RECONNECTS)}, or lower "
            "websocket.tasks.connections.",
        )


def _unused_warnings(environment: Environment) -> Iterator[Warning]:
    """Settings of API Gateway, and of the functions behind it."""
    usual = WebSocket()
    changed = [
        f"websocket.{name}"
        for name in GATEWAY_SETTINGS
        if getattr(environment.websocket, name) != getattr(usual, name)
    ]
    sizes, usual_sizes = environment.functions, FunctionSizes()
    changed += [
        f"functions.{setting_name(name)}"
        for name in SOCKET_FUNCTIONS
        if sizes.of(name) != usual_sizes.of(name)
    ]
    if changed:
        yield (
            "unused-with-tasks",
            f"websocket.plane is 'containers': {', '.join(changed)} have no effect, since API "
            "Gateway is not there. Remove them, or leave them for the way back.",
        )


def load_balancer_notes(balancer: LoadBalancer, pools: tuple[Pool, ...]) -> Iterator[Note]:
    if balancer.meaning.explanation:
        yield "algorithm", balancer.meaning.explanation
    if balancer.stickiness.kind == "lb_cookie" and len(pools) > 1:
        yield (
            "sticky-steps",
            "load_balancer.stickiness.kind is 'lb_cookie': where this is deployed already with "
            "kind none, deploy with kind group first, which needs two pools with a weight. "
            "CloudFormation changes a target group before the rules that refer to it, and AWS "
            "wants a rule's groups to be sticky before their targets are.",
        )


def load_balancer_warnings(
    balancer: LoadBalancer, pools: tuple[Pool, ...], waf: bool
) -> Iterator[Warning]:
    yield from _certificate_warnings(balancer)
    yield from _timeout_warnings(balancer)
    if balancer.stickiness.kind == "app_cookie":
        yield (
            "app-cookie",
            "load_balancer.stickiness.kind is 'app_cookie': a client sticks once a target has set "
            f"the cookie '{balancer.stickiness.cookie_name}', and the API of this project sets no "
            "cookie. Let it set one, or take lb_cookie, which needs nothing of it.",
        )
    for pool in target_pools(pools):
        yield from _pool_size_warnings(balancer, pool)
    hashed = ip_hash_pool(balancer, pools)
    if hashed is not None:
        yield from _network_balancer_warnings(hashed, waf)
        if balancer.access_logs:
            yield (
                "unlogged",
                "load_balancer.access_logs is True: a Network Load Balancer logs TLS connections "
                "only, so what comes through it leaves no record there. Set network.flow_logs to "
                "true for one of its connections.",
            )


def _certificate_warnings(balancer: LoadBalancer) -> Iterator[Warning]:
    if balancer.certificate_arn is not None and balancer.domain_name is None:
        yield (
            "domain-name",
            "load_balancer.domain_name is None: ApiUrl has the name that AWS gave the load "
            "balancer, which no certificate covers, so clients that take it do not connect. "
            "Set it to a name that load_balancer.certificate_arn covers, and make a DNS record.",
        )


def _timeout_warnings(balancer: LoadBalancer) -> Iterator[Warning]:
    delay = balancer.deregistration_delay
    if delay < SLOWEST_RESPONSE:
        yield (
            "short-drain",
            f"load_balancer.deregistration_delay is {delay}: a task that leaves is cut off after "
            f"so many seconds, and a response may take {SLOWEST_RESPONSE}. Raise it to that.",
        )
    if balancer.idle_timeout <= SLOWEST_RESPONSE:
        yield (
            "short-idle",
            f"load_balancer.idle_timeout is {balancer.idle_timeout}: a response may take "
            f"{SLOWEST_RESPONSE} s, and the client would get 504 instead. Raise it above that.",
        )
    check = balancer.health_check
    detection = check.interval * check.unhealthy_threshold
    if detection > LONG_DETECTION:
        yield (
            "slow-detection",
            f"load_balancer.health_check.interval is {check.interval}: with unhealthy_threshold "
            f"{check.unhealthy_threshold} a target that hangs gets requests for {detection} s. "
            "Lower one of them.",
        )


def _pool_size_warnings(balancer: LoadBalancer, pool: TargetPool) -> Iterator[Warning]:
    path = f"pools.{pool.name}.min"
    if balancer.anomaly_mitigation and pool.min < ANOMALY_TARGETS:
        yield (
            f"anomalies-{pool.name}",
            f"{path} is {pool.min}: load_balancer.anomaly_mitigation does nothing while the pool "
            f"has fewer than {ANOMALY_TARGETS} healthy targets. Raise it to that.",
        )
    minimum = balancer.minimum_healthy_targets.count
    if minimum > pool.min:
        yield (
            f"minimum-healthy-{pool.name}",
            f"{path} is {pool.min}: while the pool is that small, it is below "
            f"load_balancer.minimum_healthy_targets.count, which is {minimum}, and unhealthy "
            "targets get requests as well. Raise the one or lower the other.",
        )
    percentage = balancer.minimum_healthy_targets.percentage
    # a deployment starts as many tasks as there are, which is half of them all
    healthy = min(100 * pool.min // pool.max, 50)
    if percentage is not None and percentage > healthy:
        yield (
            f"new-targets-{pool.name}",
            f"load_balancer.minimum_healthy_targets.percentage is {percentage}: when the pool "
            f"{pool.name} grows from {pool.min} to {pool.max} tasks, or a deployment starts as "
            f"many as there are, {healthy} % may be healthy, and new tasks get requests before "
            f"they passed a check. Set it to {healthy or 'none'}, or use count, which does not "
            "grow with the pool.",
        )


def _network_balancer_warnings(pool: ContainerPool, waf: bool) -> Iterator[Warning]:
    """Warnings about `pool`, which is behind the Network Load Balancer."""
    if waf:
        yield (
            "beside-waf",
            "waf is True: it stands before the Application Load Balancer only, and what comes "
            "through the Network Load Balancer passes it by. Do without "
            "ip_hash where requests have to be inspected.",
        )
    if pool.cpu_target is None:
        yield (
            f"uncounted-{pool.name}",
            f"pools.{pool.name}.cpu_target is None: requests through the Network Load Balancer are "
            "not counted as requests per target, so nothing makes the pool grow with them. "
            "Set it to a percentage.",
        )
    if pool.max == 1:
        yield (
            f"single-{pool.name}",
            f"pools.{pool.name}.max is 1: every address hashes to the one task. Raise it, or set "
            "load_balancer.ip_hash_pool to another pool.",
        )
