"""The whole life of the custom resource: what CloudFormation sends, and what is left in SNS."""

import json
from typing import NamedTuple

import pytest

from lambdas.notifications import platform_applications
from lambdas.settings import WHILE_DEPLOYING, Aws, Settings
from stacks.config.functions import FUNCTIONS
from tests.support.lambdas.moto_aws import moto_aws
from tests.support.lambdas.platforms_scene import TIMEOUT, applications
from tests.support.lambdas.platforms_stack import (
    Service,
    Stack,
    Step,
    allow,
    create,
    delete,
    fill,
    keep,
    lag,
    lose,
    refuse,
    remove,
    slow,
    update,
)
from tests.support.lambdas.rest import DUMMY, client, written_log

DENIED = "AccessDeniedException"


class Life(NamedTuple):
    title: str
    steps: tuple[Step, ...]
    responses: str  # C, U, D for a Create, an Update, a Delete; a small letter for one that failed
    left: dict[str, str]  # application -> its credential
    status: str
    reason: str = ""
    needs_status: bool = False  # the versions alone do not tell what this is


FILLED = (fill("A", "one"), fill("B", "two"), fill("C", ""), fill("S", "three"))
ONE = {"chat-fcm": "one"}
UP, UNDONE, DOWN = "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE"
SLOWEST = WHILE_DEPLOYING.longest
FCM_ARN = "arn:aws:sns:us-east-1:123456789012:app/GCM/chat-fcm"

# fmt: off
LIVES = [
    Life("created without credentials", (fill("A", ""), create()), "C", {}, "CREATE_COMPLETE"),
    Life("created with one", (create(),), "C", ONE, "CREATE_COMPLETE"),
    Life("created with a bad secret", (fill("A", "bad"), create()), "cD", {}, DOWN,
         "the secret in FcmSecretArn is not JSON"),
    Life("created with a bad secret over what an earlier stack retained",
         (keep("chat-fcm", "old"), fill("C", "bad"), create()), "cD", {"chat-fcm": "old"}, DOWN,
         "the secret in ApnsSecretArn is not JSON"),
    Life("created, and SNS refuses the second credential",
         (fill("C", "x"), fill("A", ""), refuse("create_platform_application", "InvalidParameter"),
          create()), "cD", {}, DOWN, "SNS rejected the credential in ApnsSecretArn"),
    Life("created, and there is no time for the third credential",
         (fill("C", "x"), slow("create_platform_application", SLOWEST), create(sandbox="S")), "cD",
         {}, DOWN, "no time left"),
    Life("created, and another resource fails", (create(other_fails=True),), "CD", {}, DOWN),
    Life("created, fixed and created again",
         (fill("A", "bad"), create(), fill("A", "one"), create()), "cDC", ONE, "CREATE_COMPLETE"),
    Life("turned on", (fill("A", ""), create(), fill("A", "one"), update(version="2")), "CU", ONE,
         UP),
    Life("another credential", (create(), fill("A", "new"), update(version="2")), "CU",
         {"chat-fcm": "new"}, UP),
    Life("turned off", (create(), fill("A", ""), update(version="2")), "CU", {}, UP),
    Life("updated with a bad secret", (create(), fill("A", "bad"), update(version="2")), "CuU", ONE,
         UNDONE, "the secret in FcmSecretArn is not JSON"),
    Life("turned on with a bad secret",
         (fill("A", ""), create(), fill("A", "bad"), update(version="2")), "CuU", {}, UNDONE),
    Life("updated with a bad secret, then with a good one",
         (create(), fill("A", "bad"), update(version="2"), fill("A", "new"), update(version="2")),
         "CuUU", {"chat-fcm": "new"}, UP),
    Life("updated, and SNS refuses the credential",
         (create(), refuse("set_platform_application_attributes", "InvalidParameter"),
          update(version="2")), "CuU", ONE, UNDONE, "SNS rejected the credential in FcmSecretArn"),
    Life("updated, and SNS throttles",
         (create(), refuse("set_platform_application_attributes", "Throttled"),
          update(version="2")), "CuU", ONE, UNDONE, "could not take the credential in FcmSecretArn"),
    Life("updated, and another resource fails",
         (create(), fill("A", "new"), update(version="2", other_fails=True)), "CUU",
         {"chat-fcm": "new"}, UNDONE),
    Life("turned off, and another resource fails",
         (create(), fill("A", ""), update(version="2", other_fails=True)), "CUU", {}, UNDONE),
    Life("given another secret", (create(), update(fcm="B")), "CU", {"chat-fcm": "two"}, UP),
    Life("given another secret, and another resource fails",
         (create(), update(fcm="B", other_fails=True)), "CUU", ONE, UNDONE),
    Life("turned on by another secret, and another resource fails",
         (fill("A", ""), create(), update(fcm="B", other_fails=True)), "CUU", {}, UNDONE),
    Life("given a bad secret while the old one is good", (create(), fill("B", "bad"),
         update(fcm="B")), "CuU", ONE, UNDONE),
    Life("given a bad secret while the old one has gone",
         (create(), fill("B", "bad"), remove("A"), update(fcm="B")), "CuU", ONE, UNDONE,
         "the secret in FcmSecretArn is not JSON", needs_status=True),
    Life("given a bad secret and a version while the old one has gone",
         (create(), fill("B", "bad"), remove("A"), update(fcm="B", version="2")), "CuU", ONE,
         UNDONE),
    Life("the secret has gone", (create(), remove("A"), update(version="2")), "CuU", ONE, UNDONE,
         "the secret in FcmSecretArn can't be read: ResourceNotFoundException"),
    Life("the secret may not be read",
         (create(), refuse("get_secret_value", DENIED), update(version="2")), "CuU", ONE, UNDONE,
         f"the secret in FcmSecretArn can't be read: {DENIED}"),
    Life("given two other secrets, and the first of the old ones has gone",
         (fill("C", "x"), create(), remove("A"), update(fcm="B", apns="S", other_fails=True)),
         "CUU", {"chat-fcm": "two", "chat-apns": "x"}, UNDONE, needs_status=True),
    Life("the permission for another secret is spread late",
         (create(), lag("get_secret_value", 2, DENIED), update(fcm="B")), "CU", {"chat-fcm": "two"},
         UP),
    Life("the permission for SNS is spread late",
         (lag("create_platform_application", 2, "AuthorizationError"), create()), "C", ONE,
         "CREATE_COMPLETE"),
    Life("a version that was lowered by hand",
         (create(version="3"), fill("A", "new"), update(version="2")), "CU", {"chat-fcm": "new"},
         UP, needs_status=True),
    Life("a version that was lowered by hand, with a bad secret",
         (create(version="3"), fill("A", "bad"), update(version="2")), "CuU", ONE, UNDONE,
         "the secret in FcmSecretArn is not JSON", needs_status=True),
    Life("the tenth version", (create(version="9"), fill("A", "new"), update(version="10")), "CU",
         {"chat-fcm": "new"}, UP),
    Life("a version that is no number", (create(version="x"), update(version="y")), "CU", ONE, UP),
    Life("renamed", (create(), update(prefix="talk")), "CUD", {"talk-fcm": "one"}, UP),
    Life("renamed, and another resource fails", (create(), update(prefix="talk", other_fails=True)),
         "CUUD", ONE, UNDONE),
    Life("renamed with a bad secret", (create(), fill("A", "bad"),
         update(prefix="talk", version="2")), "CuUD", ONE, UNDONE),
    Life("renamed with a bad secret and no version",
         (create(), fill("A", "bad"), update(prefix="talk")), "CuUD", ONE, UNDONE,
         needs_status=True),
    Life("three slow credentials are in time",
         (fill("C", "x"), slow("create_platform_application", 22), create(sandbox="S")), "C",
         {**ONE, "chat-apns": "x", "chat-apns-sandbox": "three"}, "CREATE_COMPLETE"),
    Life("there is no time for the third credential",
         (fill("A", ""), create(), fill("A", "one"), fill("C", "x"),
          slow("create_platform_application", SLOWEST), update(version="2", sandbox="S")), "CuU",
         {**ONE, "chat-apns": "x"}, UNDONE, "no time left"),
    Life("the secrets take all the time",
         (create(), slow("get_secret_value", SLOWEST), fill("B", "bad"),
          update(version="2", sandbox="S")), "CuU", ONE, UNDONE, "no time left"),
    Life("deleted", (create(), delete()), "CD", {}, "DELETE_COMPLETE"),
    Life("deleted twice", (create(), delete(), delete()), "CDD", {}, "DELETE_COMPLETE"),
    Life("deleted when one application has gone",
         (fill("C", "x"), create(), lose(FCM_ARN), delete()), "CD", {}, "DELETE_COMPLETE"),
    Life("deleted while SNS throttles, and again",
         (create(), refuse("delete_platform_application", "Throttled"), delete(),
          allow("delete_platform_application"), delete()), "CdD", {}, "DELETE_COMPLETE"),
    Life("deleted while SNS does not say what there is, and again",
         (create(), refuse("get_platform_application_attributes", "Throttled"), delete(),
          allow("get_platform_application_attributes"), delete()), "CdD", {}, "DELETE_COMPLETE"),
    Life("deleted when the secret is bad", (create(), fill("A", "bad"), delete()), "CD", {},
         "DELETE_COMPLETE"),
    Life("deleted by an id of CloudFormation's own, for no Create got a response",
         (create(), delete("stack-PlatformApplications-1ABC")), "CD", {}, "DELETE_COMPLETE"),
]
# fmt: on


def lived(life: Life, monkeypatch: pytest.MonkeyPatch, deliveries: int, describes: bool) -> Stack:
    stack = Stack(deliveries, describes)
    function = Aws(Settings(DUMMY), WHILE_DEPLOYING)
    for name, real in (
        ("sns", client("sns")),
        ("secrets", client("secretsmanager")),
        ("cloudformation", stack),
    ):
        vars(function)[name] = Service(real, stack)
    vars(function)["sleep"] = stack.sleep
    monkeypatch.setattr(platform_applications, "deployment_aws", lambda: function)
    monkeypatch.setattr(platform_applications, "respond", stack.take)
    for step in (*FILLED, *life.steps):
        step(stack)
    return stack


def left() -> dict[str, str]:
    """The applications that SNS has, with what tells their credentials apart."""
    return {
        arn.rpartition("/")[2]: attributes.get("PlatformPrincipal")
        or json.loads(attributes["PlatformCredential"])["client_email"]
        for arn, attributes in applications().items()
    }


# Each life with requests that come once or twice, and with a CloudFormation that describes the
# stack or does not; but not where only the stack's status shows what an update is and nothing shows
# it, nor where the second delivery goes on where the first had no time left.
WAYS = [
    pytest.param(
        life,
        deliveries,
        describes,
        id=f"{life.title} {deliveries}x {described}",
        marks=() if deliveries == 1 and describes else pytest.mark.slow,
    )
    for life in LIVES
    for deliveries in (1, 2)
    for describes, described in ((True, "asked"), (False, "no response"))
    if (describes or not life.needs_status) and (life.reason != "no time left" or deliveries == 1)
]


@pytest.mark.sampled
@pytest.mark.parametrize(("life", "deliveries", "describes"), WAYS)
def test_what_is_answered_and_what_is_left(
    life: Life, deliveries: int, describes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with moto_aws():
        stack = lived(life, monkeypatch, deliveries, describes)
        assert "".join(stack.responses) == life.responses
        assert left() == life.left
    assert stack.status == life.status
    assert life.reason in "".join(stack.reasons)


def test_the_secret_that_failed_is_not_read_again_by_the_rollback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = (create(), fill("A", "bad"), update(version="2"))
    with moto_aws():
        stack = lived(Life("", steps, "", {}, ""), monkeypatch, 1, describes=True)
    rollback = {operation for status, operation in stack.calls if "ROLLBACK" in status}
    assert rollback == {"describe_stacks"}


def test_the_function_has_time_for_every_answer_before_cloudformation_gives_up() -> None:
    timeout = FUNCTIONS["PlatformApplications"].timeout
    assert timeout == TIMEOUT
    assert WHILE_DEPLOYING.read >= 20
    assert WHILE_DEPLOYING.longest + platform_applications.RESPONDING < timeout < 300


ROLE, ANOTHER = "arn:aws:iam::123456789012:role/one", "arn:aws:iam::123456789012:role/two"
NOTHING: tuple[str, ...] = ("", "", "")
LOGGED = (ROLE, ROLE, "10")
ON, OFF = update(role=ROLE, percent="10"), update(role="", percent="")
NOT_YET = "Invalid parameter: Attributes Reason: {} is not a valid role to allow SNS to write to"
NO_ROLE = ("InvalidParameter", f"{NOT_YET.format(ROLE)} Cloudwatch Logs")
DENIED_BY_SNS = ("AuthorizationError", f"not authorized to perform: iam:PassRole on {ROLE}")
FOREVER = 1_000


def logged_as(attributes: dict[str, str]) -> tuple[str, ...]:
    """The roles, and the rate where there are some: without a role it says nothing."""
    names = ("SuccessFeedbackRoleArn", "FailureFeedbackRoleArn", "SuccessFeedbackSampleRate")
    found = tuple(attributes.get(name, "") for name in names)
    return found if any(found[:2]) else NOTHING


@pytest.mark.parametrize(
    ("steps", "logged"),
    [
        ((create(),), NOTHING),
        ((create(role=ROLE, percent="10"),), LOGGED),
        ((create(), ON), LOGGED),
        ((create(role=ROLE, percent="10"), update(percent="50")), (ROLE, ROLE, "50")),
        ((create(role=ROLE, percent="10"), OFF), NOTHING),
        ((create(), update(role=ROLE, percent="10", other_fails=True)), NOTHING),
        ((create(role=ROLE, percent="10"), update(role=ANOTHER, other_fails=True)), LOGGED),
        (
            (create(role=ROLE, percent="10"), update(fcm="B", role=ANOTHER, other_fails=True)),
            LOGGED,
        ),
        ((create(role=ROLE, percent="10"), fill("A", "bad"), update(role=ANOTHER)), LOGGED),
        ((fill("A", ""), create(), fill("A", "one"), ON), LOGGED),
    ],
)
def test_an_application_logs_what_its_platform_answers_as_the_last_good_properties_say(
    steps: tuple[Step, ...], logged: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with moto_aws():
        lived(Life("", steps, "", {}, ""), monkeypatch, 1, describes=True)
        (attributes,) = applications().values()
    assert logged_as(attributes) == logged


@pytest.mark.parametrize("error", [NO_ROLE, DENIED_BY_SNS])
@pytest.mark.parametrize(
    ("times", "before", "logged", "warnings"),
    [
        (2, (), LOGGED, 0),
        (2, (create(),), LOGGED, 0),
        (FOREVER, (), NOTHING, 1),
        (FOREVER, (create(), fill("A", "new")), NOTHING, 1),
    ],
)
def test_a_role_that_iam_has_not_spread_is_waited_for_and_never_fails_a_deployment(
    times: int,
    before: tuple[Step, ...],
    logged: tuple[str, ...],
    warnings: int,
    error: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    last = ON if before else create(role=ROLE, percent="10")
    with moto_aws(), written_log() as log:
        steps = (*before, lag("log", times, *error), last)
        stack = lived(Life("", steps, "", {}, ""), monkeypatch, 1, describes=True)
        (attributes,) = applications().values()
        assert left() == {"chat-fcm": "new" if len(before) > 1 else "one"}
    assert stack.status in ("CREATE_COMPLETE", UP)
    assert logged_as(attributes) == logged
    assert log.getvalue().count("as before") == warnings
    # the steps end long before the function has no time left
    assert stack.context.elapsed == min(5 * times, 60)


@pytest.mark.parametrize("code", ["InvalidParameter", "Throttled", "InternalError"])
def test_what_iam_has_nothing_to_do_with_is_not_waited_for(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (create(), lag("log", FOREVER, code), ON)
    with moto_aws():
        stack = lived(Life("", steps, "", {}, ""), monkeypatch, 1, describes=True)
    assert (stack.status, stack.context.elapsed) == (UP, 0)


def test_where_the_time_ends_first_the_credential_is_there_and_logs_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = (
        slow("create_platform_application", 240 - SLOWEST - platform_applications.RESPONDING - 12),
        lag("log", FOREVER, *NO_ROLE),
        create(role=ROLE, percent="10"),
    )
    with moto_aws():
        stack = lived(Life("", steps, "", {}, ""), monkeypatch, 1, describes=True)
        assert left() == ONE
    assert stack.status == "CREATE_COMPLETE"


def test_logs_are_ended_by_roles_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, str]] = []
    ended = Life("", (create(role=ROLE, percent="10"), OFF), "", {}, "")
    with moto_aws():
        sns = client("sns")
        real = sns.set_platform_application_attributes

        def setting(PlatformApplicationArn: str, Attributes: dict[str, str]) -> object:
            given.append(Attributes)
            return real(PlatformApplicationArn=PlatformApplicationArn, Attributes=Attributes)

        monkeypatch.setattr(sns, "set_platform_application_attributes", setting)
        lived(ended, monkeypatch, 1, describes=True)
    assert given[-1] == {"SuccessFeedbackRoleArn": "", "FailureFeedbackRoleArn": ""}
