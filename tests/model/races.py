"""Two requests at once, in every order of their calls, against what either order one by one gives.

A request stops in front of each of its calls. The first runs some calls, the second some of its
own, or all, then the first ends, then the second. Whether the two succeed, and what everybody sees
afterwards, must be what they would get if one had come after the other. When the lists are read,
everybody sends into each chat, so that it shows who is hidden from whom.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from lambdas.delivery import receipt
from lambdas.messages import send, sync
from lambdas.presence.devices import Devices
from lambdas.presence.leaseholder import with_lease
from lambdas.websocket import frame_handler
from tests.model.aws import ModelAws
from tests.model.gateway import Socket
from tests.model.rest import Answer, Rest, registration
from tests.model.small import new_environment
from tests.model.tasks import Task
from tests.model.world import World

USERS = ("ravi", "raju", "mira")
MOST_CALLS = 100
ROUTES = {"send": send.send, "sync": with_lease(sync.sync), "receipt": with_lease(receipt.receipt)}
Act = Callable[["Scene"], Any]  # its answer
Outcome = tuple[Any, ...]  # whether the two succeed, and what is seen


class Race(NamedTuple):
    """`begin` is over before `first` and `second` come at once. Not `answered`: their
    answers may differ."""

    begin: tuple[Act, ...]
    first: Act
    second: Act
    answered: bool = True


class Scene:
    """Everybody has a device `phone` that is connected; nothing fails, and no time passes."""

    def __init__(self) -> None:
        new_environment()
        self.world = World(0)
        self.world.faults, self._began = False, self.world.now
        self.services = ModelAws(self.world)
        self._rest = Rest(self.services)
        self._handle = frame_handler(ROUTES, lambda: self.services)
        for user in USERS:
            Devices(self.services.users).create_user(user)
            self.registers(user, "phone")
            self.world.sockets[user] = Socket(user, user, "phone")
            self.world.sockets[user].state = "open"
            Devices(self.services.users).connect(user, "phone", user, int(self.world.now * 1000))

    # -- what they do

    def request(
        self, user: str, method: str, path: str, body: Any = None, sign_in: str = "phone"
    ) -> Answer:
        return self._rest.request(method, path, f"{user}/sign-in-{sign_in}", body)

    def registers(self, user: str, device: str, sign_in: str = "phone", **changed: Any) -> Answer:
        body = {**registration(f"{user}/{device}"), **changed}
        return self.request(user, "PUT", f"/api/devices/{device}", body, sign_in)

    def frame(self, user: str, **frame: Any) -> Any:
        context = {"connectionId": user, "authorizer": {"user": user, "device": "phone"}}
        event = {"requestContext": context, "body": json.dumps(frame)}
        answer = self._handle(event, None)
        return json.loads(answer["body"]) if "body" in answer else {}

    def sends(self, user: str, chat: str, number: int, text: str = "x", **more: Any) -> Any:
        message_id = f"00000000-0000-0000-0000-{number:012d}"
        form = {"alg": "megolm.v1", "payload": text}
        return self.frame(user, action="send", chat=chat, message_id=message_id, **form, **more)

    # -- what they see

    @property
    def chat(self) -> str:
        """The one chat, also if nobody is in it any more."""
        return next(iter(self.chats()), "none")

    def chats(self) -> dict[str, list[str]]:
        """chat -> its members, of all that there are."""
        items = self.world.database._items["Chats"]
        return {
            chat: sorted(items[chat]["head"].get("members", {"SS": []})["SS"])
            for chat in items
            if "head" in items[chat]
        }

    def seen(self) -> Any:
        """By everybody, with names for the chats that are the same in each run."""
        self.world.now = self._began
        names = {chat: "+".join(members) for chat, members in self.chats().items()}
        found: dict[str, Any] = {}
        for user in USERS:
            for path in ("/api/chats", "/api/contacts", "/api/devices"):
                found[f"{user} {path}"] = self.request(user, "GET", path)
            path = f"/api/users/{user}/devices"
            found[f"{user} has"] = self.request("ravi", "GET", path)
        for number, chat in enumerate(sorted(names, key=names.__getitem__)):
            for place, user in enumerate(USERS):
                answer = self.sends(user, chat, 900 + 10 * number + place)
                found[f"{user} sends to {names[chat]}"] = answer.get("type"), answer.get("code")
        for user in USERS:
            for chat in names:
                read = self.request(user, "GET", f"/api/chats/{chat}/messages")
                found[f"{user} reads {chat}"] = read
        return _named(found, names)


def _named(found: Any, names: Mapping[str, str]) -> Any:
    text = json.dumps(found, sort_keys=True, default=str)
    for chat, name in names.items():
        text = text.replace(chat, name)
    return json.loads(text)


def _begun(race: Race) -> Scene:
    scene = Scene()
    for act in race.begin:
        act(scene)
    return scene


def one_by_one(race: Race) -> list[Outcome]:
    """Both orders."""
    scene, other = _begun(race), _begun(race)
    first, second = race.first(scene), race.second(scene)
    later, earlier = race.second(other), race.first(other)
    return [_outcome(race, first, second, scene), _outcome(race, earlier, later, other)]


def at_once(race: Race, *, thorough: bool) -> Iterator[tuple[tuple[int, int], Outcome]]:
    """How many calls of the first, and of the second, come before the rest of the first.

    Of the second all come, and if it is `thorough` each number of them.
    """
    for before in range(MOST_CALLS):
        for between in range(1, MOST_CALLS) if thorough else (MOST_CALLS,):
            scene = _begun(race)
            both = [begun(scene, act) for act in (race.first, race.second)]
            for task, steps in zip(both, (before, between), strict=True):
                run(scene, task, steps)
            first_over, second_over = (task.done for task in both)
            for task in both:
                run(scene, task, MOST_CALLS)
            yield (before, between), _outcome(race, both[0].result, both[1].result, scene)
            if second_over:
                break
        if first_over:
            return


def interrupted(race: Race) -> Iterator[tuple[tuple[int, int], Outcome]]:
    """The first request is interrupted in front of a call, and repeated after both.

    How many of its calls come before the second, and how many after it.
    """
    for before in range(MOST_CALLS):
        for after in range(MOST_CALLS):
            scene = _begun(race)
            first, second, again = (
                begun(scene, act) for act in (race.first, race.second, race.first)
            )
            for task, steps in ((first, before), (second, MOST_CALLS), (first, after)):
                run(scene, task, steps)
            over = first.done
            run(scene, first, 1, kill=True)
            run(scene, again, MOST_CALLS)
            yield (before, after), _outcome(race, again.result, second.result, scene)
            if over:
                break
        if over and not after:
            return


def _outcome(race: Race, first: Any, second: Any, scene: Scene) -> Outcome:
    """What is said of others may be from before or after the other request."""
    answers = _success(first), _success(second)
    return (*(answers if race.answered else ("", "")), scene.seen())


def _success(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer.status if isinstance(answer, Answer) else answer.get("code", answer.get("type"))


def begun(scene: Scene, act: Act) -> Task:
    return scene.world.invoke("one of two", partial(act, scene))


def run(scene: Scene, task: Any, steps: int, *, kill: bool = False) -> None:
    scene.world.running = task
    for _ in range(steps):
        if not task.done:
            task.resume(kill=kill)
    scene.world.running = None
