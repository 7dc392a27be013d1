"""A text that can't be opened yet: its row says so, and has the text in its place once it comes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from client.core.ticks import State
from tests.support.peers import Peers
from tests.support.web_app import People, befriend, message, says, send, write_to

pytestmark = [pytest.mark.xdist_group("story"), pytest.mark.deep]

# What a device forgets that loses a part of its store: its sessions with all others.
FORGET = """async () => {
  const [{ name }] = (await indexedDB.databases()).filter(({ name }) => name.split('/').length === 3);
  const opened = await new Promise((done) => {
    const request = indexedDB.open(name);
    request.onsuccess = () => done(request.result);
  });
  const cleared = opened.transaction('olm_sessions', 'readwrite');
  cleared.objectStore('olm_sessions').clear();
  await new Promise((done) => { cleared.oncomplete = done; });
  opened.close();
}"""


def test_a_session_that_is_lost_heals_in_place_without_a_text_lost(
    people: People, peers: Peers, names: Callable[[str], str], wait_until: Callable[..., Any]
) -> None:
    ravi, raju = names("ravi"), names("raju")
    python, page = peers.connect(raju), people.signed_up(ravi)
    befriend(peers, python, ravi)
    write_to(page, raju)
    send(page, "one")
    peers.wait_for(python, says("one"))
    chat = peers.run(python.chats.direct(ravi))
    peers.run(python.send(chat, "two"))
    expect(message(page, re.compile(f"{raju}, two, "))).to_be_visible()

    address = page.url
    page.goto("about:blank")
    page.goto(f"{people.address}third-party-notices.txt")  # which holds nothing open
    page.evaluate(FORGET)
    page.goto("about:blank")
    peers.run(python.send(chat, "three"))
    wait_until(lambda: peers.call(lambda: python.messages.history(chat))[-1].state is State.SENT)
    peers.run(python.close())  # so that nobody is there to ask
    page.goto(address)
    waiting = message(page, re.compile(f"{raju}, Waiting for this message"))
    expect(waiting).to_be_visible()

    again = peers.connect(raju)
    expect(message(page, re.compile(f"{raju}, three, "))).to_be_visible()
    expect(waiting).to_have_count(0)
    send(page, "four")
    peers.wait_for(again, says("four"))
    rows = page.get_by_role("log").get_by_role("article").all()
    said = [str(row.get_attribute("aria-label")).split(", ")[1] for row in rows]
    assert said == ["one", "two", "three", "four"]
