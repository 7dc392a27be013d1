"""What only a real browser can show: its wasm, its database, its keys, its tabs."""

import asyncio
import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page

from client import ChatClient, FileDescription
from tests.support.chromium import chromium_or_skip
from tests.support.running_system import PASSWORD, WITHIN
from tests.support.web_page import browser, build, opened
from tests.system.telling import received, texts

pytestmark = [pytest.mark.xdist_group("story"), pytest.mark.deep]

FILE_BYTES = 2_000_000
SECRET = "the well is behind the old mill"

RAW_DATABASE = """async (name) => {
  const opening = indexedDB.open(name);
  await new Promise((resolve) => { opening.onsuccess = resolve; });
  const plain = (value) => {
    if (value instanceof ArrayBuffer) return plain(new Uint8Array(value));
    if (value instanceof Uint8Array) return Array.from(value, (b) => String.fromCharCode(b)).join("");
    if (value instanceof CryptoKey) return { extractable: value.extractable, type: value.type };
    if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
  };
  const dump = {};
  for (const table of opening.result.objectStoreNames) {
    const store = opening.result.transaction(table).objectStore(table);
    const read = (request) => new Promise((resolve) => {
      request.onsuccess = () => resolve(request.result);
    });
    dump[table] = { keys: await read(store.getAllKeys()), rows: plain(await read(store.getAll())).map(plain) };
  }
  const wrapping = await new Promise((resolve) => {
    const request = opening.result.transaction("keys").objectStore("keys").get("wrapping");
    request.onsuccess = () => resolve(request.result);
  });
  const exported = await crypto.subtle.exportKey("raw", wrapping).then(() => "yes", () => "no");
  opening.result.close();
  return { dump, exported };
}"""


@pytest.fixture(scope="session")
def program() -> str:
    return chromium_or_skip()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("page"))


def test_a_browser_talks_with_python_keeps_its_secrets_and_comes_back(
    program: str,
    files: Path,
    device: Callable[..., ChatClient],
    name: Callable[[str], str],
    endpoints: dict[str, Any],
    tmp_path: Path,
) -> None:
    api, profile = endpoints["api"], tmp_path / "profile"

    async def story() -> None:
        async with device(name("raju")) as python:
            web = Web(name("ravi"))
            async with browser(program, profile, files) as context:
                page = await opened(context, api)
                await web.connect(page)
                chat = await web.call(page, "chats.direct", python.user)
                await web.call(page, "messages.send", chat, SECRET)
                await python.wait_for(received(SECRET))
                await python.send(chat, f"{SECRET}?")
                await web.received(page, f"{SECRET}?")
                await files_go_both_ways(page, web, python, chat)
                await second_tab_is_refused(context, api, web)
                found = await page.evaluate(RAW_DATABASE, f"switchboard/{web.name}")
            nothing_to_be_read(found, profile, chat, await python.devices.of(web.user))

            await python.send(chat, "while you were away")
            async with browser(program, profile, files) as context:
                page = await opened(context, api)
                await web.connect(page)
                await web.received(page, "while you were away")
                history = await web.call(page, "messages.history", chat)
                assert [one["text"] for one in history] == texts(python, chat)
                await web.call(page, "messages.send", chat, "here again")
                await python.wait_for(received("here again"))

    asyncio.run(asyncio.wait_for(story(), 2 * WITHIN))


class Web:
    """The client in a page."""

    def __init__(self, user: str) -> None:
        self.user, self.name = user, f"{user}/browser"

    async def open(self, page: Page) -> None:
        options = {"user": self.user, "device": "browser", "password": PASSWORD}
        await page.evaluate("(given) => switchboard.open(...given)", [self.name, options])

    async def connect(self, page: Page) -> None:
        await self.open(page)
        await page.evaluate("(name) => switchboard.connect(name)", self.name)

    async def call(self, page: Page, method: str, *given: Any) -> Any:
        """`method` is that of a part, as `messages.send`."""
        script = (
            "([name, part, method, ...given]) => switchboard.client(name)[part][method](...given)"
        )
        return await page.evaluate(script, [self.name, *method.split("."), *given])

    async def received(self, page: Page, text: str) -> None:
        there = "([name, text]) => switchboard.events(name).some((one) => one.text === text)"
        await page.wait_for_function(there, arg=[self.name, text])


async def files_go_both_ways(page: Page, web: Web, python: ChatClient, chat: str) -> None:
    """A page gets past CORS with what was signed, and hears how much of it is sent."""
    await page.evaluate(
        """([name, chat, size]) => {
          const content = Uint8Array.from({ length: size }, (_, place) => place % 251);
          return switchboard.client(name).messages.sendFile(chat, content, { name: "a.bin" });
        }""",
        [web.name, chat, FILE_BYTES],
    )
    await python.wait_for(lambda event: getattr(event, "kind", "") == "file")
    found = python.messages.history(chat)[-1].content
    assert found is not None and found.file is not None
    content = await python.messages.fetch_file(chat, found.file)
    assert content == bytes(place % 251 for place in range(FILE_BYTES))
    steps = "(name) => switchboard.events(name).filter((one) => one.type === 'file_progress')"
    progress = await page.evaluate(steps, web.name)
    assert progress[-1]["done"] == progress[-1]["size"] > FILE_BYTES
    await python.messages.send_file(
        chat, content[::-1], FileDescription(name="b.bin", caption="back")
    )
    await web.received(page, "back")
    digest = await page.evaluate(
        """async ([name, chat]) => {
          const client = switchboard.client(name);
          const [message] = await client.messages.history(chat, 1);
          const content = await client.messages.fetchFile(chat, message.content.file);
          const digest = await crypto.subtle.digest("SHA-256", content);
          return Array.from(new Uint8Array(digest));
        }""",
        [web.name, chat],
    )
    assert bytes(digest) == hashlib.sha256(content[::-1]).digest()


async def second_tab_is_refused(context: BrowserContext, api: str, web: Web) -> None:
    tab = await opened(context, api)
    with pytest.raises(Exception, match="another tab is using this device"):
        await web.open(tab)
    await tab.close()


def nothing_to_be_read(found: dict[str, Any], profile: Path, chat: str, devices: Any) -> None:
    """Neither by a script in the page nor by whoever has the disk, short of the browser's own key."""
    assert found["exported"] == "no"
    assert found["dump"].pop("keys")["rows"] == [{"extractable": False, "type": "secret"}]
    secrets = forms(SECRET.encode())
    tables = {"account", "session", "messages", "known_devices", "olm_sessions"}
    assert all(found["dump"][table]["rows"] for table in tables)
    readable = str(found["dump"])
    assert chat in readable  # what is no secret is seen
    for form in secrets:
        assert form.decode("latin1") not in readable
    for one in devices:
        assert one.ed25519 not in readable
        assert one.curve25519 not in readable
    for word in ("accessToken", "pickle", "ed25519", "curve25519", '"text"'):
        assert word not in readable
    held = {path: path.read_bytes() for path in profile.rglob("*") if path.is_file()}
    assert any(chat.encode("utf-16-be") in content for content in held.values())
    for path, content in held.items():
        for form in secrets:
            assert form not in content, path


def forms(secret: bytes) -> list[bytes]:
    """As it is, in UTF-16 as Chromium may write strings, and in base64 at each offset."""
    encoded = [base64.b64encode(b"\0" * shift + secret)[4:-4] for shift in range(3)]
    wide = [secret.decode().encode(f"utf-16-{order}") for order in ("le", "be")]
    return [secret, *wide, *encoded]
