"""The page over a system that exists only here: what it shows, and what its buttons do."""

from __future__ import annotations

import time

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.running_system import WITHIN
from tests.support.web_app import WITHIN_MS
from tests.system.browser.conftest import Open
from tests.system.browser.fake_system import QUIET, FakeSystem, group, target

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def page(fake: FakeSystem, opened: Open) -> Page:
    return opened(fake.console.url)


def lane(page: Page, target_id: str) -> Locator:
    return page.locator(f'.lane[data-target="{target_id}"]')


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def test_each_target_is_a_lane_in_the_card_of_its_group(page: Page, fake: FakeSystem) -> None:
    recent = [*QUIET[:6], {"200": 20}, {"200": 10, "404": 2}, {"502": 3, "none": 1}, {"200": 1}]
    fake.targets[0].update(in_flight=7, requests=12_345, recent=recent)
    first = lane(page, "small-1")
    expect(first.locator(".pill")).to_have_text("healthy")
    expect(first.locator(".in-flight b")).to_have_text("7")
    expect(first.locator(".requests b")).to_have_text("12,345")
    expect(first.locator(".codes")).to_have_text("200 ×31404 ×2502 ×3no response ×1")
    strip = first.get_by_role("img")
    expect(strip).to_have_attribute(
        "aria-label", "the last ten seconds: 200 ×31, 404 ×2, 502 ×3, no response ×1"
    )
    titles = strip.locator("title").all_text_contents()
    assert titles[6:] == [
        "3 s ago: 200 ×20",
        "2 s ago: 200 ×10, 404 ×2",
        "1 s ago: 502 ×3, no response ×1",
        "this second: 200 ×1",
    ]
    heights = [float(bar.get_attribute("height") or 0) for bar in strip.locator(".bar").all()]
    assert sum(height > 0 for height in heights) == 6
    card = page.locator('.group[data-group="small-group"]')
    expect(card.locator(".facts")).to_have_text("ALB · round robin")
    expect(card.locator(".share")).to_have_text("80 % of requests")
    api = lane(page, "Api")
    expect(api.locator(".pill")).to_have_text("not checked")
    expect(api.locator(".status small")).to_have_text("Target.HealthCheckDisabled")
    expect(api.locator("button")).to_have_count(0)


def test_a_target_is_paused_resumed_drained_and_killed(page: Page, fake: FakeSystem) -> None:
    button(page, "pause small-1").click()
    first = lane(page, "small-1")
    expect(first.locator(".pill")).to_have_text("unhealthy")
    expect(first.locator(".status small")).to_have_text("Target.Timeout")
    expect(first.locator(".name em")).to_have_text("process paused")
    button(page, "resume small-1").click()
    expect(first.locator(".pill")).to_have_text("healthy")
    button(page, "drain small-1").click()
    expect(first.locator(".pill")).to_have_text("draining")
    # what drains takes no more orders
    kill = button(page, "kill small-1")
    expect(kill).to_have_attribute("aria-disabled", "true")
    kill.dispatch_event("click")
    button(page, "kill small-2").click()
    expect(lane(page, "small-2")).to_have_count(0)
    assert fake.orders == [
        ("small-1", "pause"),
        ("small-1", "resume"),
        ("small-1", "drain"),
        ("small-2", "kill"),
    ]


@pytest.mark.deep
def test_targets_are_added_and_removed_and_an_error_is_shown_in_words(
    page: Page, fake: FakeSystem
) -> None:
    add = button(page, "add a target to small")
    add.click()
    expect(lane(page, "small-3").locator(".pill")).to_have_text("initial")
    expect(page.locator(".tasks .count")).to_have_text("3 wanted")
    add.click()
    alert = page.get_by_role("alert")
    expect(alert).to_have_text("desired is a number from 0 to 3, got 4")
    remove = button(page, "remove a target from small")
    remove.dblclick()  # faster than the page looks
    expect(lane(page, "small-2")).to_have_count(0)
    expect(page.locator(".tasks .count")).to_have_text("1 wanted")
    remove.click()
    expect(page.locator(".group .empty").first).to_be_visible()
    expect(remove).to_have_attribute("aria-disabled", "true")
    assert fake.orders == [("small", 3), ("small", 2), ("small", 1), ("small", 0)]


@pytest.mark.deep
def test_a_weight_can_be_typed_while_the_page_updates(page: Page, fake: FakeSystem) -> None:
    weight = page.get_by_role("spinbutton", name="weight of small")
    expect(weight).to_have_value("4")
    weight.fill("99")
    fake.targets[0]["requests"] = 77  # once this is seen, the page has updated
    expect(lane(page, "small-1").locator(".requests b")).to_have_text("77")
    expect(weight).to_have_value("99")
    expect(weight).to_be_focused()
    assert fake.orders == []
    weight.press("Escape")
    expect(weight).to_have_value("4")
    weight.fill("5")
    weight.press("Enter")
    expect(page.locator(".group .share").first).to_have_text("83.3 % of requests")
    page.get_by_role("spinbutton", name="weight of lambda").fill("2")
    button(page, "apply the weight of lambda").click()
    expect(page.locator(".group .share").first).to_have_text("71.4 % of requests")
    assert fake.orders == [("small", "weight 5"), ("lambda", "weight 2")]
    # somebody else's change comes in where nobody types
    fake.set_weight("small", 8)
    expect(weight).to_have_value("8")


@pytest.mark.deep
def test_an_invalid_weight_is_not_sent(page: Page, fake: FakeSystem) -> None:
    for typed in ("1000", "-1", "1.5", ""):
        weight = page.get_by_role("spinbutton", name="weight of small")
        weight.fill(typed)
        weight.press("Enter")
        assert weight.evaluate("input => input.validity.valid") is False
    assert fake.orders == []


@pytest.mark.deep
def test_autoscaling_is_turned_off_and_on(page: Page, fake: FakeSystem) -> None:
    scaling = page.get_by_role("checkbox", name="autoscaling of small")
    expect(scaling).to_be_checked()
    scaling.uncheck()
    scaling.check()
    expect(scaling).to_be_checked()
    fake.wait_for_orders(2)  # the box is ahead of what it orders
    assert fake.orders == [("small", False), ("small", True)]


@pytest.mark.deep
def test_a_thousand_requests_are_sent_and_who_answered_is_shown(page: Page) -> None:
    button(page, "Send 1,000 requests").click()
    status = page.locator("#load-status")
    expect(status).to_contain_text("1,000 sent in")
    expect(status).to_contain_text("200 ×990 · 502 ×10 · p50")
    rows = page.locator("#load-served tr")
    expect(rows).to_have_text(
        ["small1,000100.0 %", "small/150050.0 %", "small/250050.0 %"], use_inner_text=False
    )
    for target_id in ("small-1", "small-2"):
        expect(lane(page, target_id).locator(".requests b")).to_have_text("500")
    expect(lane(page, "small-2").locator(".codes")).to_have_text("200 ×490502 ×10")
    expect(page.locator("#total-requests")).to_have_text("1,000")


@pytest.mark.deep
def test_requests_are_stopped_and_those_sent_until_then_are_shown(
    page: Page, fake: FakeSystem
) -> None:
    stop, status = button(page, "Stop"), page.locator("#load-status")
    expect(stop).to_have_attribute("aria-disabled", "true")
    fake.answers = 40
    button(page, "Send 1,000 requests").click()
    for target_id in ("small-1", "small-2"):
        expect(lane(page, target_id).locator(".requests b")).to_have_text("20")
    expect(status).to_have_text("sending 1,000 requests …")
    stop.click()
    expect(status).to_contain_text("40 of 1,000 counted in")
    expect(status).to_contain_text("200 ×40 · p50")
    expect(page.locator("#load-served tr").first).to_have_text("small40100.0 %")
    expect(stop).to_have_attribute("aria-disabled", "true")
    expect(stop).to_be_focused()
    fake.answers = None
    button(page, "Send 1,000 requests").click()
    expect(status).to_contain_text("1,000 sent in")


@pytest.mark.deep
def test_requests_end_with_the_page_that_sends_them(fake: FakeSystem, opened: Open) -> None:
    page = opened(fake.console.url)
    fake.answers = 40
    button(page, "Send 1,000 requests").click()
    for target_id in ("small-1", "small-2"):
        expect(lane(page, target_id).locator(".requests b")).to_have_text("20")
    page.close()
    order = {"requests": 1, "path": "/free"}
    deadline = time.monotonic() + WITHIN
    while httpx.post(f"{fake.console.url}/_local/load", json=order, timeout=WITHIN).is_error:
        assert time.monotonic() < deadline, "the requests of a page that is closed are still sent"
        time.sleep(0.05)


@pytest.mark.deep
def test_a_pool_that_is_short_of_targets_says_why(page: Page, fake: FakeSystem) -> None:
    trouble = page.locator('.group[data-pool="small"] .trouble')
    expect(trouble).to_be_hidden()
    status = "small-3 ended with 1 as it started, see .local/logs/small-3.log"
    fake.state["pools"][0]["trouble"] = status
    expect(trouble).to_have_text(status)
    expect(trouble).to_be_visible()
    fake.state["pools"][0]["trouble"] = None
    expect(trouble).to_be_hidden()


@pytest.mark.deep
def test_what_is_typed_for_a_load_is_kept_and_used(page: Page, fake: FakeSystem) -> None:
    page.get_by_label("requests", exact=True).fill("70")
    page.get_by_label("at once").fill("7")
    page.get_by_label("keep cookies").check()
    fake.targets[0]["requests"] = 5
    expect(lane(page, "small-1").locator(".requests b")).to_have_text("5")
    button(page, "Send 70 requests").click()
    expect(page.locator("#load-status")).to_contain_text("70 sent in")
    expect(page.get_by_label("requests", exact=True)).to_have_value("70")
    expect(page.get_by_label("keep cookies")).to_be_checked()


@pytest.mark.deep
def test_the_nlb_is_offered_where_there_is_one(page: Page, fake: FakeSystem) -> None:
    nlb = page.locator('select option[value="nlb"]')
    expect(nlb).to_be_disabled()
    network = group("small", None, [target("small-1")], name="nlb", balancer="network")
    network.update(algorithm="flow_hash", stickiness="source_ip")
    fake.state["target_groups"].append(network)
    expect(nlb).to_be_enabled()
    card = page.locator('.group[data-group="nlb"]')
    expect(card.locator(".facts")).to_have_text("NLB · flow hash · sticky by source ip")
    # its targets are the tasks of the other card, whose buttons are there
    expect(card.locator("button, input")).to_have_count(0)
    expect(button(page, "kill small-1")).to_have_count(1)


@pytest.mark.deep
def test_focus_stays_through_orders_and_goes_to_the_heading_of_a_lane_that_goes(
    page: Page,
) -> None:
    pause = button(page, "pause small-1")
    pause.focus()
    page.keyboard.press("Enter")
    resume = button(page, "resume small-1")
    expect(resume).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(lane(page, "small-1").locator(".pill")).to_have_text("draining")
    expect(button(page, "drain small-1")).to_be_focused()
    kill = button(page, "kill small-2")
    kill.focus()
    page.keyboard.press("Enter")
    expect(lane(page, "small-2")).to_have_count(0)
    expect(page.get_by_role("heading", name="small", exact=True)).to_be_focused()


@pytest.mark.deep
def test_selected_text_stays_selected_while_the_page_updates(page: Page, fake: FakeSystem) -> None:
    for place in (".lane .name small", "#tables td"):
        page.locator(place).first.evaluate("place => getSelection().selectAllChildren(place)")
        selected = page.evaluate("String(getSelection())")
        fake.targets[0]["requests"] += 1
        count = str(fake.targets[0]["requests"])
        expect(lane(page, "small-1").locator(".requests b")).to_have_text(count)
        assert selected.strip()
        assert page.evaluate("String(getSelection())") == selected


@pytest.mark.deep
def test_what_only_some_targets_have_is_shown_beside_their_name(
    page: Page, fake: FakeSystem
) -> None:
    fake.targets[0].update(share=0.4, anomalous=True)
    expect(lane(page, "small-1").locator(".name em")).to_have_text("slow start, 40 %, anomalous")
    fake.state["pools"][0]["tasks"][1]["exited"] = True
    expect(lane(page, "small-2").locator(".name em")).to_have_text("process dead")


@pytest.mark.deep
def test_less_than_a_share_is_slow_start_or_mitigation_as_the_algorithm_has_it(
    page: Page, fake: FakeSystem
) -> None:
    fake.state["target_groups"][0]["algorithm"] = "weighted_random"
    fake.targets[0].update(share=0.25, anomalous=True)
    expect(lane(page, "small-1").locator(".name em")).to_have_text("mitigation, 25 %, anomalous")
    fake.targets[0].update(share=0.5, anomalous=False)
    expect(lane(page, "small-1").locator(".name em")).to_have_text("mitigation, 50 %")


@pytest.mark.deep
def test_without_a_target_it_says_what_clients_get(page: Page, fake: FakeSystem) -> None:
    network = group("small", None, [], name="net", balancer="network", algorithm="flow_hash")
    fake.state["target_groups"].append(network)
    expect(page.locator('[data-group="net"] .empty')).to_have_text(
        "No target is registered: connections are reset."
    )
    fake.targets.clear()
    expect(page.locator('[data-group="small-group"] .empty')).to_have_text(
        "No target is registered: requests get 503."
    )


@pytest.mark.deep
def test_a_state_without_the_newer_fields_is_shown_all_the_same(
    fake: FakeSystem, opened: Open
) -> None:
    for each in fake.state["target_groups"]:
        for name in ("balancer", "stickiness"):
            del each[name]
        for one in each["targets"]:
            for name in ("recent", "share", "anomalous", "description"):
                del one[name]
    fake.state = {"target_groups": fake.state["target_groups"]}
    page = opened(fake.console.url)
    expect(lane(page, "small-1").locator(".codes")).to_be_empty()
    expect(lane(page, "small-1").locator(".pill")).to_have_text("healthy")
    expect(page.get_by_text("Nobody is connected.")).to_be_visible()


@pytest.mark.deep
def test_a_console_that_has_gone_is_reported(fake: FakeSystem, browser: Browser) -> None:
    page = browser.new_page()  # not `opened`: the browser itself complains of a lost connection
    page.set_default_timeout(WITHIN_MS)
    page.goto(f"{fake.console.url}/_local")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    fake.gone()
    expect(page.get_by_role("status").filter(has_text="no response")).to_be_visible()
    button(page, "pause small-1").click()
    expect(page.get_by_role("alert")).to_be_visible()
    fake.back()
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    page.close()


@pytest.mark.deep
def test_a_breach_of_the_content_security_policy_would_be_seen(
    fake: FakeSystem, browser: Browser
) -> None:
    page = browser.new_page()
    page.set_default_timeout(WITHIN_MS)
    page.goto(f"{fake.console.url}/_local")
    with page.expect_console_message(lambda message: message.type == "error") as seen:
        page.evaluate("document.body.setAttribute('style', 'color: red')")
    assert "Content Security Policy" in seen.value.text
    page.close()
