"""Settings of the pools, the targets that serve the HTTP API."""

import re
from dataclasses import dataclass

from stacks.config.errors import require, require_between
from stacks.config.type_checks import require_types

# CPU units -> memory in MiB that Fargate accepts with it
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html)
FARGATE_SIZES: dict[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
    8192: tuple(range(16384, 61440 + 1, 4096)),
    16384: tuple(range(32768, 122880 + 1, 8192)),
}


@dataclass(frozen=True, kw_only=True)
class LambdaPool:
    """The HTTP API as a Lambda function: nothing runs when idle, and it scales first in a spike."""

    weight: int

    @property
    def name(self) -> str:
        return "lambda"  # in x-served-by, and in override paths: pools.lambda.weight

    def __post_init__(self) -> None:
        require_types(self, "pools.lambda.")
        require_between(0, 999, "pools.lambda.weight", self.weight, "the weight of a target group")


# "Tasks per service: 5,000", which AWS does not raise:
# https://docs.aws.amazon.com/general/latest/gr/ecs-service.html
MOST_TASKS = 5_000
# Our own limit, far above what a task can serve: with more, a pool would never grow.
MOST_REQUESTS_PER_TARGET = 1_000_000
FINISHING_MARGIN = 5  # seconds that a stopping task keeps to exit


@dataclass(frozen=True, kw_only=True)
class ContainerPool:
    """The HTTP API as a Fargate service of equal tasks.

    cpu is in CPU units (1024 = one vCPU), memory in MiB; min and max bound the number of tasks.
    Autoscaling aims at requests_per_target, in requests per minute and task that come through
    the Application Load Balancer, and for cpu_target, in percent of the tasks' CPU (none: not at
    all). It adds tasks when one of the two targets needs more, and removes tasks when both allow
    fewer; the cooldowns are the seconds after which it may do so again. stop_timeout is how many
    seconds a task has from SIGTERM, which comes when its requests are drained, to SIGKILL.
    """

    name: str
    cpu: int
    memory: int
    weight: int
    min: int
    max: int
    requests_per_target: int = 1_000
    cpu_target: int | None = 60
    scale_out_cooldown: int = 60
    scale_in_cooldown: int = 300
    stop_timeout: int = 30

    def __post_init__(self) -> None:
        field = _check_name(self)
        self._check_size(field)
        _check_replicas(self, field, MOST_TASKS, "an ECS service has at most {} tasks")
        self._check_scaling(field)

    def _check_size(self, field: str) -> None:
        require(
            self.cpu in FARGATE_SIZES,
            f"{field}.cpu",
            self.cpu,
            f"Fargate has tasks of {', '.join(map(str, FARGATE_SIZES))} CPU units",
            f"Set {field}.cpu to one of them",
        )
        sizes = FARGATE_SIZES[self.cpu]
        require(
            self.memory in sizes,
            f"{field}.memory",
            self.memory,
            f"with {self.cpu} CPU units Fargate accepts {', '.join(map(str, sizes))} MiB",
            f"Set {field}.memory to one of them, or change {field}.cpu",
        )

    def _check_scaling(self, field: str) -> None:
        require(
            self.requests_per_target >= 1,
            f"{field}.requests_per_target",
            self.requests_per_target,
            "autoscaling divides by it (requests per minute and task)",
            f"Set {field}.requests_per_target to 1 or more",
        )
        require(
            self.requests_per_target <= MOST_REQUESTS_PER_TARGET,
            f"{field}.requests_per_target",
            self.requests_per_target,
            "no task serves so many requests a minute, so the pool would never grow",
            f"Set {field}.requests_per_target to {MOST_REQUESTS_PER_TARGET} or less",
        )
        _check_cpu_target(field, self.cpu_target)
        for name in ("scale_out_cooldown", "scale_in_cooldown"):
            require_between(
                0, 3_600, f"{field}.{name}", getattr(self, name), "a cooldown in seconds"
            )
        _check_stop_timeout(field, self.stop_timeout, "Fargate leaves a task", most=120)


# "Cluster, which can have up to 100 characters": https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html
CLUSTER = r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}"
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
DNS_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
MOST_PODS = 5_000  # our own limit, that of an ECS service


@dataclass(frozen=True, kw_only=True)
class KubernetesPool:
    """The HTTP API as a Deployment of equal pods in an EKS cluster that exists already.

    `cluster` is its name. It runs the AWS Load Balancer Controller and the EKS Pod Identity Agent,
    and its nodes are in the environment's network. cpu is in thousandths of a vCPU, memory in MiB,
    of each pod; min and max bound the number of pods, which is held so that they use cpu_target
    percent of their CPU. stop_timeout is how many seconds a pod has to finish its requests and
    exit, after the load balancer sends it no more.
    """

    name: str
    cluster: str
    namespace: str = "default"
    cpu: int
    memory: int
    weight: int
    min: int
    max: int
    cpu_target: int = 60
    stop_timeout: int = 30

    def __post_init__(self) -> None:
        field = _check_name(self)
        for name, form, what in (
            ("cluster", CLUSTER, "the name of an EKS cluster, 1 to 100 letters, digits, - and _"),
            ("namespace", DNS_LABEL, "a namespace, 1 to 63 lower-case letters, digits and hyphens"),
        ):
            value = getattr(self, name)
            require(
                bool(re.fullmatch(form, value)),
                f"{field}.{name}",
                value,
                f"it is {what}",
                f"Set {field}.{name} to such a name",
            )
        require_between(50, 192_000, f"{field}.cpu", self.cpu, "thousandths of a node's vCPUs")
        require_between(128, 786_432, f"{field}.memory", self.memory, "a pod's memory in MiB")
        _check_replicas(self, field, MOST_PODS, "a pool has at most {} pods")
        _check_cpu_target(field, self.cpu_target)
        _check_stop_timeout(field, self.stop_timeout, "a pod is left", most=3_600)


TargetPool = ContainerPool | KubernetesPool
Pool = LambdaPool | ContainerPool | KubernetesPool


def construct_id(pool: TargetPool) -> str:
    """The id of its construct, which starts its logical ids: small-1 -> Small1Pool."""
    return f"{pool.name.title().replace('-', '')}Pool"


def finish_timeout(pool: TargetPool) -> int:
    """Seconds from SIGTERM to finish requests in flight."""
    return pool.stop_timeout - FINISHING_MARGIN


def _check_name(pool: TargetPool) -> str:
    """Gives the path of its settings."""
    require(
        isinstance(pool.name, str)
        and bool(re.fullmatch(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?", pool.name))
        and pool.name != "lambda",
        "pools.name",
        pool.name,
        "a container pool's name is 1 to 32 lower-case letters, digits and hyphens, starts "
        "with a letter, does not end with a hyphen, and is not 'lambda', the Lambda pool's",
        "Rename the pool",
    )
    field = f"pools.{pool.name}"
    require_types(pool, f"{field}.")
    require_between(0, 999, f"{field}.weight", pool.weight, "the weight of a target group")
    return field


def _check_replicas(pool: TargetPool, field: str, most: int, limit: str) -> None:
    require(
        pool.min >= 1,
        f"{field}.min",
        pool.min,
        "a pool of no tasks gets no requests that could make it grow",
        f"Set {field}.min to 1 or more, or remove the pool",
    )
    for name in ("min", "max"):
        require(
            getattr(pool, name) <= most,
            f"{field}.{name}",
            getattr(pool, name),
            limit.format(most),
            f"Lower {field}.{name}, or divide the pool",
        )
    require(
        pool.max >= pool.min,
        f"{field}.max",
        pool.max,
        f"it must not be below {field}.min, which is {pool.min}",
        f"Raise {field}.max or lower {field}.min",
    )


def _check_cpu_target(field: str, target: int | None) -> None:
    require(
        target is None or 1 <= target <= 99,
        f"{field}.cpu_target",
        target,
        "tasks are added while their CPU is above this percentage, and it never is above 100",
        f"Set {field}.cpu_target to a value between 1 and 99, or to none",
    )


def _check_stop_timeout(field: str, seconds: int, what: str, *, most: int) -> None:
    require_between(
        FINISHING_MARGIN + 1,
        most,
        f"{field}.stop_timeout",
        seconds,
        f"the time in seconds that {what} after SIGTERM, with "
        f"{FINISHING_MARGIN} s for its own end,",
    )
