"""Costs of connections: in API Gateway with its functions, and in tasks and their balancer."""

import math
from typing import NamedTuple

from bench import prices
from tools.scale.acts import Act
from tools.scale.costs import parts
from tools.scale.model import DAYS, Load

# What a task runs itself (stacks/config/functions.py has the same).
FUNCTIONS = frozenset({"Authorize", "Connection", "Presence", "Send", "Sync", "Receipt"})
# A task as stacks/config/socket_tasks.py has it by default, as full and as busy as autoscaling
# lets it become.
TASK_CONNECTIONS = 7_000
TASK_VCPUS, TASK_GB = 0.5, 1.0
CPU_TARGET = 0.6
LEAST_TASKS = 2
# Milliseconds of a vCPU, measured by `make bench ARGS=sockets`; of a post, at both tasks.
FRAME_CPU = 0.33
POST_CPU = 0.72
PING_CPU = 0.072
PING_SECONDS = 30
# Of a call to AWS by botocore, as measured for post_to_connection (`make bench ARGS=fan_out`).
CALL_CPU = 2.5


class Costs(NamedTuple):
    """US$ a month."""

    gateway: float  # minutes, messages and the functions of its routes
    tasks: float  # tasks and the balancer's capacity units, for the busiest hour at all hours
    number: int  # of tasks


def cpu_ms(act: Act) -> float:
    """Milliseconds of a task's vCPU."""
    handled = FRAME_CPU * act.received + CALL_CPU * sum(act.calls.values())
    return POST_CPU * act.posts + (handled if in_task(act) else 0.0)


def in_task(act: Act) -> bool:
    return set(act.functions) <= FUNCTIONS


def costs(load: Load) -> Costs:
    be = load.behaviour
    minutes = load.users * be.devices * be.hours_online * 60 * DAYS
    gateway = minutes * prices.CONNECTION_MINUTE
    cpu = load.connections * PING_CPU / PING_SECONDS  # ms a second
    for name, (act, number) in load.acts.items():
        paid = parts(act)
        million = number * load.users * DAYS / prices.MILLION
        gateway += million * (paid["WebSocket"] + (paid["Lambda"] if in_task(act) else 0.0))
        cpu += cpu_ms(act) * load.rate(name)
    number_of_tasks = max(
        LEAST_TASKS,
        math.ceil(load.connections / TASK_CONNECTIONS),
        math.ceil(cpu / (1000 * TASK_VCPUS * CPU_TARGET)),
    )
    task = TASK_VCPUS * prices.FARGATE_VCPU_HOUR + TASK_GB * prices.FARGATE_GB_HOUR
    units = max(
        load.connections / prices.LCU_ACTIVE_CONNECTIONS,
        load.rate("a connection") / prices.LCU_NEW_CONNECTIONS,
        load.peak("sent") * 3600 / prices.GB,  # a unit has a GB an hour
    )
    hour = number_of_tasks * task + units * prices.LCU_HOUR
    return Costs(gateway, hour * prices.HOURS, number_of_tasks)


def crossing() -> int:
    """The number of users, in hundreds, above which tasks cost less."""
    low, high = 1, 10_000
    while low < high:
        middle = (low + high) // 2
        found = costs(Load(middle * 100))
        if found.tasks < found.gateway:
            high = middle
        else:
            low = middle + 1
    return low * 100
