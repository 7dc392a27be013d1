"""The page in front of the real thing: what it orders happens to real processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.peers import Peers
from tests.support.running_system import System, scene_runner
from tests.system.browser.conftest import Open

pytestmark = [pytest.mark.xdist_group("story"), pytest.mark.deep]


@pytest.fixture(scope="module")
def console(endpoints: dict[str, Any]) -> Iterator[str]:
    """The console of the shared system, which begins and ends as it was started: with two targets
    in the pool `small`, which has four fifths of the requests."""

    async def begin(system: System) -> None:
        await system.order("pools/small", autoscaling=False)
        await system.scale("small", 2)

    async def leave(system: System) -> None:
        await system.weigh(small=4, **{"lambda": 1})
        await system.order("pools/small", autoscaling=True)

    run_scene = scene_runner(endpoints, begin)
    run_scene(leave)
    yield str(endpoints["console"])
    run_scene(leave)


def lanes(page: Page) -> Locator:
    return page.locator('.group[data-pool="small"] .lane')


def states(page: Page, *expected: str) -> None:
    pills = page.locator('.group[data-pool="small"] .pill')
    expect(pills).to_have_text(list(expected))


def weigh(page: Page, pool: str, weight: int) -> None:
    page.get_by_role("spinbutton", name=f"weight of {pool}").fill(str(weight))
    page.get_by_role("button", name=f"apply the weight of {pool}").click()


def send(page: Page, requests: int) -> None:
    page.get_by_label("requests", exact=True).fill(str(requests))
    page.get_by_role("button", name=f"Send {requests:,} requests").click()
    expect(page.locator("#load-status")).to_contain_text(f"{requests:,} sent in")


def answered(page: Page, kind: str) -> dict[str, str]:
    """Name -> count, of the rows for pools or for instances."""
    rows = page.locator(f"#load-served .{kind}").all()
    return {row.locator("th").inner_text(): row.locator("td").nth(1).inner_text() for row in rows}


def test_a_visitor_adds_targets_spreads_load_breaks_one_and_sees_it_replaced(
    console: str, opened: Open
) -> None:
    page = opened(console)
    states(page, "healthy", "healthy")

    # It would answer what follows with targets of its own.
    page.get_by_role("checkbox", name="autoscaling of small").uncheck()
    page.get_by_role("button", name="add a target to small").click()
    states(page, "healthy", "healthy", "healthy")
    weigh(page, "lambda", 0)
    send(page, 1000)
    expect(page.locator("#load-status")).to_contain_text("200 ×1,000")
    assert sorted(answered(page, "instance").values()) == ["333", "333", "334"]
    expect(page.locator('.group[data-pool="small"] .codes .code').first).to_contain_text("200 ×")

    ids = [str(each.get_attribute("data-target")) for each in lanes(page).all()]
    page.get_by_role("button", name=f"pause {ids[0]}").click()
    states(page, "unhealthy", "healthy", "healthy")
    reason = lanes(page).first.locator(".status small")
    expect(reason).to_have_text("Target.Timeout")
    page.get_by_role("button", name=f"resume {ids[0]}").click()
    states(page, "healthy", "healthy", "healthy")

    page.get_by_role("button", name=f"kill {ids[1]}").click()
    page.get_by_role("button", name=f"drain {ids[2]}").click()
    for gone in ids[1:]:
        expect(page.locator(f'[data-target="{gone}"]')).to_have_count(0)
    states(page, "healthy", "healthy", "healthy")

    weigh(page, "small", 5)
    weigh(page, "lambda", 2)
    send(page, 700)
    assert {name.split(",")[0]: count for name, count in answered(page, "pool").items()} == {
        "small": "500",
        "lambda": "200",
    }


def test_the_page_shows_what_the_load_balancer_answers_by_itself(
    console: str, opened: Open
) -> None:
    page = opened(console)
    refused = page.get_by_role("button", name="apply the weight of small")
    page.get_by_role("spinbutton", name="weight of small").fill("0")
    refused.click()
    # "/" goes to the containers alone
    expect(page.get_by_role("alert")).to_contain_text("without any pool")


def test_phones_are_listed_by_user_with_what_was_really_pushed_to_them(
    console: str, opened: Open, peers: Peers, names: Callable[[str], str]
) -> None:
    ravi, raju = names("ravi"), names("raju")
    sender, away = peers.connect(ravi), peers.connect(raju)
    peers.run(away.people.add(ravi))
    chat = peers.run(sender.chats.direct(raju))
    peers.run(away.close())
    peers.run(sender.send(chat, "Hey Raju!"))
    page = opened(console)
    page.goto(f"{console}/_local/view/phones")
    row = page.locator("details").filter(has_text=raju)
    expect(row).to_contain_text("FCM, 1 push, the last")
    row.locator("summary").click()
    expect(row.get_by_text(chat)).to_be_visible()
    expect(row.get_by_text("Hey Raju!")).to_have_count(0)
    expect(page.locator("details").filter(has_text=ravi)).to_have_count(0)


os.environ.update(
    AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local", AWS_EC2_METADATA_DISABLED="true"
)
