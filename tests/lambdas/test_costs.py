"""What each act costs. A change that makes one dearer fails here, by the calls that came in.

If it is meant, write the new numbers here: then it is seen in review. `make bench ARGS=cost` has
the dollars.
"""

import secrets
from collections.abc import Callable

import pytest

from lambdas.delivery.push import push
from lambdas.notifications.push_jobs import Job
from lambdas.presence import authorize, connection, tickets
from tests.support.lambdas import events, given, when
from tests.support.lambdas.backend import Backend, unwatched_dynamodb
from tests.support.lambdas.costs import spending

Act = Callable[[], object]


def _people(world: Backend, *online: str, away: tuple[str, ...] = ()) -> None:
    for name in (*online, *away):
        given.user(world, name, "phone")
    for name in online:
        given.connected(world, name, "phone")


def _text(world: Backend) -> Act:
    _people(world, "ravi", "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    return lambda: when.sends(world, "ravi", chat)


def _text_to_somebody_away(world: Backend) -> Act:
    _people(world, "ravi", away=("raju",))
    chat = given.direct_chat(world, "ravi", "raju")
    return lambda: when.sends(world, "ravi", chat)


def _text_to_ten(world: Backend) -> Act:
    names = [f"member{number}" for number in range(10)]
    _people(world, *names)
    chat = given.group(world, *names)
    return lambda: when.sends(world, names[0], chat)


def _receipt(world: Backend) -> Act:
    _people(world, "ravi", "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    return lambda: when.acknowledges(world, "raju", chat, senders=["ravi"], delivered=1)


def _typing(world: Backend) -> Act:
    _people(world, "ravi", "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    return lambda: when.raw(world, "ravi", "phone", {"action": "typing", "chat": chat})


def _sync(missed: int) -> Callable[[Backend], Act]:
    def prepare(world: Backend) -> Act:
        _people(world, "ravi", "raju")
        chat = given.direct_chat(world, "ravi", "raju")
        for _ in range(missed):
            when.sends(world, "ravi", chat)
        return lambda: when.syncs(world, "raju")

    return prepare


def _push(world: Backend) -> Act:
    _people(world, "ravi", away=("raju",))
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    vars(world.aws)["sns"] = _Sns()
    return lambda: push(world.aws, Job("raju", chat))


class _Sns:
    def publish(self, **_: object) -> None:
        pass


def _connect(world: Backend) -> Act:
    """With the authorizer, which takes the ticket."""
    _people(world, away=("ravi",))
    ticket = tickets.issue(world.aws.tickets, "ravi", "phone", world.clock(), secrets.token_urlsafe)
    event = events.authorizer(f"chat.v1, ticket.{ticket}")
    opened = int(world.clock() * 1000)

    def act() -> None:
        authorize.handler(event, None)
        connection.handler(events.connect("ravi", "phone", "new=", opened), None)

    return act


ACTS: dict[str, tuple[Callable[[Backend], Act], dict[str, float]]] = {
    "a text to somebody online": (
        _text,
        {"BatchGetItem": 2, "UpdateItem": 1, "PutItem": 1, "WRU": 2, "RRU": 1, "Post": 1},
    ),
    "a text to somebody away": (
        _text_to_somebody_away,
        {"BatchGetItem": 3, "UpdateItem": 1, "PutItem": 1, "SendMessage": 1, "WRU": 2, "RRU": 2},
    ),
    "a text to a group of ten online": (
        _text_to_ten,
        {"BatchGetItem": 2, "UpdateItem": 1, "PutItem": 1, "WRU": 2, "RRU": 5, "Post": 9},
    ),
    "a receipt": (
        _receipt,
        {"BatchGetItem": 2, "GetItem": 1, "UpdateItem": 1, "WRU": 1, "RRU": 1.5, "Post": 1},
    ),
    "typing": (_typing, {"BatchGetItem": 3, "RRU": 3, "Post": 1}),
    "a sync without anything missed": (_sync(0), {"BatchGetItem": 3, "Query": 1, "RRU": 4.5}),
    "a sync of ten texts": (_sync(10), {"BatchGetItem": 3, "Query": 2, "RRU": 5.5, "Post": 1}),
    "a push": (_push, {"UpdateItem": 2, "BatchGetItem": 4, "Query": 2, "WRU": 2, "RRU": 7}),
    "a connection": (
        _connect,
        {"DeleteItem": 1, "UpdateItem": 1, "Query": 1, "WRU": 2, "RRU": 0.5},
    ),
}


@pytest.mark.parametrize("name", ACTS)
def test_an_act_costs_what_it_did(world: Backend, name: str) -> None:
    prepare, expected = ACTS[name]
    act = prepare(world)
    posted = len(world.api.requests)
    with spending((world.aws.dynamodb, world.aws.sqs), unwatched_dynamodb()) as spent:
        act()
    if posts := len(world.api.requests) - posted:
        spent.counts["Post"] = posts
    assert not (found := spent.besides(expected)), "\n".join(found)
