"""The metrics of a load balancer. No I/O.

Source: "CloudWatch metrics for your Application Load Balancer", and the same for Network Load
Balancers.
"""

from __future__ import annotations

from emulator.balancer.properties import full_name
from emulator.balancer.targets.target_group import TargetGroup
from emulator.metrics.store import Measure

APPLICATION, NETWORK = "AWS/ApplicationELB", "AWS/NetworkELB"
COUNTED_ALONE = (500, 502, 503, 504)  # each with a metric of its own, beside that of all 5XX
CLIENT_LEFT = 460  # in AWS's access log


def count(
    measure: Measure,
    balancer: str | None,
    group: TargetGroup | None,
    status: int | None,
    seconds: float,
    own: int | None = None,
) -> None:
    """A request is over: `group` is None where no target was chosen, `status` the target's, None
    where it gave none; `own` is the load balancer's, where that responded in the target's place."""
    if balancer is None:
        return
    of_balancer = {"LoadBalancer": full_name(balancer)}
    if own is not None and own >= 300:
        measure(APPLICATION, f"HTTPCode_ELB_{own // 100}XX_Count", 1, of_balancer)
    if own in COUNTED_ALONE:
        measure(APPLICATION, f"HTTPCode_ELB_{own}_Count", 1, of_balancer)
    if group is None:
        return
    of_group = {**of_balancer, "TargetGroup": full_name(group.arn)}
    for dimensions in (of_balancer, of_group):
        measure(APPLICATION, "RequestCount", 1, dimensions)
        if status is not None:
            measure(APPLICATION, f"HTTPCode_Target_{status // 100}XX_Count", 1, dimensions)
            measure(APPLICATION, "TargetResponseTime", seconds, dimensions)
    for dimensions in (of_group, {"TargetGroup": full_name(group.arn)}):
        measure(APPLICATION, "RequestCountPerTarget", 1, dimensions)


def health(measure: Measure, balancer: str | None, group: TargetGroup, network: bool) -> None:
    if balancer is None or group.kind == "lambda":
        return
    dimensions = {"LoadBalancer": full_name(balancer), "TargetGroup": full_name(group.arn)}
    states = [target.health.state for target in group.targets.values()]
    healthy, unhealthy = states.count("healthy"), states.count("unhealthy")
    namespace = NETWORK if network else APPLICATION
    measure(namespace, "HealthyHostCount", healthy, dimensions)
    measure(namespace, "UnHealthyHostCount", unhealthy, dimensions)
