"""Sticky sessions: the cookies' form and content, and where a client that has them goes."""

import re
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.balancer.groups import Client, Time, forward, group, healthy, router, seen, turn
from tests.rows import rows

from emulator.balancer import stickiness
from emulator.balancer.stickiness import Seal, StickySession
from emulator.balancer.targets.health import HEALTHY, INITIAL, UNHEALTHY, Health, draining
from emulator.providers import EmulatorError

LB = {"stickiness.enabled": "true", "stickiness.type": "lb_cookie"}
APP = {
    "stickiness.enabled": "true",
    "stickiness.type": "app_cookie",
    "stickiness.app_cookie.cookie_name": "session",
}
SESSION = ("Set-Cookie", "session=1; HttpOnly")
EXPIRES = "Expires=Tue, 21 Nov 2023 22:13:20 GMT; Path=/"  # 7 days after Time begins
IN_FOUR_SHARDS = [f"AWSALBAPP-{n}=_remove_; {EXPIRES}" for n in range(4)]


def scene(attributes: Any, *names: str, seed: int = 1) -> Any:
    time, api = Time(), group(attributes=attributes)
    healthy(api, *names)
    return time, api, Client(router(time, api, seed=seed), forward(api))


def test_the_cookie_and_its_twin_have_the_form_of_aws() -> None:
    _, _, client = scene(LB, "a", "b")
    client.request()
    value = client.cookies["AWSALB"]
    assert re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", value)
    assert client.last == [
        f"AWSALB={value}; {EXPIRES}",
        f"AWSALBCORS={value}; {EXPIRES}; SameSite=None; Secure",
    ]


def test_without_stickiness_no_cookie_is_set_and_a_cookie_changes_nothing() -> None:
    _, _, sticky = scene(LB, "a", "b")
    sticky.request()
    _, _, client = scene({}, "a", "b")
    client.cookies = sticky.cookies
    assert [client.request() for _ in range(4)] == ["a", "b", "a", "b"]
    assert client.last == []


@pytest.mark.parametrize("cookies", [("AWSALB",), ("AWSALBCORS",), ("AWSALB", "AWSALBCORS")])
def test_either_of_the_two_keeps_the_client_where_it_is(cookies: Any) -> None:
    _, api, client = scene(LB, "a", "b", "c")
    turn(api)
    first = client.request()
    assert first == "b"
    for _ in range(5):
        client.cookies = {name: client.cookies[name] for name in cookies}
        assert client.request() == "b"


def test_a_twin_counts_where_the_first_cookie_is_unreadable() -> None:
    _, _, client = scene(LB, "a", "b", "c")
    client.request()
    client.cookies["AWSALB"] = "forged"
    assert [client.request() for _ in range(3)] == ["a"] * 3


def test_sticky_requests_do_not_take_the_turn_of_the_others() -> None:
    time, api, client = scene(LB, "a", "b", "c")
    assert client.request() == "a"
    others = router(time, api)
    sequence = []
    for _ in range(6):
        assert client.request() == "a"
        sequence.append(Client(others, forward(api)).request())
    assert sequence == ["b", "c", "a", "b", "c", "a"]


@rows(
    "tamper",
    [
        lambda value: "x" + value[1:] if value[0] != "x" else "y" + value[1:],
        lambda value: value[:-8] + ("AAAAAAA=" if value.endswith("=") else "AAAAAAAA"),
        lambda value: value[:20],
        lambda value: "",
        lambda value: "not base64!",
        lambda value: "AAAA",
        lambda value: value.replace("=", "%3D") + "%3D",
        lambda value: "\N{LATIN SMALL LETTER E WITH ACUTE}" + value,
    ],
)
def test_a_cookie_that_was_tampered_with_binds_nobody(tamper: Any) -> None:
    _, _, client = scene(LB, "a", "b", "c")
    client.request()
    forged = tamper(client.cookies["AWSALB"])
    client.cookies = {"AWSALB": forged, "AWSALBCORS": forged}
    assert client.request() == "b"
    assert client.request() == "b"  # it has got a good one


def test_a_cookie_reveals_nothing_and_opens_under_no_other_name_or_key() -> None:
    seal, other = Seal(lambda n: bytes(range(n))), Seal(lambda n: bytes(n))
    sessions = {"arn:api": StickySession("task-1", 12.5), "arn:web": StickySession("", 13.0)}
    value = seal.close("AWSALB", sessions)
    assert seal.open("AWSALB", value) == sessions
    assert seal.open("AWSALBTG", value) == {}
    assert other.open("AWSALB", value) == {}
    assert "task" not in value


@pytest.mark.parametrize(("waits", "stays"), [(59.9, True), (60, True), (60.1, False)])
def test_the_duration_runs_from_the_last_response(waits: float, stays: bool) -> None:
    attributes = {**LB, "stickiness.lb_cookie.duration_seconds": 60}
    time, _, client = scene(attributes, "a", "b", "c")
    client.request()
    for _ in range(5):  # each response begins it anew
        time.passes(50)
        assert client.request() == "a"
    time.passes(waits)
    assert (client.request() == "a") is stays


def test_the_browser_keeps_the_cookie_for_seven_days_whatever_the_duration() -> None:
    _, _, client = scene({**LB, "stickiness.lb_cookie.duration_seconds": 1}, "a")
    client.request()
    assert EXPIRES in client.last[0]


@pytest.mark.parametrize("gone", [Health(UNHEALTHY), draining(), None])
def test_a_client_moves_once_when_its_target_goes_and_does_not_return(gone: Any) -> None:
    _, api, client = scene(LB, "a", "b", "c")
    assert client.request() == "a"
    target = api.targets["a"]
    if gone is None:
        del api.targets["a"]
    else:
        api.note_health(target, gone, 0)
    moved = client.request()
    assert moved in ("b", "c")
    assert [client.request() for _ in range(5)] == [moved] * 5
    api.targets["a"] = target
    api.note_health(target, Health(HEALTHY), 0)
    assert [client.request() for _ in range(5)] == [moved] * 5


@pytest.mark.parametrize(
    ("states", "stays"),
    [
        ({"a": UNHEALTHY, "b": UNHEALTHY, "c": UNHEALTHY}, True),  # fails open: to all of them
        ({"a": UNHEALTHY, "b": UNHEALTHY, "c": HEALTHY}, False),
        ({"a": INITIAL, "b": INITIAL, "c": INITIAL}, True),
    ],
)
def test_under_fail_open_a_client_stays_with_its_unhealthy_target(states: Any, stays: Any) -> None:
    _, api, client = scene(LB, "a", "b", "c")
    client.request()
    for name, state in states.items():
        api.note_health(api.targets[name], Health(state), 0)
    assert ([client.request() for _ in range(4)] == ["a"] * 4) is stays


def test_the_cookie_of_one_group_says_nothing_in_another() -> None:
    time = Time()
    api, web = group("api", LB), group("web", LB)
    healthy(api, "x", "y")
    healthy(web, "x", "y")
    shared = router(time, api, web)
    client = Client(shared, forward(api))
    client.request()
    client.rule = forward(web)
    turn(web)
    assert client.request() == "y"


def test_the_application_cookie_binds_from_the_response_that_sets_it() -> None:
    _, _, client = scene(APP, "a", "b", "c")
    assert [client.request() for _ in range(3)] == ["a", "b", "c"]
    assert client.last == IN_FOUR_SHARDS
    assert client.request(SESSION) == "a"
    value = client.cookies["AWSALBAPP-0"]
    assert client.last == [f"AWSALBAPP-0={value}; {EXPIRES}", *IN_FOUR_SHARDS[1:]]
    assert [client.request() for _ in range(5)] == ["a"] * 5
    assert client.cookies["AWSALBAPP-0"] != value  # renewed on each response


@pytest.mark.parametrize(
    "headers",
    [
        [("set-cookie", "other=1")],
        [("Set-Cookie", "Session=1")],  # names of cookies have a case
        [("Set-Cookie", "sessions=1")],
        [("X-Set-Cookie", "session=1")],
    ],
)
def test_another_cookie_of_the_application_binds_nobody(headers: Any) -> None:
    _, _, client = scene(APP, "a", "b")
    client.request(*headers)
    assert client.last == IN_FOUR_SHARDS


def test_both_cookies_are_needed_and_only_the_names_count() -> None:
    _, _, client = scene(APP, "a", "b", "c")
    assert client.request(("set-cookie", "session=; Max-Age=0")) == "a"
    assert client.request() == "a"
    bound = dict(client.cookies)
    del client.cookies["session"]
    assert client.request() == "b"
    assert client.last == IN_FOUR_SHARDS
    client.cookies = {"session": "1"}
    assert client.request() == "c"
    client.cookies = {**bound, "session": "another"}
    assert client.request() == "a"


def test_the_application_cookies_duration_counts_and_a_lost_target_is_replaced() -> None:
    time, api, client = scene({**APP, "stickiness.app_cookie.duration_seconds": 60}, "a", "b", "c")
    client.request(SESSION)
    time.passes(60)
    assert client.request() == "a"
    time.passes(61)
    assert client.request() == "b"
    client.request(SESSION)
    assert client.request() == "c"
    api.note_health(api.targets["c"], Health(UNHEALTHY), 0)
    moved = client.request()
    assert moved == "a"
    api.note_health(api.targets["c"], Health(HEALTHY), 0)
    assert [client.request() for _ in range(3)] == ["a"] * 3


def test_one_application_cookie_of_the_balancer_holds_a_target_of_each_group() -> None:
    time = Time()
    api = group("api", APP)
    web = group("web", {**APP, "stickiness.app_cookie.cookie_name": "web"})
    healthy(api, "a", "b")
    healthy(web, "x", "y")
    shared = router(time, api, web)
    client = Client(shared, forward(api))
    client.request(SESSION)
    client.rule = forward(web)
    client.request(("Set-Cookie", "web=1"))
    assert [client.request() for _ in range(3)] == ["x"] * 3
    client.rule = forward(api)
    assert [client.request() for _ in range(3)] == ["a"] * 3


def test_a_long_value_is_sent_in_shards_and_the_oldest_go_where_four_are_not_enough() -> None:
    time = Time()
    groups = [group(f"{n:03}-{'g' * 200}", APP) for n in range(70)]
    for each in groups:
        healthy(each, "a", "b")
    shared = router(time, *groups)
    client = Client(shared, forward(groups[0]))
    for each in groups:
        client.rule = forward(each)
        client.request(SESSION)
        time.passes(1)
    assert "_remove_" not in [client.cookies[f"AWSALBAPP-{n}"] for n in range(4)]
    assert all(len(line) < 4096 for line in client.last)
    for each, stays in ((groups[-1], True), (groups[40], True), (groups[0], False)):
        client.rule = forward(each)  # by turn it would be b's
        assert (client.request() == "a") is stays


CHROME_79 = "Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0.1 Safari/537.36"
CHROME_80 = CHROME_79.replace("79", "80")


@pytest.mark.parametrize(
    ("headers", "same_site"),
    [
        ({"origin": "https://a.example", "user_agent": CHROME_80}, True),
        ({"origin": "https://a.example", "user_agent": CHROME_80.replace("80", "141")}, True),
        ({"origin": "https://a.example", "user_agent": CHROME_79}, False),
        ({"origin": "https://a.example", "user_agent": "Firefox/140"}, False),
        ({"origin": "https://a.example"}, False),
        ({"user_agent": CHROME_80}, False),
    ],
)
def test_the_application_cookie_has_same_site_for_chromium_80_across_origins(
    headers: Any, same_site: bool
) -> None:
    _, _, client = scene(APP, "a")
    client.request(SESSION, **headers)
    assert all(line.endswith("; SameSite=None; Secure") is same_site for line in client.last)


@pytest.mark.parametrize(
    ("line", "cookies"),
    [
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1;b=2", {"a": "1", "b": "2"}),
        ("a=1==; a=2", {"a": "1=="}),
        ("; a ;b=", {"b": ""}),
    ],
)
def test_cookies_are_read_as_browsers_write_them(line: str, cookies: Any) -> None:
    assert stickiness.cookies_of({"cookie": [line]}) == cookies


def test_cookies_may_stand_in_several_lines() -> None:
    assert stickiness.cookies_of({"cookie": ["a=1", "b=2"]}) == {"a": "1", "b": "2"}
    assert stickiness.cookies_of(seen().headers) == {}


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({**LB, "stickiness.lb_cookie.duration_seconds": "0"}, "0 is not within 1 to 604800 s"),
        ({**LB, "stickiness.lb_cookie.duration_seconds": "604801"}, "604801 is not within"),
        ({**APP, "stickiness.app_cookie.duration_seconds": "1.5"}, "1.5 is not within"),
        ({**LB, "stickiness.type": "source_ip"}, "source_ip is not one that an application"),
        ({**APP, "stickiness.app_cookie.cookie_name": "AWSALBX"}, "AWSALBX: names that start"),
        ({**APP, "stickiness.app_cookie.cookie_name": "a b"}, "'a b' is not a cookie's name"),
        ({"stickiness.enabled": "true", "stickiness.type": "app_cookie"}, "'' is not a cookie's"),
    ],
)
def test_stickiness_that_aws_rejects_is_rejected(attributes: Any, message: str) -> None:
    with pytest.raises(EmulatorError, match=message):
        stickiness.read_stickiness("group Api", attributes)


def test_stickiness_lasts_a_day_where_the_template_does_not_say() -> None:
    read = stickiness.read_stickiness("", LB)
    assert read is not None
    assert (read.seconds, read.kind) == (86400, "lb_cookie")
    assert stickiness.read_stickiness("", {"stickiness.enabled": "false"}) is None


class StickyClients(RuleBasedStateMachine):
    """Clients that send requests while targets come, go, fail, recover and drain. Each stays with
    its target as long as that may have requests and the duration hasn't passed; it leaves
    otherwise."""

    def __init__(self) -> None:
        super().__init__()
        attributes = {**LB, "stickiness.lb_cookie.duration_seconds": 100}
        self.time, self.api = Time(), group(attributes=attributes)
        shared = router(self.time, self.api)
        self.clients = [Client(shared, forward(self.api)) for _ in range(3)]
        self.bound: dict[int, tuple[str, float]] = {}
        self.registered = 0
        self.comes()

    @rule()
    def comes(self) -> None:
        self.registered += 1
        healthy(self.api, f"t{self.registered}")

    @precondition(lambda self: len(self.api.targets) > 1)
    @rule(data=st.data())
    def goes(self, data: Any) -> None:
        del self.api.targets[data.draw(st.sampled_from(sorted(self.api.targets)))]

    @precondition(lambda self: self.api.targets)
    @rule(data=st.data(), state=st.sampled_from([HEALTHY, UNHEALTHY]))
    def changes(self, data: Any, state: str) -> None:
        target = self.api.targets[data.draw(st.sampled_from(sorted(self.api.targets)))]
        if target.health != draining():
            self.api.note_health(target, Health(state), self.time.now)

    @precondition(lambda self: self.api.targets)
    @rule(data=st.data())
    def drains(self, data: Any) -> None:
        target = self.api.targets[data.draw(st.sampled_from(sorted(self.api.targets)))]
        self.api.note_health(target, draining(), self.time.now)

    @rule(seconds=st.sampled_from([1, 60, 99, 101]))
    def time_passes(self, seconds: int) -> None:
        self.time.passes(seconds)

    @rule(who=st.integers(0, 2))
    def request(self, who: int) -> None:
        may = {target.id for target in self.api.routable()}
        name = self.clients[who].request()
        if not may:
            assert name is None
            return
        assert name in may
        before, since = self.bound.get(who, ("", 0.0))
        if before in may and self.time.now - since <= 100:
            assert name == before
        self.bound[who] = (str(name), self.time.now)

    @invariant()
    def nothing_is_left_in_flight(self) -> None:
        assert all(target.in_flight == 0 for target in self.api.targets.values())


TestStickyClients = StickyClients.TestCase
TestStickyClients.settings = settings(stateful_step_count=40)
