"""Settings of the tasks that hold WebSockets, where websocket.plane is containers."""

import math
from dataclasses import dataclass

from stacks.config.errors import require, require_between
from stacks.config.pools import FARGATE_SIZES, FINISHING_MARGIN, MOST_TASKS
from stacks.config.type_checks import require_types

PATH = "websocket.tasks"
# Memory of a task without sockets, and of an idle socket with its part of the kernel's memory,
# doubled as a margin: `python -m bench sockets` measures both.
BASE_MIB = 200
SOCKET_KIB = 64
# "65,535", of which some are for AWS, other tasks and the load balancer:
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Ulimit.html
MOST_SOCKETS = 50_000
SCALE_AT = 0.7  # of `connections`: the rest is for those that come before a new task runs
# Calls of DescribeTargetHealth a second by all tasks together. Elastic Load Balancing allows an
# account 40 at once and 10 a second of all that describe:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html
REQUESTS_PER_SECOND = 8
LEAST_INTERVAL = 5  # seconds between two of a task
LAST_SLICE = 5  # seconds
LONGEST_DELAY = 3_600  # of a deregistration
# Milliseconds of a vCPU for a client that reconnects and syncs, as in the scale model.
RECONNECT_CPU = 18


@dataclass(frozen=True, kw_only=True)
class SocketTasks:
    """Equal tasks: cpu in CPU units (1024 = one vCPU, and a task uses one at most), memory in MiB;
    min and max bound their number. Each holds `connections` at most, and autoscaling adds tasks
    when they hold 70 % of that, or use cpu_target percent of their CPU.

    A task that is replaced closes its sockets over `drain` seconds, in which others take them, and
    has stop_timeout seconds from SIGTERM to SIGKILL.
    """

    cpu: int = 512
    memory: int = 1024
    min: int = 2
    max: int = 20
    connections: int = 10_000
    cpu_target: int = 60
    drain: int = 600
    stop_timeout: int = 30

    @property
    def health_interval(self) -> int:
        """Seconds between two requests of a task that ask whether it is drained. A deployment has
        twice the tasks."""
        return max(LEAST_INTERVAL, math.ceil(2 * self.max / REQUESTS_PER_SECOND))

    @property
    def deregistration_delay(self) -> int:
        """Seconds until the load balancer closes connections that are still open. One request for
        the health may fail.
        """
        return self.drain + self._margin

    @property
    def _margin(self) -> int:
        return 2 * self.health_interval + LAST_SLICE

    @property
    def reconnect_share(self) -> float:
        """The part of a task's CPU used by clients that reconnect while an equally full task
        drains.
        """
        return self.scale_at * RECONNECT_CPU / 1000 / self.drain / self._vcpus

    def drain_for(self, share: float) -> int:
        """The seconds of `drain` with which reconnecting clients use that part."""
        return math.ceil(self.scale_at * RECONNECT_CPU / 1000 / share / self._vcpus)

    @property
    def _vcpus(self) -> float:
        return min(self.cpu / 1024, 1)

    @property
    def finish_timeout(self) -> int:
        """Seconds from SIGTERM in which a task closes what it still holds."""
        return self.stop_timeout - FINISHING_MARGIN

    @property
    def scale_at(self) -> int:
        """Sockets of a task at which there should be more tasks."""
        return int(self.connections * SCALE_AT)

    def __post_init__(self) -> None:
        require_types(self, f"{PATH}.")
        self._check_size()
        require_between(1, MOST_TASKS, f"{PATH}.min", self.min, "the tasks of a service")
        require_between(1, MOST_TASKS, f"{PATH}.max", self.max, "the tasks of a service")
        require(
            self.max >= self.min,
            f"{PATH}.max",
            self.max,
            f"it must not be below {PATH}.min, which is {self.min}",
            f"Raise {PATH}.max or lower {PATH}.min",
        )
        self._check_connections()
        require_between(1, 99, f"{PATH}.cpu_target", self.cpu_target, "a percentage")
        require_between(
            10,
            LONGEST_DELAY - self._margin,
            f"{PATH}.drain",
            self.drain,
            f"a time in seconds to drain, where {PATH}.max is {self.max},",
        )
        require_between(
            FINISHING_MARGIN + 1,
            120,
            f"{PATH}.stop_timeout",
            self.stop_timeout,
            f"the time in seconds that Fargate leaves a task after SIGTERM, with "
            f"{FINISHING_MARGIN} s for its own end,",
        )

    def _check_size(self) -> None:
        require(
            self.cpu in FARGATE_SIZES,
            f"{PATH}.cpu",
            self.cpu,
            f"Fargate has tasks of {', '.join(map(str, FARGATE_SIZES))} CPU units",
            f"Set {PATH}.cpu to one of them",
        )
        sizes = FARGATE_SIZES[self.cpu]
        require(
            self.memory in sizes,
            f"{PATH}.memory",
            self.memory,
            f"with {self.cpu} CPU units Fargate accepts {', '.join(map(str, sizes))} MiB",
            f"Set {PATH}.memory to one of them, or change {PATH}.cpu",
        )

    def _check_connections(self) -> None:
        require_between(
            10, MOST_SOCKETS, f"{PATH}.connections", self.connections, "the sockets of one task"
        )
        needed = BASE_MIB + self.connections * SOCKET_KIB // 1024
        require(
            needed <= self.memory,
            f"{PATH}.connections",
            self.connections,
            f"so many take up to {needed} MiB, and {PATH}.memory is {self.memory}",
            f"Lower {PATH}.connections, or raise {PATH}.memory",
        )
