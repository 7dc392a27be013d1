"""From a browser's subscription to a push that it reads, and to the subscription's end: the API and
the push function, over moto and a push service."""

import base64
import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from lambdas.delivery import push
from lambdas.notifications import push_service as notifications
from lambdas.notifications.message import Ring
from lambdas.notifications.push_service import PushServiceError, vapid_key
from lambdas.presence.devices import Devices
from lambdas.tables import user_key
from tests.support.lambdas import unread
from tests.support.lambdas.browser import Browser
from tests.support.lambdas.push_service import PushService, push_service
from tests.support.lambdas.rest import Rest, new_name, rest, written_log

SECRET_PARTS = ("p256dh", "auth", "endpoint")


@pytest.fixture(scope="module")
def service() -> Iterator[PushService]:
    with push_service() as service:
        yield service


@pytest.fixture(scope="module")
def world(service: PushService) -> Iterator[Rest]:
    with rest() as api:
        yield api.deployed_with(EMULATOR_WEB_PUSH_URL=service.url)


@pytest.fixture
def api(world: Rest, service: PushService, monkeypatch: pytest.MonkeyPatch) -> Rest:
    service.status = 201
    monkeypatch.setattr(push, "invoked", lambda: world.aws)
    return world


def subscribed(api: Rest, user: str, browser: Browser, device: str = "browser") -> None:
    api.phone(user, device, web_push=browser.subscription._asdict())


def endpoint(api: Rest, user: str, device: str = "browser") -> str | None:
    return Devices(api.aws.users).of([user], consistent=True)[user][device].endpoint_arn


def kept(api: Rest, browser: Browser) -> Any:
    """What is stored of a subscription."""
    return api.aws.users.get(user_key(f"push#{browser.subscription.name}", "owner"))


def ring(api: Rest, user: str, chat: str) -> list[str]:
    """One more text, and a run of the push function; the jobs that SQS keeps."""
    unread.text(api.aws, user, chat=chat)
    return run(user, chat)


def run(user: str, chat: str, **changes: Any) -> list[str]:
    response = push.handler({"Records": [unread.record(user, "job", chat, **changes)]}, None)
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


def test_a_browser_reads_what_rang_and_that_it_was_read_elsewhere(
    api: Rest, service: PushService
) -> None:
    (ravi,) = api.sign_up("ravi")
    chat, browser = new_name("chat"), service.browser()
    subscribed(api, ravi, browser)
    unread.text(api.aws, ravi, "m1", chat)
    assert run(ravi, chat) == []
    unread.read(api.aws, ravi, 1, chat)
    assert run(ravi, chat, reader="phone") == []
    assert service.read(browser) == [
        {"chat_id": chat, "message_id": "m1", "unread": 1},
        {"chat_id": chat, "read": 1, "unread": 0},
    ]
    sent = service.received[browser.subscription.endpoint.removeprefix(service.url)]
    assert len({each.body[:16] for each in sent}) == 2, "each has a salt of its own"


def test_a_push_is_signed_with_the_key_that_the_page_subscribes_with(
    api: Rest, service: PushService
) -> None:
    (ravi,) = api.sign_up("ravi")
    browser = service.browser()
    subscribed(api, ravi, browser)
    assert ring(api, ravi, new_name("chat")) == []
    key = api.request("GET", "/api/web-push-key", user=ravi).body["key"]
    ((headers, _body),) = service.received[browser.subscription.endpoint.removeprefix(service.url)]
    assert headers["authorization"].endswith(f", k={key}")
    claims = headers["authorization"].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["aud"] == service.url


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_has_ended_is_forgotten(
    api: Rest, service: PushService, status: int
) -> None:
    (ravi,) = api.sign_up("ravi")
    browser, chat = service.browser(), new_name("chat")
    subscribed(api, ravi, browser)
    assert set(kept(api, browser)["subscription"]) == set(SECRET_PARTS)
    service.status = status
    assert ring(api, ravi, chat) == []
    assert endpoint(api, ravi) is None
    assert kept(api, browser) is None


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_push_service_that_is_busy_is_tried_again_by_the_queue(
    api: Rest, service: PushService, status: int
) -> None:
    (ravi,) = api.sign_up("ravi")
    browser, chat = service.browser(), new_name("chat")
    subscribed(api, ravi, browser)
    service.status = status
    assert ring(api, ravi, chat) == ["job"]
    assert run(ravi, chat) == ["job"]
    service.status = 201
    assert run(ravi, chat) == []
    assert [each["unread"] for each in service.read(browser)] == [1]
    assert run(ravi, chat) == []
    assert len(service.read(browser)) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 403, 413])
def test_what_a_push_service_will_never_take_is_reported_and_not_tried_again(
    api: Rest, service: PushService, status: int
) -> None:
    (ravi,) = api.sign_up("ravi")
    browser, chat = service.browser(), new_name("chat")
    subscribed(api, ravi, browser)
    service.status = status
    with written_log() as log:
        assert ring(api, ravi, chat) == []
    assert endpoint(api, ravi) == browser.subscription.name
    assert service.received.get("/elsewhere") is None, "a redirect was followed"
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    (line,) = (line for line in lines if line["level"] == "ERROR")
    assert (line["status"], line["push_service"]) == (status, service.url)
    for part in SECRET_PARTS:
        assert browser.subscription._asdict()[part] not in log.getvalue()


def test_a_push_service_that_can_not_be_reached_is_tried_again(api: Rest) -> None:
    (ravi,) = api.sign_up("ravi")
    with push_service() as gone:
        browser = gone.browser()
    closed = api.deployed_with(EMULATOR_WEB_PUSH_URL=gone.url)
    vars(closed.aws).update({name: vars(api.aws)[name] for name in ("dynamodb", "sns", "kms")})
    subscribed(closed, ravi, browser)
    with written_log() as log:
        assert ring(api, ravi, new_name("chat")) == ["job"]
    assert browser.subscription.origin.partition("//")[2] in log.getvalue()
    assert browser.subscription.endpoint not in log.getvalue()


def test_one_that_has_not_responded_is_left_alone_for_a_minute(api: Rest) -> None:
    with push_service() as gone:
        browser = gone.browser()
    clock = [1_800_000_000.0]
    service = notifications.PushService(vapid_key(api.aws), lambda: clock[0])
    with pytest.raises(PushServiceError, match="ConnectionRefusedError"):
        service.send(browser.subscription, Ring("chat", "id", True, 1))
    with pytest.raises(PushServiceError, match="lately"):
        service.send(browser.subscription, Ring("chat", "id", True, 1))
    clock[0] += 61
    with pytest.raises(PushServiceError, match="ConnectionRefusedError"):
        service.send(browser.subscription, Ring("chat", "id", True, 1))


def test_what_answers_with_something_else_than_http_is_tried_again(
    api: Rest, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[http.client.HTTPConnection] = []

    def garbled(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        opened.append(connection)
        raise http.client.BadStatusLine("garbled")

    monkeypatch.setattr(http.client.HTTPConnection, "getresponse", garbled)
    pushing = notifications.PushService(vapid_key(api.aws), lambda: 1_800_000_000.0)
    with pytest.raises(PushServiceError, match="BadStatusLine"):
        pushing.send(service.browser().subscription, Ring("chat", "id", True, 1))
    assert [each.sock for each in opened] == [None], "the connection stays open"


def test_a_browser_pushes_for_who_signed_in_last(api: Rest, service: PushService) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    browser, chat = service.browser(), new_name("chat")
    subscribed(api, ravi, browser)
    subscribed(api, raju, browser)
    assert endpoint(api, ravi) is None
    # as if a registration of ravi's had been overtaken on its way
    Devices(api.aws.users).set_endpoint(ravi, "browser", browser.subscription.name, "web")
    assert ring(api, ravi, chat) == []
    assert service.read(browser) == []
    assert endpoint(api, ravi) is None
    assert kept(api, browser)["held_by"] == f"{raju}/browser"
    assert ring(api, raju, chat) == []
    assert len(service.read(browser)) == 1


def test_registering_without_it_ends_a_subscription_and_so_does_a_removed_device(
    api: Rest, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ravi,) = api.sign_up("ravi")
    # SNS knows no subscription, and would reject its name
    monkeypatch.setattr(api.aws.sns, "delete_endpoint", None)
    first, second = service.browser(), service.browser()
    subscribed(api, ravi, first)
    subscribed(api, ravi, second)
    assert kept(api, first) is None, "the browser has subscribed anew"
    api.phone(ravi, "browser")
    assert (endpoint(api, ravi), kept(api, second)) == (None, None)
    subscribed(api, ravi, second)
    assert api.request("DELETE", "/api/devices/browser", user=ravi).status == 204
    assert kept(api, second) is None


def test_a_device_moves_from_a_token_to_a_subscription_and_back(
    api: Rest, service: PushService
) -> None:
    (ravi,) = api.sign_up("ravi")
    browser, token = service.browser(), {"platform": "fcm", "token": f"{ravi}-token"}
    api.phone(ravi, "browser", push=token)
    arn = endpoint(api, ravi)
    subscribed(api, ravi, browser)
    assert endpoint(api, ravi) == browser.subscription.name
    with pytest.raises(api.aws.sns.exceptions.NotFoundException):
        api.aws.sns.get_endpoint_attributes(EndpointArn=str(arn))
    api.phone(ravi, "browser", push=token)
    assert str(endpoint(api, ravi)).startswith("arn:")
    assert kept(api, browser) is None


def test_a_subscription_that_no_browser_has_is_rejected(api: Rest, service: PushService) -> None:
    (ravi,) = api.sign_up("ravi")
    good = service.browser().subscription._asdict()
    phone = api.phone(ravi)
    wrong: list[dict[str, Any]] = [
        {"web_push": {**good, "endpoint": "https://169.254.169.254/latest"}},
        {"web_push": {**good, "auth": "short"}},
        {"web_push": {**good, "p256dh": "A" * 87}},
        {"web_push": {"endpoint": good["endpoint"]}},
        {"web_push": good, "push": {"platform": "fcm", "token": "token"}},
    ]
    for body in wrong:
        reply = api.request("PUT", "/api/devices/phone", phone.registration(**body), user=ravi)
        assert (reply.status, reply.body["error"]["code"]) == (400, "bad_request")
    more = {"web_push": {**good, "expirationTime": None}}
    assert (
        api.request("PUT", "/api/devices/phone", phone.registration(**more), user=ravi).status
        == 200
    )
