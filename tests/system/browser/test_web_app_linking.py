"""A second device of the same person: linked by a code, typed and by camera, without a password."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import segno
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import FLAGS, chromium_or_skip
from tests.support.peers import Peers
from tests.support.running_system import PASSWORD
from tests.support.web_app import PHONE, People, befriend, message, says, send, write_to

pytestmark = pytest.mark.xdist_group("story")


def asks_to_be_linked(page: Page) -> str:
    """The code that it shows."""
    page.get_by_role("button", name="Link with another device").click()
    expect(page.get_by_role("img", name="Code of the new device")).to_be_visible()
    return page.locator(".link-code").inner_text()


def lets_in(page: Page, password: str = PASSWORD) -> None:
    dialog = page.get_by_role("dialog", name="Let this device in?")
    expect(dialog).to_contain_text(re.compile("It calls itself “Chrome on .+”"))
    dialog.get_by_label("Password").fill(password)
    dialog.get_by_role("button", name="Let it in").click()


def devices(page: Page) -> None:
    page.evaluate("location.hash = '#/devices'")
    expect(page.get_by_text("This device", exact=True)).to_be_visible()


@pytest.mark.deep
def test_a_second_browser_is_linked_by_a_typed_code_and_talks_at_once(
    people: People, peers: Peers, names: Callable[[str], str]
) -> None:
    ravi, raju = names("ravi"), names("raju")
    python, first = peers.connect(raju), people.signed_up(ravi)
    befriend(peers, python, ravi)
    second = people.page(people.browser(PHONE))
    code = asks_to_be_linked(second)
    devices(first)
    first.get_by_label("Code of the new device").fill(code.lower().replace(" ", "-"))
    first.get_by_role("button", name="Next").click()
    lets_in(first, "wrong")
    expect(first.get_by_role("alert")).to_have_text("The user name or the password is wrong.")
    lets_in(first)
    expect(second.get_by_role("heading", name=f"Are you {ravi}?")).to_be_visible()
    second.get_by_role("button", name="Yes, that's me").click()
    expect(second.get_by_role("heading", name="Chats", level=1)).to_be_visible()
    for page in (first, second):
        devices(page)
        other = page.get_by_role("listitem").filter(has_text="Verified")
        seen = re.compile(r"Chrome on \w+\s*Verified\s*web-\w+, (online|last seen)")
        expect(other).to_contain_text(seen)
    second.evaluate("location.hash = '#/'")
    write_to(second, raju)
    send(second, "From my other phone")
    expect(message(second, re.compile("You, From my other phone, .*, delivered"))).to_be_visible()
    peers.wait_for(python, says("From my other phone"))
    first.get_by_role("button", name="Back").click()
    first.evaluate("location.hash = '#/'")
    first.get_by_role("link", name=re.compile(raju)).click()
    expect(message(first, re.compile("You, From my other phone"))).to_be_visible()
    second.reload()
    expect(message(second, re.compile("You, From my other phone"))).to_be_visible()


@pytest.mark.deep
def test_a_request_that_is_accepted_on_one_device_is_accepted_on_the_others(
    people: People, peers: Peers, names: Callable[[str], str]
) -> None:
    ravi, raju, meena = names("ravi"), names("raju"), names("meena")
    strangers = [peers.connect(raju), peers.connect(meena)]
    first = people.signed_up(ravi)
    for stranger in strangers:
        peers.run(stranger.send(peers.run(stranger.chats.direct(ravi)), "May I write to you?"))
    first.get_by_role("link", name="2 requests").click()
    first.get_by_role("link", name=f"{raju} wants to write to you.").click()
    first.get_by_role("button", name="Accept").click()
    expect(first.get_by_role("textbox", name="Message")).to_be_visible()
    second = people.page(people.browser())
    code = asks_to_be_linked(second)
    devices(first)
    first.get_by_label("Code of the new device").fill(code)
    first.get_by_role("button", name="Next").click()
    lets_in(first)
    second.get_by_role("button", name="Yes, that's me").click()
    second.get_by_role("link", name=re.compile(raju)).click()
    expect(second.get_by_role("textbox", name="Message")).to_be_visible()

    second.get_by_role("link", name="1 request").click()
    first.evaluate("location.hash = '#/requests'")
    first.get_by_role("link", name=f"{meena} wants to write to you.").click()
    first.get_by_role("button", name="Accept").click()
    send(first, "Of course")
    expect(second.get_by_text("No requests")).to_be_visible()
    second.evaluate("location.hash = '#/'")
    second.get_by_role("link", name=re.compile(meena)).click()
    expect(second.get_by_text("Of course").first).to_be_visible()
    expect(second.get_by_role("textbox", name="Message")).to_be_visible()
    expect(second.get_by_role("link", name="1 request")).to_have_count(0)


@pytest.mark.deep
def test_who_is_not_the_account_named_says_no_and_gets_another_code(
    people: People, names: Callable[[str], str]
) -> None:
    mallory = people.signed_up(names("mallory"))
    new = people.page(people.browser())
    code = asks_to_be_linked(new)
    devices(mallory)
    mallory.get_by_label("Code of the new device").fill(code)
    mallory.get_by_role("button", name="Next").click()
    lets_in(mallory)
    expect(mallory.get_by_role("dialog")).to_have_count(0)
    mallory.get_by_role("button", name="Next").click()  # it was used by now
    expect(mallory.get_by_role("alert")).to_contain_text("Somebody has used this code already")
    new.get_by_role("button", name="No", exact=True).click()
    expect(new.get_by_role("alert")).to_contain_text("Somebody has used this code already")
    new.get_by_role("button", name="Show another code").click()
    expect(new.locator(".link-code")).not_to_have_text(code)
    new.get_by_role("button", name="Sign in with the password").click()
    expect(new.get_by_label("User name")).to_be_visible()


@pytest.mark.deep
def test_a_camera_takes_the_code(
    browser: Browser, people: People, names: Callable[[str], str], tmp_path: Path
) -> None:
    new = people.page(people.browser(PHONE))
    code = asks_to_be_linked(new).replace(" ", "")
    film(f"SWITCHBOARD:LINK:1:{code}", tmp_path / "camera.y4m")
    flags = [*FLAGS, f"--use-file-for-fake-video-capture={tmp_path / 'camera.y4m'}"]
    second = browser.browser_type.launch(executable_path=chromium_or_skip(), args=flags)
    seeing = People(second, people.address)
    page = seeing.signed_up(names("ravi"))
    devices(page)
    page.get_by_role("button", name="Scan the code with the camera").click()
    lets_in(page)
    expect(new.get_by_role("button", name="Yes, that's me")).to_be_visible()
    expect(page.locator("video")).to_have_count(0)
    assert seeing.complaints == []
    second.close()


def film(text: str, file: Path) -> None:
    """One second of a camera that looks at the code: 640 x 480, grey around it."""
    width, height, scale = 640, 480, 8
    rows = [bytes(row) for row in segno.make_qr(text, error="m").matrix_iter(border=4)]
    side = len(rows) * scale
    left, top = (width - side) // 2, (height - side) // 2
    luma = bytearray(b"\x80" * (width * height))
    for y in range(side):
        row = b"".join((b"\x10" if dark else b"\xeb") * scale for dark in rows[y // scale])
        start = (top + y) * width + left
        luma[start : start + side] = row
    chroma = b"\x80" * (width * height // 2)
    frame = b"FRAME\n" + bytes(luma) + chroma
    file.write_bytes(f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode() + frame * 10)
