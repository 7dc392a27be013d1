"""A Chromium that is pushed to: it subscribes at the emulator's push service, since its own is on the
internet, and what arrives there is handed to its service worker by the DevTools protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

from tests.support.chromium import FLAGS, chromium_or_skip
from tests.support.running_system import WITHIN

# Only `subscribe` is replaced: what the page and the worker do with it is as ever.
SUBSCRIBE = """
PushManager.prototype.subscribe = async function ({ applicationServerKey }) {
  const given = await window.subscribeAtTheEmulator(applicationServerKey);
  return { toJSON: () => ({ endpoint: given.endpoint, keys: given }), options: {} };
};
"""
LOOKS = 6_000  # 50 ms apart, before a scene has failed
# A file of the same origin without the page's code: notifications can be looked at from there.
ASIDE = "/third-party-notices.txt"
SHOWN = """async () => {
  const registration = await navigator.serviceWorker.getRegistration("/");
  const shown = await registration.getNotifications();
  return shown.map(({ title, body, tag }) => ({ title, body, tag }));
}"""


# What the browser does at a click; only that a window may be given the focus is the click's alone.
CLICK = """async () => {
  WindowClient.prototype.focus = async function () { return this; };
  const [notification] = await registration.getNotifications();
  dispatchEvent(new NotificationEvent("notificationclick", { notification }));
}"""


class PushedBrowser:
    """`context` has a profile of its own, as an installed browser: private windows get no pushes."""

    def __init__(self, context: BrowserContext, endpoints: dict[str, Any]) -> None:
        self.context = context
        self._endpoints = endpoints
        self._token = ""
        self._delivered = 0
        context.set_default_timeout(WITHIN * 1_000)
        context.expose_function("subscribeAtTheEmulator", self._subscribe)
        context.add_init_script(SUBSCRIBE)

    def open(self, path: str = "/") -> Page:
        page = self.context.new_page()
        page.goto(self._endpoints["api"] + path)
        return page

    def look_on(self) -> None:
        """From now on the worker's state is known; to be called once there is a worker."""
        self._aside = self.open(ASIDE)
        self._devtools: CDPSession = self.context.new_cdp_session(self._aside)
        self._registrations: list[dict[str, Any]] = []
        self._devtools.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda event: self._registrations.extend(event["registrations"]),
        )
        self._devtools.send("ServiceWorker.enable")
        for _ in range(LOOKS):
            if self._registrations:
                return
            self._aside.wait_for_timeout(50)
        raise AssertionError("no worker is registered")

    def deliver(self) -> dict[str, Any]:
        """The next push that its push service has for it goes to the worker; what it says."""
        message: dict[str, Any] = self._next()["message"]
        self._devtools.send(
            "ServiceWorker.deliverPushMessage",
            {
                "origin": self._endpoints["api"],
                "registrationId": self._registrations[-1]["registrationId"],
                "data": json.dumps(message),
            },
        )
        return message

    def shown(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self._aside.evaluate(SHOWN)
        return found

    def click(self) -> None:
        """On the first notification."""
        self._aside.close()  # it is a page as well, and the click leads the first one
        (worker,) = self.context.service_workers
        worker.evaluate(CLICK)
        self._aside = self.open(ASIDE)

    def wait_for(self, *wanted: tuple[str, str]) -> None:
        """Until exactly these notifications are shown: title and body."""
        found = self.shown()
        for _ in range(LOOKS):
            if [(each["title"], each["body"]) for each in found] == list(wanted):
                return
            self._aside.wait_for_timeout(50)
            found = self.shown()
        raise AssertionError(f"shown are {found}")

    def _next(self) -> dict[str, Any]:
        for _ in range(LOOKS):
            pushes = self._pushes()
            if len(pushes) > self._delivered:
                self._delivered += 1
                return pushes[self._delivered - 1]
            self._aside.wait_for_timeout(50)
        raise AssertionError(f"no push after {self._delivered}")

    def _pushes(self) -> list[dict[str, Any]]:
        url = f"{self._endpoints['console']}/_local/phones/{self._token}"
        found: list[dict[str, Any]] = httpx.get(url, trust_env=False, timeout=WITHIN).json()[
            "pushes"
        ]
        return found

    def _subscribe(self, key: str) -> Any:
        url = f"{self._endpoints['web_push']}/subscriptions"
        response = httpx.post(url, json={"key": key}, trust_env=False, timeout=WITHIN)
        response.raise_for_status()
        given: dict[str, str] = response.json()
        self._token = given["endpoint"].rpartition("/")[2]
        return given


@contextmanager
def pushed_browser(
    browser: Browser, profile: Path, endpoints: dict[str, Any]
) -> Iterator[PushedBrowser]:
    """A second Chromium of the same kind as `browser`."""
    context = browser.browser_type.launch_persistent_context(
        profile,
        executable_path=chromium_or_skip(notifies=True),
        args=FLAGS,
        permissions=["notifications"],
        locale="en-GB",
    )
    try:
        yield PushedBrowser(context, endpoints)
    finally:
        context.close()
