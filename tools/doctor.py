"""`python -m tools.doctor [--env prod]`: checks an environment end to end, as two users would.

Two new users sign up, chat, leave, are woken, catch up, exchange a file, and delete their accounts.
Without --env they do so on the system that runs on this machine. Exit status 0 if all of it works.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import httpx
from botocore.exceptions import BotoCoreError, ClientError

from client import ChatClient, MessageReceived, State, StateChanged
from client import errors as client_errors
from client.core.attachment import FileDescription
from client.core.events import Event

STATE = Path(".local")
WITHIN = 30.0  # seconds for one step
AWAY = ["one", "two", "three"]
FILE = b"a file of the doctor's\n" * 2_000
RUNBOOKS = "docs/runbooks/README.md"


class DoctorError(Exception):
    """What is wrong, or why it could not be looked at, in one sentence."""


@dataclass(frozen=True)
class Place:
    """What is checked. `phones` is the console that has what the local FCM got, if there is one."""

    name: str
    api: str
    phones: str | None = None


@dataclass
class Visit:
    """Two users of a place, and what they have so far; `stores` has their devices' state."""

    place: Place
    stores: Path
    password: str = field(default_factory=lambda: f"Aa1-{secrets.token_urlsafe(12)}")
    clients: dict[str, ChatClient] = field(default_factory=dict)
    chat: str = ""
    signed_up: list[str] = field(default_factory=list)
    token: str | None = None  # raju's, for pushes
    away: list[str] = field(default_factory=list)  # messages sent to raju meanwhile

    def __post_init__(self) -> None:
        suffix = secrets.token_hex(4)
        self.ravi, self.raju = f"doctor_a_{suffix}", f"doctor_b_{suffix}"

    def client(self, user: str) -> ChatClient:
        platform = "fcm" if self.place.phones else None
        store = self.stores / f"{user}.sqlite"
        return ChatClient(self.place.api, user, self.password, "doctor", store, platform=platform)

    @property
    def a(self) -> ChatClient:
        return self.clients[self.ravi]

    @property
    def b(self) -> ChatClient:
        return self.clients[self.raju]


Step = Callable[[Visit], Awaitable[str | None]]  # gives why it was left out, None if it was not


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        place = _place(given.env, given.project, given.api)
        print(f"{place.name}: {place.api}")
        return 0 if asyncio.run(check(place)) else 1
    except (DoctorError, BotoCoreError, ClientError) as error:
        print(f"doctor: {error}", file=sys.stderr)
        return 2


async def check(place: Place) -> bool:
    """Prints a line for each step, up to the first that fails, and deletes both accounts."""
    with TemporaryDirectory() as stores:
        visit = Visit(place, Path(stores))
        try:
            for name, step in STEPS:
                if not await _tried(name, step(visit)):
                    print(f"where to look: {RUNBOOKS}")
                    return False
            return True
        finally:
            await _clean_up(visit)


async def _tried(name: str, step: Awaitable[str | None]) -> bool:
    began = time.monotonic()
    try:
        left_out = await asyncio.wait_for(step, WITHIN)
    except TimeoutError:
        return _print(name, "FAILS", f"not within {WITHIN:.0f} s")
    except httpx.HTTPError as error:
        return _print(name, "FAILS", client_errors.in_words(error))
    except (DoctorError, client_errors.ClientError) as error:
        return _print(name, "FAILS", str(error))
    except Exception as error:
        traceback.print_exc()
        return _print(name, "FAILS", f"{type(error).__name__}: {error}")
    if left_out:
        return _print(name, "-", f"not looked at: {left_out}")
    return _print(name, "ok", f"{time.monotonic() - began:.2f} s")


def _print(name: str, verdict: str, more: str) -> bool:
    print(f"  {verdict:<6}{name:<46}{more}", flush=True)
    return verdict != "FAILS"


async def _clean_up(visit: Visit) -> None:
    """By plain requests: a client that failed may be in any state. Prints whose account stays."""
    for client in visit.clients.values():
        await client.abort()
    async with httpx.AsyncClient(base_url=visit.place.api) as http:
        for user in visit.signed_up:
            if not await _deleted(http, {"username": user, "password": visit.password}):
                print(f"  the account {user} was not deleted: make operator act=delete user={user}")


async def _deleted(http: httpx.AsyncClient, account: dict[str, str]) -> bool:
    # the others: a response that is not the API's, as a page of something in between
    with suppress(httpx.HTTPError, ValueError, KeyError, TypeError):
        response = await http.post("/api/account/delete", json=account)
        # without an account there is nothing to delete: its sign-up may have failed
        return response.status_code == HTTPStatus.UNAUTHORIZED or (
            response.status_code == HTTPStatus.OK and response.json()["done"]
        )
    return False


async def _health(visit: Visit) -> None:
    async with httpx.AsyncClient() as http:
        response = await http.get(f"{visit.place.api}/api/health")
    if response.status_code != HTTPStatus.OK:
        raise DoctorError(f"{response.url} returns {response.status_code}")


async def _sign_up(visit: Visit) -> None:
    """Connecting takes a ticket, the WebSocket API, the authorizer and the key directory."""
    for user in (visit.ravi, visit.raju):
        visit.signed_up.append(user)
        visit.clients[user] = await visit.client(user).__aenter__()
    await visit.a.people.add(visit.raju)
    await visit.b.people.add(visit.ravi)


async def _text(visit: Visit) -> None:
    visit.chat = await visit.a.chats.direct(visit.raju)
    message = await visit.a.send(visit.chat, "are you there?")
    seen = await visit.b.wait_for(_received("are you there?"), WITHIN)
    await visit.a.wait_for(_reached(message, State.DELIVERED), WITHIN)
    assert isinstance(seen, MessageReceived)  # noqa: S101 - for the type checker
    visit.b.messages.mark_read(visit.chat, seen.seq)
    await visit.a.wait_for(_reached(message, State.READ), WITHIN)


async def _offline(visit: Visit) -> None:
    """Delivery is only known once there is somebody who could have got it."""
    visit.token = visit.b.devices.push_token
    await visit.b.close()
    visit.away = [await visit.a.send(visit.chat, line) for line in AWAY]
    for message in visit.away:
        await visit.a.wait_for(_reached(message, State.SENT), WITHIN)


async def _push(visit: Visit) -> str | None:
    if visit.place.phones is None:
        return "only a phone shows it; see docs/runbooks/pushes-rejected.md"
    url = f"{visit.place.phones}/_local/phones/{visit.token}"
    async with httpx.AsyncClient() as http:
        while True:
            response = await http.get(url)
            if response.status_code == HTTPStatus.OK and response.json()["pushes"]:
                return None
            await asyncio.sleep(0.1)


async def _catch_up(visit: Visit) -> None:
    visit.clients[visit.raju] = await visit.client(visit.raju).__aenter__()
    for line in AWAY:
        await visit.b.wait_for(_received(line), WITHIN)
    read = [each.text for each in visit.b.messages.history(visit.chat)][-len(AWAY) :]
    if read != AWAY:
        raise DoctorError(f"they came in another order: {read}")
    for message in visit.away:
        await visit.a.wait_for(_reached(message, State.DELIVERED), WITHIN)


async def _file(visit: Visit) -> None:
    message = await visit.a.messages.send_file(visit.chat, FILE, FileDescription(name="doctor.txt"))
    await visit.b.wait_for(
        lambda event: isinstance(event, MessageReceived) and event.message_id == message, WITHIN
    )
    content = visit.b.messages.history(visit.chat)[-1].content
    file = content.file if content else None
    if file is None or await visit.b.messages.fetch_file(visit.chat, file) != FILE:
        raise DoctorError("the file that came is not the one that was sent")


async def _deletion(visit: Visit) -> None:
    for user in (visit.ravi, visit.raju):
        await visit.clients[user].delete_account(visit.password)
        visit.signed_up.remove(user)
    credentials = {"username": visit.ravi, "password": visit.password}
    async with httpx.AsyncClient() as http:
        response = await http.post(f"{visit.place.api}/api/sign-in", json=credentials)
    if response.status_code != HTTPStatus.UNAUTHORIZED:
        raise DoctorError(f"sign-in to a deleted account returns {response.status_code}")


STEPS: tuple[tuple[str, Step], ...] = (
    ("the API responds", _health),
    ("two users sign up and connect", _sign_up),
    ("a text arrives, is delivered and read", _text),
    ("texts to somebody who is away are accepted", _offline),
    ("the phone is woken", _push),
    ("they are there on return, in order", _catch_up),
    ("a file is sent and fetched", _file),
    ("both accounts are deleted", _deletion),
)


def _received(text: str) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, MessageReceived) and event.text == text


def _reached(message_id: str, state: State) -> Callable[[Event], bool]:
    return lambda event: (
        isinstance(event, StateChanged) and event.message_id == message_id and event.state is state
    )


def _place(env: str | None, project: str, api: str | None = None) -> Place:
    """Raises DoctorError, and what boto3 raises where the environment can't be looked up."""
    if api is not None:
        if not api.startswith(("https://", "http://")):
            raise DoctorError(f"{api} is no URL: --api https://chat.example.com")
        return Place(api, api.rstrip("/"))
    if env is None:
        # not at the top: the canary has no emulator
        from emulator.runtime import endpoints

        found = endpoints.read(STATE)
        if found is None:
            raise DoctorError("nothing runs here: start it with make dev, or give --env")
        return Place("this machine", found.api, found.console)
    stack = f"{project}-{env}-web"
    described: Any = boto3.client("cloudformation").describe_stacks(StackName=stack)
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described["Stacks"][0]["Outputs"]}
    return Place(env, outputs["ApiUrl"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.doctor", description=__doc__)
    parser.add_argument("--env", help="an environment on AWS; default: what runs on this machine")
    parser.add_argument("--api", help="the URL of an API, which needs no AWS credentials")
    parser.add_argument("--project", default="switchboard", help="if the setting `project` differs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
