"""The web client as people use it: two people write, in Chromium and in Python, with roles alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from client.core.events import EmojiShown, MessageReceived, VerificationRequested
from tests.support.peers import Peers
from tests.support.running_system import PASSWORD
from tests.support.web_app import (
    DESK,
    PHONE,
    People,
    TwoPeople,
    befriend,
    message,
    says,
    send,
)

# Unless the next attempt has begun by itself, and the button is gone.
NOW = "() => [...document.querySelectorAll('.link-bar button')].forEach((each) => each.click())"

pytestmark = pytest.mark.xdist_group("story")


def test_two_people_write_to_each_other_and_the_ticks_say_how_far_it_is(
    two_people: TwoPeople, peers: Peers
) -> None:
    page, python, raju = two_people.page, two_people.python, two_people.raju
    send(page, "Hey Raju!")
    expect(page.get_by_role("textbox", name="Message")).to_have_value("")
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    heard = peers.wait_for(python, says("Hey Raju!"))
    assert isinstance(heard, MessageReceived)
    expect(message(page, re.compile("You, Hey Raju!, .*, delivered"))).to_be_visible()
    peers.call(lambda: python.messages.mark_read(heard.chat, heard.seq))
    expect(message(page, re.compile("You, Hey Raju!, .*, read"))).to_be_visible()

    peers.call(lambda: python.messages.typing(heard.chat))
    expect(page.get_by_text("typing …").first).to_be_visible()
    peers.run(python.send(heard.chat, "Hi Ravi!"))
    expect(message(page, re.compile(f"{raju}, Hi Ravi!, "))).to_be_visible()

    page.reload()
    expect(page.get_by_role("heading", name=raju, level=1)).to_be_visible()
    expect(message(page, re.compile("You, Hey Raju!, .*, read"))).to_be_visible()


@pytest.mark.deep
def test_a_name_that_is_none_is_rejected_with_the_rule(people: People) -> None:
    page = people.page(people.browser())
    page.get_by_role("button", name="Create account").click()
    page.get_by_label("User name").fill("ra")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert")).to_have_text("3 to 32 of a–z, 0–9 and _")


@pytest.mark.deep
def test_strangers_ask_first_and_a_group_has_admins_and_says_who_has_read(
    people: People, peers: Peers, names: Callable[[str], str]
) -> None:
    ravi, raju, meena = names("ravi"), names("raju"), names("meena")
    first, second = peers.connect(raju), peers.connect(meena)
    page = people.signed_up(ravi)
    direct = peers.run(first.chats.direct(ravi))
    peers.run(first.send(direct, "May I write to you?"))
    page.get_by_role("link", name="1 request").click()
    page.get_by_role("link", name=f"{raju} wants to write to you.").click()
    expect(page.get_by_text("May I write to you?", exact=True)).to_be_visible()
    expect(page.get_by_role("textbox", name="Message")).to_have_count(0)
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("textbox", name="Message")).to_be_visible()
    expect(page.get_by_role("link", name="1 request")).to_have_count(0)

    befriend(peers, second, ravi)
    page.get_by_role("button", name="New group").click()
    page.get_by_label("Group name").fill("Goa trip")
    page.get_by_label("User names").fill(f"{raju}, {meena}")
    page.get_by_role("button", name="Create group").click()
    expect(page.get_by_role("heading", name="Goa trip", level=1)).to_be_visible()
    send(page, "Who has the tickets?")
    heard = peers.wait_for(second, says("Who has the tickets?"))
    assert isinstance(heard, MessageReceived)
    peers.wait_for(first, says("Who has the tickets?"))
    peers.call(lambda: second.messages.mark_read(heard.chat, heard.seq))

    row = message(page, re.compile("Who has the tickets.*delivered"))
    expect(row).to_be_visible()
    row.hover()
    row.get_by_role("button", name="Actions for").click()
    page.get_by_role("button", name="Message info").click()
    side = page.get_by_role("region", name="Chat info")
    expect(side.get_by_role("heading", name="Read by")).to_be_visible()
    expect(side.get_by_role("heading", name="Delivered to")).to_be_visible()
    expect(side.get_by_role("listitem")).to_have_text([re.compile(meena), re.compile(raju)])

    page.get_by_role("button", name="Chat info", exact=True).click()
    page.get_by_role("button", name=f"Actions for {raju}").click()
    page.get_by_role("button", name="Make admin").click()
    expect(side.get_by_role("listitem").filter(has_text=raju)).to_contain_text("Admin")
    page.get_by_role("button", name=f"Actions for {meena}").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(side.get_by_role("listitem").filter(has_text=meena)).to_have_count(0)
    side.get_by_role("button", name="Mute", exact=True).click()
    page.get_by_role("button", name="Always").click()
    expect(side.get_by_role("button", name="Unmute")).to_be_visible()
    side.get_by_role("button", name="Leave group").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave group").click()
    expect(page.get_by_text("You are no longer in this chat.").first).to_be_visible()


@pytest.mark.deep
def test_who_is_declined_or_blocked_asks_no_more_and_is_unblocked_in_the_settings(
    people: People, peers: Peers, names: Callable[[str], str]
) -> None:
    ravi, raju, meena = names("ravi"), names("raju"), names("meena")
    first, second = peers.connect(raju), peers.connect(meena)
    page = people.signed_up(ravi)
    for client in (first, second):
        peers.run(client.send(peers.run(client.chats.direct(ravi)), "May I write to you?"))
    page.get_by_role("link", name="2 requests").click()
    page.get_by_role("link", name=f"{raju} wants to write to you.").click()
    page.get_by_role("button", name="Block").click()
    page.get_by_role("link", name="1 request").click()
    page.get_by_role("link", name=f"{meena} wants to write to you.").click()
    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_text("No chats yet")).to_be_visible()
    expect(page.get_by_role("link", name="request")).to_have_count(0)
    page.get_by_role("button", name="Settings").click()
    blocked = page.get_by_role("listitem").filter(has_text=raju)
    expect(page.get_by_role("heading", name="Blocked")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text=meena)).to_have_count(0)
    blocked.get_by_role("button", name="Unblock").click()
    expect(page.get_by_role("heading", name="Blocked")).to_have_count(0)


@pytest.mark.deep
def test_two_devices_compare_emoji_and_safety_numbers(two_people: TwoPeople, peers: Peers) -> None:
    page, python, ravi, raju = two_people.page, two_people.python, two_people.ravi, two_people.raju
    send(page, "Let us compare.")
    peers.wait_for(python, says("Let us compare."))
    page.get_by_role("button", name="Chat info", exact=True).click()
    page.get_by_role("link", name=f"Verify {raju}").click()
    page.get_by_role("button", name="Compare with phone").click()
    asked = peers.wait_for(python, lambda event: isinstance(event, VerificationRequested))
    assert isinstance(asked, VerificationRequested)
    peers.run(python.verification.compare(ravi, asked.device))
    shown = peers.wait_for(python, lambda event: isinstance(event, EmojiShown))
    assert isinstance(shown, EmojiShown)
    listed = page.get_by_role("region", name="Chat info").get_by_role("listitem")
    expect(listed).to_have_text([re.compile(name) for _picture, name in shown.emoji])
    peers.call(lambda: python.verification.decide(ravi, match=True))
    page.get_by_role("button", name="They are the same").click()
    expect(page.get_by_text("The device is verified.")).to_be_visible()

    number = peers.run(python.verification.safety_number(ravi))
    page.get_by_label("Number that the other one sees").fill("".join(number.groups))
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text("The numbers are the same.")).to_be_visible()
    page.get_by_label("Number that the other one sees").fill("1" * 60)
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text("The numbers differ")).to_be_visible()


@pytest.mark.deep
def test_a_second_tab_works_through_the_first_and_goes_on_when_that_one_closes(
    two_people: TwoPeople, people: People, peers: Peers
) -> None:
    first, python, raju = two_people.page, two_people.python, two_people.raju
    send(first, "from the first tab")
    heard = peers.wait_for(python, says("from the first tab"))
    assert isinstance(heard, MessageReceived)

    second = people.page(first.context)
    second.get_by_role("link", name=raju).click()
    expect(message(second, re.compile("You, from the first tab"))).to_be_visible()
    send(second, "from the second tab")
    peers.wait_for(python, says("from the second tab"))
    for page in (first, second):
        expect(message(page, re.compile("You, from the second tab, .*, delivered"))).to_be_visible()
    peers.run(python.send(heard.chat, "to both"))
    for page in (first, second):
        expect(message(page, re.compile(f"{raju}, to both"))).to_be_visible()
    drafted = "what the second tab types is kept"
    second.get_by_role("textbox", name="Message").fill(drafted)

    third = people.page(first.context)
    expect(third.get_by_role("link", name=raju)).to_be_visible()
    first.close()  # one of the others has the device now, and both go on
    peers.run(python.send(heard.chat, "to those who are left"))
    expect(message(second, re.compile(f"{raju}, to those who are left"))).to_have_count(1)
    third.get_by_role("link", name=raju).click()
    expect(third.get_by_role("textbox", name="Message")).to_have_value(drafted)
    for page in (second, third):
        text = f"after the first tab, by {page is second}"
        send(page, text)
        expect(message(page, re.compile(f"You, {text}, .*, delivered"))).to_be_visible()
    texts = [each.text for each in peers.call(lambda: python.messages.history(heard.chat))]
    assert texts == [
        "from the first tab",
        "from the second tab",
        "to both",
        "to those who are left",
        "after the first tab, by True",
        "after the first tab, by False",
    ]

    third.evaluate("location.hash = '#/settings'")
    third.get_by_role("button", name="Sign out", exact=True).click()
    third.get_by_role("dialog").get_by_role("button", name="Sign out").click()
    for page in (second, third):
        expect(page.get_by_role("button", name="Create account")).to_be_visible()
    assert second.evaluate("indexedDB.databases()") == []


@pytest.mark.deep
def test_keys_that_the_browser_has_deleted_are_reported_as_gone_and_made_anew_only_by_choice(
    people: People, names: Callable[[str], str]
) -> None:
    user = names("ravi")
    page = people.signed_up(user)
    page.goto("about:blank")
    page.go_back(wait_until="commit")  # a page that holds nothing open
    page.evaluate("location.replace('/third-party-notices.txt')")
    page.wait_for_url("**/third-party-notices.txt")
    deleted = page.evaluate(
        """async () => {
          const names = (await indexedDB.databases()).map(({ name }) => name);
          for (const name of names) await new Promise((resolve) => {
            indexedDB.deleteDatabase(name).onsuccess = resolve;
          });
          return names;
        }"""
    )
    assert any(name.startswith(f"switchboard/{user}/") for name in deleted)
    page.goto(page.url.replace("/third-party-notices.txt", "/"))
    expect(page.get_by_role("heading", name="The keys of this browser are gone")).to_be_visible()
    assert page.evaluate("indexedDB.databases()") == []
    page.get_by_role("button", name="Sign in as a new device").click()
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Chats", level=1)).to_be_visible()


@pytest.mark.deep
def test_a_store_that_can_not_be_opened_is_not_taken_for_one_that_is_gone(
    people: People, names: Callable[[str], str]
) -> None:
    page = people.signed_up(names("ravi"))
    for broken in ("databases = async () =>", "open = () =>"):
        page.add_init_script(f"IDBFactory.prototype.{broken} {{ throw new Error('no disk') }}")
        page.reload()
        expect(page.get_by_role("button", name="Try again")).to_be_visible()
        expect(page.get_by_text("no disk")).to_be_visible()
        expect(page.get_by_role("heading", name="gone")).to_have_count(0)


@pytest.mark.deep
def test_texts_wait_without_a_network_survive_a_reload_and_go_out_on_return(
    two_people: TwoPeople, people: People, peers: Peers
) -> None:
    page, python, raju = two_people.page, two_people.python, two_people.raju
    send(page, "one")
    expect(message(page, re.compile("You, one, .*, delivered"))).to_be_visible()

    people.may_be_offline = True
    page.context.route(re.compile("/api/"), lambda route: route.abort())
    page.evaluate("document.querySelector('switchboard-app').ui.session.client.cut()")
    expect(page.get_by_text("No connection. Next attempt")).to_be_visible()
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    expect(page.get_by_role("heading", name=raju, level=1)).to_be_visible()
    expect(page.get_by_text("No connection. Next attempt")).to_be_visible()
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    send(page, "two")
    expect(message(page, re.compile("You, two, waiting"))).to_be_visible()
    page.get_by_role("textbox", name="Message").fill("a draft")
    expect(page.get_by_role("textbox", name="Message")).to_have_value("a draft")
    page.wait_for_function(
        """async () => {
          const { ui } = document.querySelector('switchboard-app');
          await ui.session.drafts.flush();
          return true;
        }"""
    )
    page.reload()
    expect(message(page, re.compile("You, two, waiting"))).to_be_visible()
    expect(page.get_by_role("textbox", name="Message")).to_have_value("a draft")
    expect(page.get_by_role("button", name="Now")).to_be_visible()

    page.context.unroute(re.compile("/api/"))
    page.evaluate(NOW)
    heard = peers.wait_for(python, says("two"))
    expect(message(page, re.compile("You, two, .*, delivered"))).to_have_count(1)
    assert isinstance(heard, MessageReceived)
    assert [each.text for each in peers.call(lambda: python.messages.history(heard.chat))] == [
        "one",
        "two",
    ]


@pytest.mark.deep
def test_a_setting_that_could_not_be_changed_is_shown_as_it_is(
    two_people: TwoPeople, people: People
) -> None:
    page = two_people.page
    people.may_be_offline = True  # what was not answered is in the browser's console
    page.evaluate("location.hash = '#/settings'")
    receipts = page.get_by_label("Read receipts")
    presence = page.get_by_label("Who sees when I was last online")
    expect(receipts).to_be_checked()
    page.context.route(re.compile("/api/settings"), lambda route: route.abort())
    receipts.click()
    expect(page.get_by_text("The server doesn't respond")).to_be_visible()
    expect(receipts).to_be_checked()
    presence.select_option("nobody")
    expect(presence).to_have_value("contacts")
    page.context.unroute(re.compile("/api/settings"))
    presence.select_option("nobody")
    expect(page.get_by_text("Saved")).to_be_visible()
    expect(presence).to_have_value("nobody")
