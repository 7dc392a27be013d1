"""The scale model of sockets in tasks is that of the configuration, and has a crossing."""

import pytest

from stacks.config.functions import SOCKET_FUNCTIONS
from stacks.config.socket_tasks import RECONNECT_CPU, SocketTasks
from tools.scale import sockets
from tools.scale.acts import ACTS
from tools.scale.model import Load


def test_a_task_of_the_model_is_one_of_the_configuration() -> None:
    default = SocketTasks()
    assert set(SOCKET_FUNCTIONS) == sockets.FUNCTIONS
    assert default.scale_at == sockets.TASK_CONNECTIONS
    assert (default.cpu / 1024, default.memory / 1024) == (sockets.TASK_VCPUS, sockets.TASK_GB)
    assert (default.cpu_target / 100, default.min) == (sockets.CPU_TARGET, sockets.LEAST_TASKS)


def test_a_client_that_comes_back_takes_what_the_configuration_counts_with() -> None:
    acts = [ACTS["a connection"], ACTS["a sync without anything missed"]]
    assert sum(map(sockets.cpu_ms, acts)) == pytest.approx(RECONNECT_CPU, rel=0.03)


def test_below_the_crossing_api_gateway_costs_less_and_from_it_on_tasks_do() -> None:
    users = sockets.crossing()
    before, after = (sockets.costs(Load(each)) for each in (users - 100, users))
    assert before.gateway <= before.tasks and after.tasks < after.gateway


@pytest.mark.parametrize("users", [10_000, 1_000_000])
def test_tasks_are_enough_for_their_sockets(users: int) -> None:
    load = Load(users)
    assert sockets.costs(load).number * sockets.TASK_CONNECTIONS >= load.connections
