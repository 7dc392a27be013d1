"""A watch and a block at the same moment: whichever call of one comes between those of the other."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from lambdas.api import contacts
from lambdas.api.call import Call, SignIn
from lambdas.errors import ChatError
from lambdas.people.contacts import Contacts
from lambdas.presence import devices
from lambdas.presence.devices import Address, Devices
from lambdas.tables import Table
from tests.support.lambdas import given, when
from tests.support.lambdas.backend import Backend
from tests.support.lambdas.interrupted import CALLS, interrupt


def watches(world: Backend) -> None:
    when.raw(world, "ravi", "phone", {"action": "watch", "users": ["mira", "raju", "ravi"]})


def changes(world: Backend, endpoint: Callable[[Call], Any], **body: Any) -> Callable[[], None]:
    by = SignIn("raju", "id", 0.0, "")
    call = Call(world.aws, "lambda/1", by, {"user": "ravi"}, {}, body)
    return lambda: endpoint(call)


def only_others_are_watched(world: Backend) -> None:
    now, store = world.aws.now(), Devices(world.aws.users)
    watchers = {user: store.watchers(user, now) for user in ("mira", "raju", "ravi")}
    ravi = [Address("ravi", "phone")]
    assert watchers == {"mira": ravi, "raju": [], "ravi": ravi}


@pytest.mark.sampled
@pytest.mark.parametrize("first", ["watch", "block"])
@pytest.mark.parametrize("number", range(1, 12))
@pytest.mark.parametrize("how", ["blocked", "forgotten", "hidden"])
def test_who_is_blocked_while_a_watch_is_answered_watches_nothing(
    world: Backend, monkeypatch: pytest.MonkeyPatch, first: str, number: int, how: str
) -> None:
    for user in ("ravi", "raju", "mira"):
        given.online(world, user)
    for user in ("raju", "mira"):
        Contacts(world.aws.users).add(user, "ravi")
    block = {
        "blocked": changes(world, contacts.put, state="blocked"),
        "forgotten": changes(world, contacts.remove),
        "hidden": changes(world, contacts.change_settings, presence="nobody"),
    }[how]
    acts: list[Callable[[], None]] = [lambda: watches(world), block]
    outer, inner = acts if first == "watch" else acts[::-1]
    with monkeypatch.context() as patch:
        made = interrupt(patch, number, inner)
        outer()
    if len(made) < number:  # `outer` has fewer calls
        inner()
    only_others_are_watched(world)


@pytest.mark.sampled
@pytest.mark.parametrize("how", ["blocked", "hidden"])
@pytest.mark.parametrize("begins", [3, 4])  # the write, and what is read after it
@pytest.mark.parametrize("pauses", range(3, 10))
def test_who_is_blocked_by_a_call_that_pauses_until_the_watch_is_answered_watches_nothing(
    world: Backend, monkeypatch: pytest.MonkeyPatch, how: str, begins: int, pauses: int
) -> None:
    """It begins before the watch's call of that number, and pauses before its own one of that."""
    for user in ("ravi", "raju", "mira"):
        given.online(world, user)
        Contacts(world.aws.users).put_settings(user, {"presence": "everybody"})
    block = {
        "blocked": changes(world, contacts.put, state="blocked"),
        "hidden": changes(world, contacts.change_settings, presence="nobody"),
    }[how]
    paused, answered = threading.Event(), threading.Event()
    made = {"watch": 0, "block": 0}

    def blocks() -> None:
        block()
        paused.set()  # it has fewer calls

    blocking = threading.Thread(target=blocks, name="block")

    def stepped(name: str) -> Callable[..., Any]:
        call = getattr(Table, name)

        def wrapper(*args: Any, **options: Any) -> Any:
            who = "block" if threading.current_thread() is blocking else "watch"
            made[who] += 1
            if (who, made[who]) == ("watch", begins):
                blocking.start()
                assert paused.wait(30)
            elif (who, made[who]) == ("block", pauses):
                paused.set()
                assert answered.wait(30)
            return call(*args, **options)

        return wrapper

    with monkeypatch.context() as patch:
        for name in CALLS:
            patch.setattr(Table, name, stepped(name))
        watches(world)
        answered.set()
        blocking.join(30)
    only_others_are_watched(world)


def test_who_is_blocked_before_a_watch_is_stored_is_shown_nothing_by_its_response(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in ("ravi", "raju", "mira"):
        given.online(world, user)
        Contacts(world.aws.users).add(user, "ravi")
    before = len(world.frames("ravi", "phone"))
    with monkeypatch.context() as patch:
        interrupt(patch, 3, changes(world, contacts.put, state="blocked"))
        watches(world)
    shown = {frame["user"]: frame for frame in world.frames("ravi", "phone")[before:]}
    assert shown["mira"]["online"]
    assert shown["raju"] == {"type": "presence", "user": "raju", "online": False}


def test_own_devices_are_shown_to_who_has_just_hidden_from_all_others(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And strangers who watch never crowd out the watch of an own device."""
    given.online(world, "ravi")
    given.online(world, "anna")
    Contacts(world.aws.users).put_settings("ravi", {"presence": "everybody"})
    when.raw(world, "anna", "phone", {"action": "watch", "users": ["ravi"]})
    frame = {"action": "watch", "users": ["ravi"]}
    assert when.raw(world, "ravi", "phone", frame)["online"]
    monkeypatch.setattr(devices, "WATCHERS_LIMIT", 1)
    assert Devices(world.aws.users).watchers("ravi", world.aws.now()) == [Address("ravi", "phone")]
    by = SignIn("ravi", "id", 0.0, "")
    contacts.change_settings(Call(world.aws, "", by, {}, {}, {"presence": "nobody"}))
    assert when.raw(world, "ravi", "phone", frame)["online"]


@pytest.mark.parametrize("failing", [3, 4, 5])  # the watch's write, and its reads after that
def test_who_is_blocked_while_a_watch_fails_is_watched_by_nobody(
    world: Backend, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    for user in ("ravi", "raju", "mira"):
        given.online(world, user)
        Contacts(world.aws.users).add(user, "ravi")
    block = changes(world, contacts.put, state="blocked")
    made: list[str] = []

    def failed(name: str) -> Callable[..., Any]:
        call = getattr(Table, name)

        def wrapper(*args: Any, **options: Any) -> Any:
            made.append(name)
            number = len(made)
            if number == 3:
                block()  # calls that have higher numbers
                del made[number:]
            response = call(*args, **options)
            if number == failing and made == calls[:failing]:
                raise ChatError("rate_limited", "throttled")
            return response

        return wrapper

    calls = ["batch_get", "batch_get", "batch_write", "batch_get", "batch_get"]
    with monkeypatch.context() as patch:
        for name in CALLS:
            patch.setattr(Table, name, failed(name))
        response = when.raw(
            world, "ravi", "phone", {"action": "watch", "users": ["mira", "raju", "ravi"]}
        )
    assert response["code"] == "rate_limited"
    now, store = world.aws.now(), Devices(world.aws.users)
    assert [store.watchers(user, now) for user in ("mira", "raju", "ravi")] == [[], [], []]


def test_a_watch_reads_no_more_than_once_whether_it_is_allowed(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    with monkeypatch.context() as patch:
        made = interrupt(patch, 0, lambda: None)
        watches(world)
    assert made.count("batch_get") == 3  # the own lease, the views, whom it is shown
    changes(world, contacts.put, state="blocked")()
    world.clock.pass_seconds(60)
    with monkeypatch.context() as patch:
        made = interrupt(patch, 0, lambda: None)
        watches(world)
    assert made.count("batch_get") == 3
