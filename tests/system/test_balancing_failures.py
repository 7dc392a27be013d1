"""What the running system loses when targets die, hang or are gone, and what it doesn't."""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from client import ChatClient
from client.core.settings import Settings
from emulator import load
from emulator.load import Load
from tests.support.running_system import (
    HEALTH,
    WITHIN,
    RunScene,
    State,
    System,
    exchange,
    get,
    served_by,
    targets_in,
    tasks_in,
)
from tests.system.telling import received, texts

pytestmark = pytest.mark.xdist_group("story")

Make = Callable[..., ChatClient]
Name = Callable[[str], str]

MESSAGES = 100
CONTAINERS_KILLED, FUNCTIONS_KILLED = 3, 5
# A dead handler says nothing, and by default clients give it longer than any may live. Much less
# than this would have a slow machine start a new handler for every one that only takes its time.
IMPATIENT = Settings(resend_after=1.5, resend_cap=12.0, reconnect_base=0.2, reconnect_cap=2.0)


@pytest.mark.deep
def test_a_killed_target_loses_requests_only_until_it_is_detected(three_targets: RunScene) -> None:
    async def scene(system: System) -> None:
        victim, *_ = (await system.names("small")).values()
        async with system.under_load(10) as flow:
            killed = time.monotonic()
            await system.act(victim, "kill")
            await system.until("detection", lambda state: not serves(state, victim))
            detected = time.monotonic()
            await system.whole("small", 3)
        within = [r for r in flow.lost if killed <= r.ended and r.began <= detected]
        assert flow.lost == within
        # None: its response had begun, and broke off
        assert {reply.status for reply in flow.lost} <= {502, None}
        assert len({reply.served_by for reply in flow.replies if reply.began > detected}) == 3

    three_targets(scene)


def serves(state: State, target: str) -> bool:
    shown = targets_in(state, "small").get(target)
    return shown is not None and shown["state"] == "healthy"


@pytest.mark.deep
def test_when_all_are_unhealthy_requests_go_to_all(three_targets: RunScene) -> None:
    """They hang, so no check passes; they respond to what they were sent meanwhile when they wake up."""

    async def scene(system: System) -> None:
        names = await system.names("small")
        targets = list(names.values())
        for target in targets:
            await system.act(target, "pause")
        await system.until("all unhealthy", lambda state: states(state) == {"unhealthy"})
        hanging = asyncio.create_task(load.send(system.api, Load(12, 12, HEALTH)))
        held = await system.until("all sent", lambda state: sum(in_flight(state).values()) == 12)
        assert in_flight(held) == dict.fromkeys(targets, 4)
        assert states(held) == {"unhealthy"}
        for target in targets:
            await system.act(target, "resume")
        assert Counter(served_by((await hanging).replies)) == dict.fromkeys(names, 4)
        assert sorted(await system.whole("small", 3)) == sorted(targets)  # the same, healthy again

    three_targets(scene)


def states(state: State) -> set[str]:
    return {target["state"] for target in targets_in(state, "small").values()}


def in_flight(state: State) -> dict[str, int]:
    return {name: target["in_flight"] for name, target in targets_in(state, "small").items()}


@pytest.mark.deep
def test_without_any_target_it_is_503_until_there_is_one_again(three_targets: RunScene) -> None:
    async def scene(system: System) -> None:
        await system.scale("small", 0)
        response = await exchange(system.api, get("/api/health"))
        assert (response.status, response.headers["server"]) == (503, "awselb/2.0")
        assert b"<h1>503 Service" in response.body
        await system.scale("small", 1)
        assert len(set(await system.sent(30, 10))) == 1

    three_targets(scene)


@pytest.mark.deep
def test_messages_arrive_once_and_in_order_while_containers_and_functions_are_killed(
    three_targets: RunScene, endpoints: dict[str, Any], device: Make, name: Name
) -> None:
    """Nobody's handler may be trusted to come to its end: writers die between taking a position
    and filling it, between storing a message and saying so, and while they are asked for a
    ticket. The clients try again with the same message id, and show what comes twice once."""

    async def scene(system: System) -> None:
        ravi, raju = name("ravi"), name("raju")
        async with device(ravi, "laptop"):
            pass  # registered, then off: nothing is purged before it has come back
        async with (
            device(raju, settings=IMPATIENT) as b,
            device(ravi, settings=IMPATIENT) as a,
        ):
            chat = await a.chats.direct(raju)
            lines = [f"line {number:03d}" for number in range(MESSAGES)]
            sent = [await a.send(chat, line) for line in lines]
            await killing(system, a, b)
            await b.wait_for(received(lines[-1]))
            assert texts(b, chat) == texts(a, chat) == lines
        rows = await asyncio.to_thread(stored, endpoints, chat)
        # a resend may be appended again, under the same id and with the same content
        contents = {(row["message_id"]["S"], json.dumps(row["to"], sort_keys=True)) for row in rows}
        ids = [message_id for message_id, _ in contents if message_id in set(sent)]
        assert sorted(ids) == sorted(sent)
        async with device(ravi, "laptop") as laptop:
            await laptop.wait_for(received(lines[-1]))
            assert texts(laptop, chat) == lines

    three_targets(scene)


async def killing(system: System, sender: ChatClient, receiver: ChatClient) -> None:
    """Kills something after every few messages, until all are accepted."""
    chance = random.Random(5)
    kills = [*["container"] * (CONTAINERS_KILLED - 1), *["function"] * FUNCTIONS_KILLED]
    chance.shuffle(kills)
    kills.insert(0, "container")
    for number, kind in enumerate(kills):
        await accepted(sender, MESSAGES * (number + 1) // (len(kills) + 1))
        if kind == "container":
            state = await system.until("somebody lives", alive)
            await system.act(chance.choice(alive(state)), "kill")
            # A connection that is made anew takes a ticket from whoever is left. The sender's only
            # while nobody has died over a message: it would wait until that one's place is void.
            for client in (sender, receiver) if number == 0 else (receiver,):
                client.cut()
        else:
            for pid in await asyncio.to_thread(victims, system.endpoints["pid"], chance):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
    await accepted(sender, MESSAGES)


def alive(state: State) -> list[str]:
    tasks = tasks_in(state, "small").items()
    return [name for name, task in tasks if not task["exited"]]


async def accepted(client: ChatClient, count: int) -> None:
    deadline = time.monotonic() + WITHIN
    while client.messages.unaccepted > MESSAGES - count:
        assert time.monotonic() < deadline, f"{client.messages.unaccepted} are not accepted"
        await asyncio.sleep(0.01)


def victims(system: int, chance: random.Random) -> set[int]:
    """Whoever works on a message that is being sent, and any other function."""
    workers = function_workers(system)
    senders = [pid for pid, command in workers.items() if ".messages.send." in command]
    return {*senders, chance.choice([*workers])}


def function_workers(system: int) -> dict[int, str]:
    """The command lines of the functions' processes by pid; children of the system alone."""
    shown = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,command="], check=True, capture_output=True, text=True
    ).stdout
    rows = (line.split(maxsplit=2) for line in shown.splitlines())
    return {
        int(pid): command
        for pid, parent, command in rows
        if int(parent) == system and command.endswith(".handler")
    }


def stored(endpoints: dict[str, Any], chat: str) -> list[dict[str, Any]]:
    """The messages of a chat, looked at behind the backend's back."""
    dynamodb = boto3.client("dynamodb", endpoint_url=endpoints["aws"], region_name="us-east-1")
    (table,) = [name for name in dynamodb.list_tables()["TableNames"] if "Chats" in name]
    found = dynamodb.query(
        TableName=table,
        KeyConditionExpression="chat = :chat AND begins_with(#item, :prefix)",
        ExpressionAttributeNames={"#item": "item"},
        ExpressionAttributeValues={":chat": {"S": chat}, ":prefix": {"S": "message#"}},
    )
    return [item for item in found["Items"] if "message_id" in item]  # the others close holes
