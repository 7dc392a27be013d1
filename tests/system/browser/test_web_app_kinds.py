"""What people do with a message besides writing it: each kind is shown alike on both sides."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from client import ChatClient
from client.core.attachment import FileDescription
from client.core.content import MessageContent
from client.store.history import StoredMessage
from tests.support.peers import Peers
from tests.support.web_app import (
    TwoPeople,
    message,
    says,
    send,
)

pytestmark = [pytest.mark.xdist_group("story"), pytest.mark.deep]


def menu(page: Page, row: Any) -> Any:
    row.hover()
    row.get_by_role("button", name="Actions for").click()
    return page.get_by_role("dialog")


def last(peers: Peers, python: ChatClient, chat: str) -> StoredMessage:
    return peers.call(lambda: python.messages.history(chat))[-1]


def test_replies_reactions_edits_deletions_timers_names_and_pictures_are_shown_on_both_sides(
    two_people: TwoPeople, peers: Peers, wait_until: Callable[..., Any]
) -> None:
    page, python, ravi, raju = two_people.page, two_people.python, two_people.ravi, two_people.raju
    send(page, "Shall we meet at six?")
    peers.wait_for(python, says("Shall we meet at six?"))
    chat = peers.run(python.chats.direct(ravi))
    first = last(peers, python, chat)
    mine = message(page, re.compile("You, Shall we meet"))

    peers.run(python.send(chat, "Make it seven", reply=first.reference))
    reply = message(page, re.compile("Make it seven"))
    expect(reply.get_by_role("button", name="Shall we meet at six?")).to_be_visible()
    peers.run(python.writing.react(chat, first.reference, "👍"))
    expect(mine.get_by_role("button", name=f"👍 by {raju}")).to_be_visible()

    menu(page, reply).get_by_role("button", name="React with ❤️").click()
    expect(reply.get_by_role("button", name=f"❤️ by {ravi}")).to_be_visible()
    wait_until(lambda: [each.emoji for each in last(peers, python, chat).reactions] == ["❤️"])
    menu(page, reply).get_by_role("button", name="Reply").click()
    expect(page.get_by_text(f"Reply to {raju}")).to_be_visible()
    send(page, "Fine!")
    wait_until(lambda: last(peers, python, chat).text == "Fine!")
    answered = last(peers, python, chat).reply
    assert answered is not None
    assert answered.text == "Make it seven"

    page.get_by_role("textbox", name="Message").fill("half a draft")
    menu(page, message(page, re.compile("You, Fine!"))).get_by_role("button", name="Edit").click()
    box = page.get_by_role("textbox", name="Message")
    expect(box).to_have_value("Fine!")
    box.fill("Fine, at seven!")
    box.press("Enter")
    expect(message(page, re.compile("You, Fine, at seven!, .*edited"))).to_be_visible()
    expect(box).to_have_value("half a draft")
    wait_until(lambda: last(peers, python, chat).text == "Fine, at seven!")

    edited = message(page, re.compile("You, Fine, at seven!"))
    menu(page, edited).get_by_role("button", name="Delete for everybody").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete for everybody").click()
    expect(message(page, re.compile("You, This message was deleted."))).to_be_visible()
    wait_until(lambda: last(peers, python, chat).deleted)

    async def of_a_later_version() -> None:
        poll = {"v": 1, "kind": "poll", "question": "At six?"}
        await python.writing._send(chat, MessageContent("unknown", poll), True)

    peers.run(of_a_later_version())
    expect(message(page, re.compile("of a kind that this version doesn't know"))).to_be_visible()

    page.get_by_role("button", name="Chat info", exact=True).click()
    page.get_by_label("Messages disappear").select_option("1 day")
    expect(message(page, "You set messages to disappear after 1 day.")).to_be_visible()
    peers.run(python.writing.set_profile("Raju K.", None))
    expect(page.get_by_role("heading", name="Raju K.")).to_be_visible()
    expect(
        page.get_by_role("region", name="Chat info").get_by_text(raju, exact=True)
    ).to_be_visible()


def test_a_group_is_renamed_and_a_profile_has_a_picture(
    two_people: TwoPeople, peers: Peers, wait_until: Callable[..., Any]
) -> None:
    page, python, ravi, raju = two_people.page, two_people.python, two_people.ravi, two_people.raju
    send(page, "hello")
    peers.wait_for(python, says("hello"))
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Your name").fill("Ravi S.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved")).to_be_visible()
    drawn = page.screenshot()
    page.get_by_label("Choose picture").set_input_files(
        {"name": "me.png", "mimeType": "image/png", "buffer": drawn}
    )
    expect(page.get_by_role("button", name="Remove picture")).to_be_visible()
    wait_until(lambda: peers.call(lambda: python.writing.profile(ravi)).picture)
    assert peers.call(lambda: python.writing.profile(ravi)).name == "Ravi S."

    page.get_by_role("button", name="Back").click()
    page.get_by_role("button", name="New group").click()
    page.get_by_label("Group name").fill("Trip")
    page.get_by_label("User names").fill(raju)
    page.get_by_role("button", name="Create group").click()
    expect(message(page, "You named the group “Trip”.")).to_be_visible()
    page.get_by_role("button", name="Chat info", exact=True).click()
    page.get_by_role("button", name="Rename group").click()
    page.get_by_role("dialog").get_by_label("Group name").fill("Goa trip")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Goa trip").first).to_be_visible()
    wait_until(lambda: "Goa trip" in [each.name for each in peers.call(python.chats.all)])


def test_a_picture_and_a_file_come_whole_in_both_directions(
    two_people: TwoPeople, peers: Peers, wait_until: Callable[..., Any]
) -> None:
    page, python, ravi = two_people.page, two_people.python, two_people.ravi
    chat = peers.run(python.chats.direct(ravi))
    drawn = page.screenshot()
    page.get_by_label("Attach a file").set_input_files(
        {"name": "view.png", "mimeType": "image/png", "buffer": drawn}
    )
    expect(message(page, re.compile("You, Picture, .*, delivered"))).to_be_visible()
    content = last(peers, python, chat).content
    assert content is not None
    file = content.file
    assert file is not None
    assert file.thumbnail is not None
    assert (file.width, file.height) == (1280, 800)
    assert peers.run(python.messages.fetch_file(chat, file)) == drawn

    peers.run(python.send(chat, "Beautiful", reply=last(peers, python, chat).reference))
    answer = message(page, re.compile("Beautiful"))
    expect(answer.get_by_role("button", name="Picture")).to_be_visible()
    menu(page, message(page, re.compile("You, Picture"))).get_by_role(
        "button", name="Reply"
    ).click()
    expect(page.locator(".composing")).to_contain_text("Picture")
    page.get_by_role("button", name="Cancel").click()

    page.get_by_role("button", name="Open picture view.png").click()
    looking = page.get_by_role("dialog", name="view.png")
    expect(looking.get_by_role("link", name="Save")).to_be_visible()
    page.keyboard.press("Escape")
    expect(looking).to_have_count(0)

    peers.run(
        python.messages.send_file(chat, b"name,score\nravi,7\n", FileDescription(name="scores.csv"))
    )
    row = message(page, re.compile("File: scores.csv"))
    row.get_by_role("button", name="Load: scores.csv, 18 byte").click()
    with page.expect_download() as download:
        row.get_by_role("link", name="scores.csv").click()
    assert download.value.path().read_bytes() == b"name,score\nravi,7\n"
    assert download.value.suggested_filename == "scores.csv"

    peers.run(python.messages.send_file(chat, drawn, FileDescription(name="secret.png")))
    page.get_by_role("button", name="Open picture secret.png").click()
    expect(page.get_by_role("dialog", name="secret.png")).to_be_visible()
    wait_until(lambda: last(peers, python, chat).seq is not None)
    peers.run(python.writing.delete(chat, last(peers, python, chat).reference))
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_voice_message_is_recorded_discarded_and_sent(
    two_people: TwoPeople, peers: Peers
) -> None:
    page, python, ravi = two_people.page, two_people.python, two_people.ravi
    page.get_by_role("button", name="Record a voice message").click()
    page.get_by_role("button", name="Discard the recording").click()
    expect(page.get_by_role("group", name="Recording")).to_have_count(0)
    page.get_by_role("button", name="Record a voice message").click()
    expect(page.get_by_role("group", name="Recording")).to_contain_text("0:01")
    page.get_by_role("button", name="Send the recording").click()
    expect(message(page, re.compile("You, Voice message, .*, delivered"))).to_be_visible()
    chat = peers.run(python.chats.direct(ravi))
    content = last(peers, python, chat).content
    assert content is not None and content.file is not None
    assert content.file.kind == "voice" and (content.file.duration or 0) >= 1_000
    spoken = peers.run(python.messages.fetch_file(chat, content.file))
    assert spoken.startswith(b"\x1aE\xdf\xa3"), "WebM begins so"
    row = message(page, re.compile("Voice message"))
    row.get_by_role("button", name=re.compile("Load: Voice message.webm")).click()
    expect(row.locator("audio")).to_be_visible()
