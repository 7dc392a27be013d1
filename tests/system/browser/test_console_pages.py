"""Each page of the console in Chromium: how it is read, what its address keeps, with data, empty, and
with the system stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from emulator.console.details import Details
from emulator.console.reports import Reports
from emulator.traces.ring import CALL, INVOCATION, POST, Ring
from tests.support.web_app import WITHIN_MS
from tests.system.browser.conftest import Open
from tests.system.browser.fake_system import FakeSystem
from tests.system.browser.test_layout import CONTRAST, OUTSIDE
from tests.system.browser.test_views import FRAME, ID, OneFunction, OneTable

pytestmark = pytest.mark.xdist_group("browser")

DENIED = (
    "AccessDenied: User: arn:aws:sts::1:assumed-role/Send is not authorized to perform: "
    "sqs:SendMessage on resource: arn:aws:sqs:us-east-1:1:jobs because no policy allows it"
)
REPORT = (
    'import sys\nprint(f"## {sys.argv[1]} users\\n\\n| a | US$ |\\n|---|---|\\n| b | **2** |")\n'
)


@pytest.fixture
def ring(fake: FakeSystem, tmp_path: Path) -> Ring:
    ring = Ring(lambda: 1_800_000_000.0)
    (tmp_path / "sums.py").write_text(REPORT, encoding="utf-8")
    fake.console._details = Details(
        ring,
        functions=OneFunction(ring),
        logs=tmp_path,
        clients=lambda _: OneTable(),
        tables=["Users"],
        encrypted=["payload"],
        phones=fake.console._phones,
        reports=Reports(tmp_path, {"sums": "sums {users=10}"}),
    )
    return ring


def fill(fake: FakeSystem, ring: Ring) -> None:
    at = 1_800_000_000.0
    ring.add(
        INVOCATION, "Send", by="Send-1", at=at, ms=20, given=FRAME, result="{}", id="request-1"
    )
    ring.add(CALL, "PutItem", by="Send-1", at=at + 0.005, ms=1, given='{"TableName":"Chats"}')
    ring.add(CALL, "SendMessage", by="Send-1", at=at + 0.006, given="{}", error=DENIED)
    ring.add(POST, "c1", by="Send-1", at=at + 0.01, given="{}")
    fake.console._phones.receive("token", "web", {"message_id": ID})
    denial = {"by": "Send-1", "user": "role", "action": "sqs:SendMessage", "resource": "arn:jobs"}
    denials = [{**denial, "reason": "", "message": "not authorized", "at": at}]
    fake.state = {**fake.state, "iam": "enforce", "denials": denials}


def view(fake: FakeSystem, path: str) -> str:
    return f"{fake.console.url}/_local/view/{path}"


@pytest.mark.deep
def test_a_trace_is_compact_then_a_waterfall_or_raw_by_one_key_also_after_a_reload(
    fake: FakeSystem, ring: Ring, opened: Open
) -> None:
    fill(fake, ring)
    page = opened(fake.console.url)
    page.goto(view(fake, f"trace?id={ID}"))
    steps, bars = page.locator(".steps > details"), page.locator(".bar-of-time:visible")
    expect(steps).to_have_count(4)
    expect(bars).to_have_count(0)
    page.keyboard.press("w")
    expect(bars).to_have_count(4)
    page.reload()
    expect(bars).to_have_count(4)
    page.keyboard.press("r")
    expect(page.locator(".steps > details[open]")).to_have_count(4)
    expect(page.locator(".cipher")).to_have_text("ciphertext")  # the frame's payload
    page.get_by_label("steps with").fill("PUTITEM r")  # no key of the page
    expect(steps).to_have_count(0)
    page.get_by_label("steps with").fill("putitem")
    expect(steps).to_have_count(1)
    page.reload()
    expect(steps).to_have_count(1)
    page.get_by_label("steps with").fill("")
    page.get_by_label("failures only").check()
    expect(steps).to_have_count(1)
    lacking = steps.locator(".lacking")
    expect(lacking).to_contain_text(
        "missing permission: sqs:SendMessage on arn:aws:sqs:us-east-1:1:jobs"
    )
    page.get_by_role("button", name="compact").click()
    expect(page.locator(".steps > details[open]")).to_have_count(0)


@pytest.mark.deep
def test_ids_lead_from_one_thing_to_the_other_and_back(
    fake: FakeSystem, ring: Ring, opened: Open
) -> None:
    fill(fake, ring)
    page = opened(fake.console.url)
    page.goto(view(fake, f"trace?id={ID}&open=r1"))  # what is unfolded stands in the address
    step = page.locator('[data-key="r1"]')
    expect(step).to_have_attribute("open", "")
    step.get_by_role("link", name="all of Send").click()
    page.locator("details.step summary").first.click()
    expect(page).to_have_url(view(fake, "functions/Send?open=r1"))
    page.get_by_role("link", name=ID).click()
    step.locator("summary").click()
    step.get_by_role("link", name="request-1").click()
    expect(page.locator("h2")).to_have_text("request-1")
    page.locator("details.step summary").first.click()
    page.get_by_role("link", name="c1", exact=True).click()
    expect(page.get_by_text("Send handles the frame send")).to_be_visible()


@pytest.mark.deep
def test_lists_are_turned_round_and_times_are_of_the_clock_or_how_long_ago(
    fake: FakeSystem, ring: Ring, opened: Open
) -> None:
    for n in range(3):
        ring.add(INVOCATION, "Send", at=1_700_000_000.0 + n, id=f"request-{n}")
    page = opened(fake.console.url)
    page.goto(view(fake, "functions/send"))
    titles = page.locator(".step .title")
    expect(titles).to_have_text(["request-2", "request-1", "request-0"])
    page.get_by_role("button", name="Newest first").click()
    expect(titles).to_have_text(["request-0", "request-1", "request-2"])
    page.get_by_role("button", name="Times: clock").click()
    expect(page.locator(".step summary time").first).to_contain_text("ago")
    page.reload()
    expect(titles).to_have_text(["request-0", "request-1", "request-2"])
    expect(page.locator(".step summary time").first).to_contain_text("ago")


@pytest.mark.deep
def test_an_event_is_edited_before_it_is_invoked_again(
    fake: FakeSystem, ring: Ring, opened: Open
) -> None:
    ring.add(INVOCATION, "Send", given='{"first": 1}', id="request-1")
    page = opened(fake.console.url)
    page.goto(view(fake, "functions/send"))
    page.locator("details.step summary").click()
    page.get_by_role("button", name="Edit and invoke").click()
    event = page.get_by_role("textbox", name="event")
    expect(event).to_be_focused()
    event.fill(event.input_value().replace("1", "2"))
    page.get_by_role("button", name="Invoke", exact=True).click()
    expect(page.locator("details.step[open]").first).to_contain_text('"first": 2')


@pytest.mark.deep
def test_items_are_changed_only_behind_a_switch(
    fake: FakeSystem, ring: Ring, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[Any] = []

    async def post(path: Any, body: Any) -> dict[str, Any]:
        orders.append((path, body))
        return {}

    monkeypatch.setattr(fake.console._details, "post", post)
    page = opened(fake.console.url)
    page.goto(view(fake, "tables/Users"))
    first = page.locator(".steps > details").first
    first.locator("summary").first.click()
    expect(first.get_by_text("change it")).to_have_count(0)
    page.get_by_label("allow changes").check()
    first.get_by_text("change it").click()
    typed = first.get_by_label("the item as JSON")
    item = json.loads(typed.input_value())
    typed.fill(json.dumps({**item, "new": {"N": "1"}}))
    first.get_by_role("button", name="Put").click()
    first.get_by_role("button", name="Delete").click()
    fake.wait_until(lambda: len(orders) == 2)
    assert orders == [
        (("tables", "Users"), {"put": {**item, "new": {"N": "1"}}}),
        (("tables", "Users"), {"delete": item}),
    ]


def test_the_first_page_says_whether_all_is_well_what_failed_and_what_waits(
    fake: FakeSystem, ring: Ring, opened: Open
) -> None:
    page = opened(fake.console.url)
    well, failed, waits = (
        page.locator(f"#{name}") for name in ("all-well", "failed-last", "waits")
    )
    expect(well).to_have_text("All is well.")
    expect(failed).to_have_text("Nothing has failed.")
    expect(waits).to_have_text("Nothing waits in a queue.")
    ring.add(INVOCATION, "Send", error="ValueError: x", given="{}")
    queue = {"visible": 2, "in_flight": 1, "delayed": 1}
    fake.state = {
        **fake.state,
        "queues": [
            {"name": "push.fifo", "dead_letters": False, **queue},
            {"name": "dead.fifo", "dead_letters": True, **queue},
        ],
        "alarms": [{"name": "chat", "composite": True, "state": "ALARM", "description": ""}],
        "denials": [{}],
    }
    fake.targets[0]["state"] = "unhealthy"
    expect(well).to_have_text(
        "1 target of 3 not well, alarm chat, 2 dead letters in dead.fifo, 1 call without a permission"
    )
    expect(failed).to_contain_text("ValueError: x")
    expect(waits).to_have_text("push.fifo: 3 waiting, 1 in flight")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator("#live")).to_have_text("paused")
    failed.get_by_role("link").click()
    expect(page.locator("details.bad[open]")).to_contain_text("ValueError: x")


@pytest.mark.deep
def test_a_report_is_drawn_and_computed_again_with_other_numbers(
    fake: FakeSystem, ring: Ring, opened: Open
) -> None:
    page = opened(fake.console.url)
    page.get_by_role("link", name="Reports").click()
    page.get_by_role("link", name="sums").click()
    expect(page.locator("h3")).to_have_text("10 users")
    expect(page.locator("td")).to_have_text(["b", "2"])
    page.get_by_label("users").fill("20")
    page.get_by_role("button", name="Compute").click()
    expect(page.locator("h3")).to_have_text("20 users")
    page.goto(view(fake, "reports/sums?users=many"))
    expect(page.get_by_text("users is a number, not 'many'")).to_be_visible()


@pytest.mark.deep
def test_a_graph_has_its_times_its_gaps_and_numbers_that_are_read_at_once(
    fake: FakeSystem, ring: Ring, opened: Open
) -> None:
    values = [1.0, 2080.4, None, 40.0, None, 12_345.6]
    lines = [{"label": "p50", "values": values, "latest": each} for each in (12_345.6, 2080.4)]
    graph = {"title": "From accept to push, ms", "width": 12, "lines": lines}
    more = {"text": "", "alarms": [], "unsupported": []}
    fake.console._dashboard = lambda: {"minutes": 6, "widgets": [{**graph, **more}]}
    page = opened(fake.console.url)
    page.get_by_role("link", name="Dashboard").click()
    figure = page.get_by_role("figure")
    expect(figure.locator(".top")).to_have_text("12k")
    expect(figure.locator("li")).to_have_text(["p50 12k", "p50 2080"])
    expect(figure.locator(".times span")).to_have_text(["6 min ago", "now"])
    line, alone = (each.get_attribute("d") or "" for each in figure.locator("path").all()[:2])
    assert (line.count("M"), line.count("L"), alone.count("M")) == (1, 1, 2)


PAGES = [
    *("", "/view/trace", f"/view/trace?id={ID}", "/view/functions/send", "/view/connections/c1"),
    *("/view/phones", "/view/phones/token", "/view/denials", "/view/tables/Users"),
    *("/view/dashboard", "/view/reports"),
]


# Of all that can be unfolded, before anything is.
UNFOLD = """() => [...document.querySelectorAll('summary')]
  .filter((each) => each.checkVisibility()).forEach((each) => each.click())"""


@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "dark"), pytest.param(1280, "light", marks=pytest.mark.deep)]
)
def test_each_page_fits_and_can_be_read_with_all_its_data(
    fake: FakeSystem, ring: Ring, opened: Open, width: int, scheme: str
) -> None:
    fill(fake, ring)
    page = opened(fake.console.url, width=width, scheme=scheme)
    for path in PAGES:
        page.goto(f"{fake.console.url}/_local{path}")
        expect(page.locator("#live")).to_have_text("live")
        page.evaluate(UNFOLD)
        assert page.evaluate(CONTRAST) == [], path
        assert page.evaluate(OUTSIDE, width) == [], path


@pytest.mark.deep  # of one page: test_views.py
def test_each_page_keeps_what_was_there_and_says_that_the_system_is_stopped(
    fake: FakeSystem, ring: Ring, browser: Browser
) -> None:
    fill(fake, ring)
    page = browser.new_page()  # which complains that nobody responds
    page.set_default_timeout(WITHIN_MS)
    for path in PAGES:
        page.goto(f"{fake.console.url}/_local{path}")
        expect(page.locator("#live")).to_have_text("live")
        fake.gone()
        expect(page.locator("#live")).to_contain_text("no response")
        assert page.locator("main").inner_text().strip()
        fake.back()
    page.close()
