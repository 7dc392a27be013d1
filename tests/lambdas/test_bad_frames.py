import json

import pytest

from lambdas.frames import SCHEMAS
from lambdas.presence import presence
from tests.support.lambdas import events, given, then, when
from tests.support.lambdas.backend import Backend
from tests.support.lambdas.bad_frames import BAD_FRAMES, MESSAGE_ID
from tests.support.lambdas.rest import written_log


def _route_of(text: str) -> str | None:
    """Where `$request.body.action` sends a frame: to its route, or to $default."""
    for action in ("send", "receipt", "sync", "typing", "watch"):
        if f'"action": "{action}"' in text or f'"action":"{action}"' in text:
            return action
    return None


@pytest.mark.sampled
@pytest.mark.parametrize("wrong", BAD_FRAMES)
def test_a_bad_frame_is_rejected_and_nothing_comes_of_it(world: Backend, wrong: str) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    before = then.everything(world)
    text = BAD_FRAMES[wrong].replace("{chat}", chat)
    response = when.raw(world, "ravi", "phone", text, route=_route_of(text))
    message = then.is_error(response, "bad_request")
    assert message and len(message) < 300 and "Traceback" not in message
    assert then.everything(world) == before
    assert world.api.requests == [] and then.pushes(world) == []


def test_an_error_names_what_it_answers(world: Backend) -> None:
    given.online(world, "ravi")
    frame = {"action": "send", "message_id": MESSAGE_ID, "chat": "nowhere"}
    response = when.raw(world, "ravi", "phone", frame)
    assert then.valid(response)["message_id"] == MESSAGE_ID
    assert response["action"] == "send"


def test_the_error_of_an_unknown_action_names_the_known_ones(world: Backend) -> None:
    given.online(world, "ravi")
    response = when.raw(world, "ravi", "phone", {"action": "shout"})
    message = then.is_error(response, "bad_request")
    actions = sorted(file.stem for file in (SCHEMAS / "client").glob("*.json"))
    assert message == f"unknown action; known are {', '.join(actions)}"


def test_the_error_of_an_unknown_algorithm_names_the_known_ones(world: Backend) -> None:
    given.online(world, "ravi")
    response = when.sends(world, "ravi", "nowhere", alg="test.v0", payload="aGVsbG8")
    message = then.is_error(response, "bad_request")
    assert message == "at least one of these is needed: to (alg olm.v1), payload (alg megolm.v1)"


def test_binary_frames_are_rejected(world: Backend) -> None:
    given.online(world, "ravi")
    event = events.message("ravi", "phone", "c=", "eyJhY3Rpb24iOiJwaW5nIn0=")
    response = presence.handler({**event, "isBase64Encoded": True}, None)
    then.is_error(json.loads(response["body"]), "bad_request")


def test_a_frame_with_two_actions_is_rejected(world: Backend) -> None:
    given.online(world, "ravi")
    text = '{"action": "send", "action": "ping"}'
    then.is_error(when.raw(world, "ravi", "phone", text, route="send"), "bad_request")


def test_an_internal_error_reveals_no_details(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    given.online(world, "ravi")
    chat = given.direct_chat(world, "ravi", given_user(world, "raju"))
    monkeypatch.setenv("CHATS_TABLE", "lost")
    vars(world.aws)["chats"] = None
    response = when.sends(world, "ravi", chat)
    assert then.is_error(response, "internal") == "something went wrong on our side; try again"


@pytest.mark.parametrize("code", ["bad_request", "internal"])
def test_no_frame_that_is_rejected_or_fails_stands_in_the_log(world: Backend, code: str) -> None:
    given.online(world, "ravi")
    if code == "internal":
        vars(world.aws)["chats"] = None
    alg = "test.v0" if code == "bad_request" else "megolm.v1"
    with written_log() as log:
        response = when.sends(world, "ravi", "nowhere", alg=alg, payload="c2VjcmV0")
    assert then.is_error(response, code)
    assert "a frame" in log.getvalue() and "c2VjcmV0" not in log.getvalue()


def given_user(world: Backend, name: str) -> str:
    given.user(world, name)
    return name
