"""What the console opens, in Chromium: with data, empty, and with the system stopped."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from emulator.console.details import Details
from emulator.providers import InvokeResult
from emulator.traces.ring import CALL, INVOCATION, POST, Ring
from tests.support.web_app import WITHIN_MS
from tests.system.browser.conftest import Open
from tests.system.browser.fake_system import FakeSystem
from tests.system.browser.test_layout import CONTRAST, OUTSIDE

pytestmark = pytest.mark.xdist_group("browser")

ID = "01HZX3VJ5Q8Z4M7K2N9P6R1S0T"
FRAME = json.dumps(
    {
        "requestContext": {"routeKey": "send", "eventType": "MESSAGE", "connectionId": "c1"},
        "body": json.dumps({"action": "send", "message_id": ID, "payload": "x" * 500}),
    }
)
VIEWS = ("trace", f"trace?id={ID}", "functions/send", "connections/c1", "phones/token", "phones")


class OneFunction:
    def __init__(self, ring: Ring) -> None:
        self._ring = ring

    def label(self, reference: str) -> str:
        return "Send"

    def state(self) -> dict[str, Any]:
        return {"functions": []}

    async def invoke(self, reference: str, event: bytes) -> InvokeResult:
        self._ring.add(INVOCATION, "Send", given=event, result='{"again": true}', ms=3.0)
        return InvokeResult(event, False)


@pytest.fixture
def ring(fake: FakeSystem, tmp_path: Path) -> Ring:
    ring = Ring(lambda: 1_800_000_000.0)
    fake.console._details = Details(ring, functions=OneFunction(ring), logs=tmp_path)
    return ring


def fill(ring: Ring) -> None:
    ring.add(INVOCATION, "Send", by="Send-1", at=1_800_000_000, ms=12.5, given=FRAME, result="{}")
    ring.add(
        CALL, "PutItem", by="Send-1", at=1_800_000_000.005, ms=1, given='{"TableName":"Chats"}'
    )
    ring.add(POST, "c1", by="Send-1", at=1_800_000_000.01, given="{}", error="410: gone")


def test_a_message_is_found_and_its_way_is_unfolded_and_stays_so(
    fake: FakeSystem, ring: Ring, opened: Open
) -> None:
    fill(ring)
    page = opened(fake.console.url)
    page.get_by_role("link", name="Messages").click()
    page.get_by_role("link", name=ID).click()
    steps = page.locator("details.step, details.bad")
    expect(steps).to_have_count(3)
    expect(steps.nth(0)).to_contain_text("Send handles the frame send")
    expect(steps.nth(1)).to_contain_text("PutItem Chats")
    steps.nth(0).locator("summary").click()
    expect(steps.nth(0).get_by_text(f'"message_id": "{ID}"')).to_be_visible()
    ring.add(CALL, "SendMessage", by="Send-1", at=1_800_000_000.011, ms=1, given="{}")
    expect(steps).to_have_count(4)  # it looked again
    expect(steps.nth(0)).to_have_attribute("open", "")
    page.reload()
    expect(steps).to_have_count(4)
    page.get_by_label("any text").fill("nowhere")
    page.get_by_role("button", name="Trace").click()
    expect(page.get_by_text("This text is in no record that is retained.")).to_be_visible()


@pytest.mark.deep
def test_a_log_is_put_into_words_and_searched(
    fake: FakeSystem, ring: Ring, opened: Open, tmp_path: Path
) -> None:
    entry = {"level": "INFO", "timestamp": "2026-11-29 11:11:26,642+0000", "message": "accepted"}
    lines = ['{"_aws":{}}', json.dumps({**entry, "message_id": ID}), "[ERROR] NameError: x"]
    (tmp_path / "Send.log").write_text("\n".join(lines), encoding="utf-8")
    page = opened(fake.console.url)
    page.goto(f"{fake.console.url}/_local/view/functions/send")
    log = page.get_by_role("list", name="log").get_by_role("listitem")
    expect(log).to_have_text(
        ["[ERROR] NameError: x", f"11:11:26,642 INFO accepted message_id {ID}"],
        use_inner_text=True,
    )
    page.get_by_label("lines with").fill("NameError")
    page.get_by_role("button", name="Show").click()
    expect(log).to_have_count(1)
    page.go_back()
    page.get_by_role("link", name=ID).click()
    expect(page.get_by_role("heading", name=ID)).to_be_visible()


@pytest.mark.deep
def test_an_invocation_is_made_again_also_with_another_event(
    fake: FakeSystem, ring: Ring, opened: Open
) -> None:
    fill(ring)
    page = opened(fake.console.url)
    page.goto(f"{fake.console.url}/_local/view/functions/send")
    rows = page.locator("details.step")
    expect(rows).to_have_count(1)
    rows.first.locator("summary").click()
    page.get_by_role("button", name="Invoke again").click()
    expect(rows).to_have_count(2)
    expect(rows.first.get_by_text('"again": true')).to_be_visible()  # the new one is unfolded
    page.get_by_text("Invoke it with an event").click()
    page.get_by_label("event").fill('{"mine": 1}')
    page.get_by_role("button", name="Invoke", exact=True).click()
    expect(rows.first.get_by_text('"mine": 1')).to_be_visible()


@pytest.mark.deep
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_each_view_has_an_address_says_when_it_is_empty_and_fits(
    fake: FakeSystem, ring: Ring, opened: Open, width: int, scheme: str
) -> None:
    page = opened(fake.console.url, width=width, scheme=scheme)
    for filled in (False, True):
        for view in VIEWS:
            page.goto(f"{fake.console.url}/_local/view/{view}")
            page.get_by_text("live", exact=True).wait_for()
            if not filled:
                expect(page.locator(".empty").first).to_be_visible()
            assert page.evaluate(CONTRAST) == [], view
            assert page.evaluate(OUTSIDE, width) == [], view
        fill(ring)
        fake.console._phones.receive("token", "web", {"message_id": ID})


class OneTable:
    """A client of DynamoDB that knows two users' items."""

    exceptions = type("Exceptions", (), {"ClientError": LookupError})
    ITEMS = (("ravi", "chat#1"), ("ravi", "device#a"), ("raju", "chat#1"))

    def describe_table(self, **_: Any) -> Any:
        schema = [{"AttributeName": "user"}, {"AttributeName": "item"}]
        types = [{**each, "AttributeType": "S"} for each in schema]
        return {"Table": {"KeySchema": schema, "AttributeDefinitions": types, "ItemCount": 3}}

    def scan(self, **_: Any) -> Any:
        return {"Items": [{"user": {"S": user}, "item": {"S": item}} for user, item in self.ITEMS]}

    def query(self, ExpressionAttributeValues: Any, **_: Any) -> Any:
        user, begins = (
            ExpressionAttributeValues[":p"],
            ExpressionAttributeValues.get(":s", {"S": ""}),
        )
        items = self.scan()["Items"]
        found = [each for each in items if each["user"] == user]
        return {"Items": [each for each in found if each["item"]["S"].startswith(begins["S"])]}


@pytest.mark.deep
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_denied_calls_are_listed_once_with_their_count(
    fake: FakeSystem, opened: Open, width: int, scheme: str
) -> None:
    page = opened(fake.console.url, width=width, scheme=scheme)
    page.get_by_role("link", name="Permissions").click()
    expect(page.get_by_text("No call was denied.")).to_be_visible()
    denial = {
        "by": "Send-1",
        "user": "arn:aws:sts::123456789012:assumed-role/Send/Send-1",
        "action": "dynamodb:PutItem",
        "resource": "arn:aws:dynamodb:us-east-1:123456789012:table/" + "Chats" * 20,
        "reason": "no identity-based policy allows the {} action",
        "message": "User Send-1 is not authorized to perform: dynamodb:PutItem",
    }
    denials = [{**denial, "at": 1_800_000_000 + n} for n in range(3)]
    fake.state = {**fake.state, "iam": "enforce", "denials": denials}
    row = page.locator(".steps details")
    expect(row).to_have_count(1)
    row.locator("summary").click()
    expect(row).to_contain_text("3 times")
    expect(row).to_contain_text("is not authorized to perform: dynamodb:PutItem")
    expect(page.get_by_text("Calls without a permission fail, as on AWS.")).to_be_visible()
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(OUTSIDE, width) == []


@pytest.mark.deep
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_items_are_asked_for_by_their_key(
    fake: FakeSystem, opened: Open, width: int, scheme: str
) -> None:
    fake.console._details = Details(
        Ring(lambda: 0.0), clients=lambda _: OneTable(), tables=["Users"]
    )
    page = opened(fake.console.url, width=width, scheme=scheme)
    page.goto(f"{fake.console.url}/_local/view/tables/Users")
    items = page.locator(".steps summary")
    expect(items).to_have_text(["ravi  chat#1", "ravi  device#a", "raju  chat#1"])
    page.get_by_label("user is").fill("ravi")
    page.get_by_role("button", name="Query").click()
    expect(items).to_have_text(["ravi  chat#1", "ravi  device#a"])
    page.get_by_label("item begins with").fill("dev")
    page.get_by_role("button", name="Query").click()
    expect(items).to_have_text(["ravi  device#a"])
    page.reload()
    expect(items).to_have_text(["ravi  device#a"])
    items.first.click()
    expect(page.locator(".attributes")).to_contain_text("device#a")
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(OUTSIDE, width) == []
    page.get_by_role("link", name="first page").click()
    expect(items).to_have_count(3)


@pytest.mark.deep
def test_a_range_of_time_stands_in_the_address(fake: FakeSystem, ring: Ring, opened: Open) -> None:
    fill(ring)
    page = opened(fake.console.url)
    page.goto(f"{fake.console.url}/_local/view/functions/send")
    rows = page.locator("details.step")
    expect(rows).to_have_count(1)
    began = page.evaluate(
        "(at) => new Date(at - new Date(at).getTimezoneOffset() * 60000).toISOString().slice(0, 19)",
        1_800_000_000_000,
    )
    page.get_by_label("from", exact=True).fill(began)
    page.get_by_label("to", exact=True).fill(began)
    page.get_by_role("button", name="Show").click()
    expect(rows).to_have_count(1)
    expect(page.get_by_label("from", exact=True)).to_have_value(re.compile(began[:16]))
    page.get_by_label("to", exact=True).fill("2020-01-01T00:00:00")
    page.get_by_label("from", exact=True).fill("")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("It was not invoked then.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("It was not invoked then.")).to_be_visible()
    page.goto(f"{fake.console.url}/_local/view/trace?id={ID}&to=2020-01-01T00:00:00")
    expect(page.get_by_text("This text is in no record that is retained.")).to_be_visible()


def test_a_system_that_is_stopped_is_shown_as_stopped_and_comes_back(
    fake: FakeSystem, ring: Ring, browser: Browser
) -> None:
    fill(ring)
    page = browser.new_page()  # not `opened`: the browser itself complains of a lost connection
    page.set_default_timeout(WITHIN_MS)
    page.goto(f"{fake.console.url}/_local/view/trace")
    expect(page.get_by_role("link", name=ID)).to_be_visible()
    fake.gone()
    expect(page.get_by_text("no response: it has ended, or starts again")).to_be_visible()
    expect(page.get_by_role("link", name=ID)).to_be_visible()  # what was shown stays
    fake.back()
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    page.close()


@pytest.mark.deep
def test_what_does_not_exist_is_reported(fake: FakeSystem, ring: Ring, opened: Open) -> None:
    page = opened(fake.console.url)
    page.goto(f"{fake.console.url}/_local/view/queues/none")
    expect(page.get_by_text("there is no queue 'none'")).to_be_visible()
    page.goto(f"{fake.console.url}/_local/view/nothing")
    expect(page.get_by_text("There is no such view.")).to_be_visible()
