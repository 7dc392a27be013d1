"""The push function, with events as SQS sends them, over moto's SNS."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.delivery import push
from lambdas.notifications.endpoints import OWNER, Endpoints
from lambdas.notifications.push_jobs import RingItems
from lambdas.notifications.push_service import Outcome, PushServiceError
from lambdas.presence.devices import LEASE_SECONDS
from lambdas.settings import Aws
from lambdas.tables import user_key
from tests.lambdas.delivery.pushed import Ravi, handle, received
from tests.support.lambdas import unread
from tests.support.lambdas.events import sqs_record
from tests.support.lambdas.interrupted import interrupt
from tests.support.lambdas.rest import (
    OneAtATime,
    client,
    mocked_aws,
    new_name,
    one_at_a_time,
    written_log,
)
from tests.support.lambdas.unread import record


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with mocked_aws() as aws:
        yield aws


@pytest.fixture(autouse=True)
def _function(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "invoked", lambda: aws)


@pytest.fixture
def ravi(aws: Aws) -> Ravi:
    return Ravi(aws)


def test_every_device_that_is_away_is_rung_on_its_platform(ravi: Ravi) -> None:
    phone, tablet = ravi.device("phone"), ravi.device("tablet", "apns")
    ravi.has_unread()
    assert handle(ravi.job()) == []
    for arn in (phone, tablet):
        (message,) = received(arn)
        assert set(message) == {"default", "GCM", "APNS", "APNS_SANDBOX"}
        data = json.loads(message["GCM"])["fcmV1Message"]["message"]["data"]
        assert data == {"message_id": "m1", "chat_id": ravi.chat, "unread": "1"}


def test_a_device_that_is_connected_is_left_alone_unless_it_is_named(ravi: Ravi) -> None:
    phone, tablet, desk = (ravi.device(name) for name in ("phone", "tablet", "desk"))
    ravi.connect("phone", time.time())
    ravi.connect("tablet", time.time() - LEASE_SECONDS - 1)
    ravi.connect("desk", time.time())
    ravi.has_unread()
    handle(ravi.job(devices=["desk"]))
    assert [len(received(arn)) for arn in (phone, tablet, desk)] == [0, 1, 1]
    handle(ravi.job(devices=["phone"]))  # it did not acknowledge the text in time
    assert [len(received(arn)) for arn in (phone, tablet, desk)] == [1, 1, 1]


def test_many_texts_ring_once_and_the_badge_counts_them_and_those_of_other_chats(
    aws: Aws, ravi: Ravi
) -> None:
    phone = ravi.device("phone", "apns")
    unread.text(aws, ravi.name, "elsewhere", "other-chat")
    handle(record(ravi.name, "job", "other-chat"))
    for number in range(3):
        ravi.has_unread(f"m{number}", hidden=number == 1)
    assert handle(ravi.job(), ravi.job("again")) == []
    first, second = (json.loads(message["APNS"]) for message in received(phone))
    assert (first["message_id"], first["aps"]["badge"]) == ("elsewhere", 1)
    assert (second["message_id"], second["aps"]["badge"]) == ("m2", 3)


def test_what_rang_is_taken_back_once_all_of_it_is_read_elsewhere(aws: Aws, ravi: Ravi) -> None:
    phone, tablet = ravi.device("phone"), ravi.device("tablet", "apns")
    ravi.has_unread("m1")
    ravi.has_unread("m2")
    handle(ravi.job())
    unread.read(aws, ravi.name, 1, ravi.chat)
    handle(ravi.job(reader="laptop"))
    assert len(received(phone)) == len(received(tablet)) == 1, "m2 is still to be read"
    unread.read(aws, ravi.name, 2, ravi.chat)
    handle(ravi.job(reader="tablet"), ravi.job(reader="tablet"))
    _, taken_back = received(phone)
    data = json.loads(taken_back["GCM"])["fcmV1Message"]["message"]["data"]
    assert data == {"chat_id": ravi.chat, "read": "2", "unread": "0"}
    assert len(received(tablet)) == 1, "it is where the texts were read"


def test_the_badge_after_a_taking_back_counts_what_waits_without_having_rung(
    aws: Aws, ravi: Ravi
) -> None:
    phone = ravi.device("phone", "apns")
    ravi.has_unread("m1")
    handle(ravi.job())
    ravi.connect("phone", time.time())
    ravi.has_unread("m2")  # the phone is connected, and has it
    unread.read(aws, ravi.name, 1, ravi.chat)
    handle(ravi.job(reader="laptop"))
    rung, taken_back = (json.loads(message["APNS"])["aps"] for message in received(phone))
    assert (rung["badge"], taken_back["badge"]) == (1, 1)
    assert "alert" not in taken_back


def test_nothing_rings_for_what_is_read_or_there_or_hidden_or_not_for_it(
    aws: Aws, ravi: Ravi
) -> None:
    phone = ravi.device("phone")
    for fields in ({}, {"hidden": True}, {"sender": ravi.name}, {"to": {"raju/phone": "x"}}):
        ravi.has_unread("m1", **fields)
    unread.read(aws, ravi.name, 1, ravi.chat)
    assert handle(ravi.job()) == [] and received(phone) == []


def test_who_can_not_be_woken_needs_no_second_try(ravi: Ravi) -> None:
    ravi.devices.register(ravi.name, "browser")
    ravi.has_unread()
    assert handle(ravi.job(), record("nobody", "m2")) == []


def test_a_disabled_endpoint_is_cleared_and_the_job_is_done(ravi: Ravi) -> None:
    arn, tablet = ravi.device("phone"), ravi.device("tablet")
    ravi.has_unread()
    sns = client("sns")
    sns.set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": "false"})
    assert handle(ravi.job()) == []
    assert ravi.arn("phone") is None
    assert len(received(tablet)) == 1
    assert ravi.arn("tablet") == tablet


def test_an_endpoint_that_was_deleted_is_cleared(ravi: Ravi) -> None:
    arn = ravi.device("phone")
    ravi.has_unread()
    client("sns").delete_endpoint(EndpointArn=arn)
    assert handle(ravi.job()) == []
    assert ravi.arn("phone") is None


def test_a_phone_that_somebody_else_took_over_gets_nothing_of_its_last_owner(
    aws: Aws, ravi: Ravi
) -> None:
    arn = ravi.device("phone")
    raju = Ravi(aws)
    raju.devices.register(raju.name, "phone")
    raju.endpoints.attach(raju.name, "phone", "fcm", f"{ravi.name}-phone")
    # as if a registration of ravi's had been overtaken on its way
    ravi.devices.set_endpoint(ravi.name, "phone", arn, "fcm")
    assert raju.arn("phone") == arn
    ravi.has_unread()
    raju.has_unread()
    assert handle(ravi.job()) == []
    assert received(arn) == []
    assert ravi.arn("phone") is None
    handle(raju.job())
    assert len(received(arn)) == 1


def test_a_phone_that_has_another_device_of_its_user_by_now_is_rung_for_that_one_alone(
    ravi: Ravi,
) -> None:
    arn = ravi.device("phone")
    ravi.devices.register(ravi.name, "again")
    ravi.endpoints.attach(ravi.name, "again", "fcm", f"{ravi.name}-phone")
    ravi.devices.set_endpoint(ravi.name, "phone", arn, "fcm")  # as above
    ravi.has_unread()
    assert handle(ravi.job()) == []
    assert len(received(arn)) == 1
    assert (ravi.arn("phone"), ravi.arn("again")) == (None, arn)


def test_who_takes_a_phone_over_leaves_its_last_owner_the_one_that_they_have_by_now(
    aws: Aws, ravi: Ravi
) -> None:
    raju, arn = Ravi(aws), ravi.device("phone")
    new = raju.device("phone")
    # as if the process that gave him the new one had ended before it released the other
    owner = user_key(f"push#{arn}", OWNER)
    aws.users.update(owner, "SET held_by = :holder", holder=f"{raju.name}/phone")
    ravi.endpoints.attach(ravi.name, "phone", "fcm", f"{ravi.name}-phone")
    assert (ravi.arn("phone"), raju.arn("phone")) == (arn, new)


def test_of_many_who_take_a_phone_over_at_once_one_has_it_and_is_woken_on_it(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws, "sns", OneAtATime(aws.sns))
    monkeypatch.setattr(aws, "users", one_at_a_time(aws.users))
    token = new_name("shared-token")
    everybody = [Ravi(aws) for _ in range(6)]
    for one in everybody:
        one.devices.register(one.name, "phone")
    together = threading.Barrier(len(everybody))

    def take(one: Ravi) -> None:
        together.wait()
        one.endpoints.attach(one.name, "phone", "fcm", token)
        if one is everybody[0]:
            one.endpoints.detach(one.name, "phone")
        one.endpoints.attach(one.name, "phone", "fcm", token)

    with ThreadPoolExecutor(len(everybody)) as owners:
        list(owners.map(take, everybody))
    everybody[3].endpoints.attach(everybody[3].name, "phone", "fcm", token)
    arn = everybody[3].arn("phone")
    assert arn is not None
    for one in everybody:
        one.has_unread(f"m-{one.name}")
        handle(one.job())
    (message,) = received(arn)
    assert f"m-{everybody[3].name}" in message["GCM"]


class Sns:
    """SNS that answers some endpoints with an error."""

    def __init__(self, real: Any, faults: dict[str, tuple[str, str]]) -> None:
        self._real = real
        self.faults = faults
        self.published: list[str] = []

    def publish(self, **request: Any) -> Any:
        arn = request["TargetArn"]
        self.published.append(arn)
        if arn in self.faults:
            code, message = self.faults[arn]
            raise ClientError({"Error": {"Code": code, "Message": message}}, "Publish")
        return self._real.publish(**request)


def failing(aws: Aws, monkeypatch: pytest.MonkeyPatch, faults: dict[str, tuple[str, str]]) -> Sns:
    sns = Sns(aws.sns, faults)
    monkeypatch.setattr(aws, "sns", sns)
    return sns


@pytest.mark.parametrize(
    "code", ["Throttled", "InternalError", "AuthorizationError", "PlatformApplicationDisabled"]
)
def test_a_fault_keeps_the_job_in_the_queue_and_the_endpoint_in_place(
    aws: Aws, ravi: Ravi, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    arn, tablet = ravi.device("phone"), ravi.device("tablet")
    ravi.has_unread()
    sns = failing(aws, monkeypatch, {arn: (code, "try again")})
    assert handle(ravi.job()) == ["job"]
    assert ravi.arn("phone") == arn
    assert len(received(tablet)) == 1  # the other device did not have to wait for it
    # it may have rung: what is read meanwhile is taken back
    assert RingItems(aws.users).of([ravi.name], ravi.chat)[ravi.name].under_way
    sns.faults.clear()
    assert handle(ravi.job()) == []
    assert len(received(arn)) == len(received(tablet)) == 1
    assert not RingItems(aws.users).of([ravi.name], ravi.chat)[ravi.name].under_way


@pytest.mark.parametrize(
    "fault",
    [
        ("EndpointDisabled", "Endpoint is disabled"),
        ("EndpointDisabledException", "Endpoint is disabled"),
        ("NotFound", "Endpoint does not exist"),
        ("NotFoundException", "Endpoint does not exist"),
        ("NotFound", "PlatformApplication does not exist"),
        ("InvalidParameter", "Invalid parameter: TargetArn Reason: no such application"),
        (
            "InvalidParameter",
            "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified",
        ),
    ],
)
def test_every_way_of_sns_to_say_that_an_endpoint_is_dead_clears_it(
    aws: Aws, ravi: Ravi, monkeypatch: pytest.MonkeyPatch, fault: tuple[str, str]
) -> None:
    arn = ravi.device("phone")
    ravi.has_unread()
    failing(aws, monkeypatch, {arn: fault})
    assert handle(ravi.job()) == []
    assert ravi.arn("phone") is None


def test_an_endpoint_that_was_replaced_meanwhile_is_not_cleared(ravi: Ravi) -> None:
    old = ravi.device("phone")
    ravi.endpoints.attach(ravi.name, "phone", "fcm", f"{ravi.name}-new")
    new = ravi.arn("phone")
    ravi.endpoints.clear(ravi.name, "phone", old)
    assert ravi.arn("phone") == new != old


def test_a_failure_holds_up_the_same_chat_only(
    aws: Aws, ravi: Ravi, monkeypatch: pytest.MonkeyPatch
) -> None:
    raju = Ravi(aws)
    arn, other = ravi.device("phone"), raju.device("phone")
    sns = failing(aws, monkeypatch, {arn: ("Throttled", "slow down")})
    ravi.has_unread()
    raju.has_unread()
    assert handle(ravi.job("r1"), raju.job("j1"), ravi.job("r2"), raju.job("j2")) == ["r1", "r2"]
    assert sns.published == [arn, other]  # r2 was not tried, and j2 found nothing new


@pytest.mark.parametrize(
    ("became", "counted"),
    [
        (Outcome.DELIVERED, ["PushesSent"]),
        (Outcome.GONE, ["PushesGone"]),
        (Outcome.REJECTED, ["PushesRejected"]),
        (PushServiceError("busy"), ["PushesFailed"]),
    ],
    ids=str,
)
def test_what_became_of_a_push_is_counted(
    ravi: Ravi, monkeypatch: pytest.MonkeyPatch, became: Any, counted: list[str]
) -> None:
    def publish(*_: Any) -> Any:
        if isinstance(became, Exception):
            raise became
        return became

    names: list[str] = []
    ravi.device("phone")
    ravi.has_unread()
    monkeypatch.setattr(Endpoints, "publish", publish)
    monkeypatch.setattr(push, "count", names.append)
    handle(ravi.job())
    assert names == counted


def test_how_long_a_push_took_counts_in_milliseconds_for_each_device_that_it_reached(
    aws: Aws, ravi: Ravi, monkeypatch: pytest.MonkeyPatch
) -> None:
    ravi.device("tablet")
    failing(aws, monkeypatch, {ravi.device("phone"): ("Throttled", "slow down")})
    now, times = time.time(), list[Any]()
    monkeypatch.setitem(vars(aws), "now", lambda: now)
    monkeypatch.setattr(push, "took", lambda *given: times.append(given))
    ravi.has_unread(sent_at=int(now * 1000) - 1500)
    assert handle(ravi.job()) == ["job"]
    assert times == [("PushTime", pytest.approx(1500, abs=1))]


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"user": "ravi"}', "null"])
def test_a_job_that_is_none_goes_the_way_to_the_dead_letter_queue(body: str) -> None:
    assert handle(sqs_record("bad", body, group="g")) == ["bad"]


def test_the_log_has_message_and_chat_and_metrics_but_no_token(ravi: Ravi, capsys: Any) -> None:
    ravi.device("phone")
    ravi.has_unread()
    with written_log() as log:
        handle(ravi.job())
    line = json.loads(log.getvalue().splitlines()[-1])
    assert (line["message_id"], line["chat"]) == ("m1", ravi.chat)
    assert f"{ravi.name}-phone" not in log.getvalue()
    counted = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert counted["PushesSent"] == [1.0]


@pytest.mark.parametrize("number", range(1, 9))
def test_a_device_is_rung_for_a_text_whenever_both_have_come_during_a_run(
    ravi: Ravi, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    ravi.device("phone")
    ravi.has_unread("m1")
    tablet: list[str] = []

    def both_come() -> None:
        tablet.append(ravi.device("tablet"))
        ravi.has_unread("m2")

    with monkeypatch.context() as patch:
        made = interrupt(patch, number, both_come)
        assert handle(ravi.job()) == []
    assert len(made) >= number
    handle(ravi.job("another"))
    assert received(tablet[0]), made[:number]
