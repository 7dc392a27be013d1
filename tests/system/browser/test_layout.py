"""The page in every width and colour scheme, with the worst that it may have to show."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.system.browser.conftest import Open
from tests.system.browser.fake_system import QUIET, FakeSystem, group, target

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.deep]

LONG = "switchboard-staging-web-ApiFunction6BF808EDx0123456789"
BUSY = [*QUIET[:5], *[{"200": 900, "302": 20, "404": 100, "502": 30, "none": 7}] * 5]

# The contrast of a text with what lies behind it (WCAG 2.1, 1.4.3), of every element with text.
CONTRAST = """
() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const behind = (element) => {
    const all = [];
    for (let each = element; each; each = each.parentElement) {
      all.unshift(getComputedStyle(each).backgroundColor);
    }
    return all;
  };
  const paint = (colours) => {
    context.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
    }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
  };
  const seen = new Map();
  const painted = (colours) => {
    const key = colours.join();
    if (!seen.has(key)) seen.set(key, paint(colours));
    return seen.get(key);
  };
  const light = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  const poor = [];
  for (const element of document.querySelectorAll("main *, header *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.closest("[aria-disabled=true], svg, option")) {
      continue;
    }
    const ground = behind(element);
    const tones = [light(painted(ground)), light(painted([...ground, getComputedStyle(element).color]))];
    const ratio = Math.max(...tones) / Math.min(...tones);
    if (ratio < 4.5) poor.push(`${element.className || element.tagName} ${ratio.toFixed(2)}`);
  }
  return [...new Set(poor)];
}
"""

OUTSIDE = """
(width) => [...document.querySelectorAll("main *, header *")]
  .filter((element) => !element.closest(".scroll, svg") && element.checkVisibility())
  .filter((element) => {
    const { left, right } = element.getBoundingClientRect();
    return right > width + 0.5 || left < -0.5;
  })
  .map((element) => element.className || element.tagName)
"""

OVERLAPPING = """
() => [...document.querySelectorAll(".lane, .group-head")].flatMap((parent) => {
  const boxes = [...parent.children].map((child) => child.getBoundingClientRect());
  const meet = (a, b) =>
    a.width && b.width && a.left < b.right - 0.5 && b.left < a.right - 0.5 &&
    a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5;
  return boxes.flatMap((a, n) =>
    boxes.slice(n + 1).filter((b) => meet(a, b)).map(() => parent.textContent));
})
"""


@pytest.fixture
def crowded(fake: FakeSystem) -> FakeSystem:
    states = ("healthy", "initial", "unhealthy", "draining", "unavailable", "unused")
    reason = "Target.DeregistrationInProgress"
    targets = [
        target(f"small-{n}", state, reason=reason, recent=BUSY, requests=10**7, in_flight=10**4)
        for n, state in enumerate(states)
    ]
    targets[0].update(share=0.25, anomalous=True)
    network = group("small", None, [target("small-0", recent=BUSY)], name="nlb")
    network.update(balancer="network", algorithm="flow_hash", stickiness="source_ip")
    empty = group("a-pool-whose-name-has-the-32-chars", 999, [])
    empty.update(algorithm="least_outstanding_requests", stickiness="lb_cookie")
    function = target(LONG, "unavailable", address=f"arn:aws:lambda:::function:{LONG}")
    fake.state = {
        "target_groups": [
            group("small", 4, targets),
            empty,
            group("lambda", 1, [function], algorithm=None),
            network,
        ],
        "pools": [
            {
                "name": "small",
                "desired": 20,
                "autoscaling": True,
                "tasks": [
                    {"id": f"small-{n}", "paused": n == 0, "exited": n == 1} for n in range(20)
                ],
            }
        ],
        "connections": [
            {
                "id": f"connection-{n}",
                "user": "a_user_name_of_thirty_two_chars_",
                "device": "d" * 64,
                "connected_at": 0,
                "last_active_at": 0,
                "received": 10**6,
                "sent": 10**6,
            }
            for n in range(30)
        ],
        "pushes": [{"token": "t" * 160, "platform": "fcm", "count": 10**6, "last_at": 0}],
        "functions": [{"name": LONG, "invocations": 10**6, "errors": 3, "busy": 1, "workers": 9}],
        "queues": [{"name": f"{LONG}.fifo", "visible": 10**5, "in_flight": 10**5}],
        "tables": [{"name": LONG, "items": 10**7}],
    }
    return fake


def test_nothing_is_wider_than_the_window_and_nothing_overlaps(
    crowded: FakeSystem, opened: Open
) -> None:
    page = opened(crowded.console.url)
    page.get_by_role("button", name="Send 1,000 requests").click()
    expect(page.locator("#load-table")).to_be_visible()
    for width in (320, 390, 600, 768, 1000, 1180, 1360, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(OUTSIDE, width) == [], width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(OVERLAPPING) == [], width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(
    crowded: FakeSystem, opened: Open, scheme: str
) -> None:
    page = opened(crowded.console.url, scheme=scheme)
    assert page.evaluate(CONTRAST) == []


def test_every_control_has_a_name_and_no_two_the_same(crowded: FakeSystem, opened: Open) -> None:
    page = opened(crowded.console.url)
    names = page.evaluate(
        """() => [...document.querySelectorAll("main button, main input, main select")].map(
          (control) => control.ariaLabel ?? control.labels?.[0]?.textContent ?? control.textContent
        ).map((name) => name.trim())"""
    )
    assert all(names)
    assert len(set(names)) == len(names)


def test_nothing_moves_for_who_does_not_want_it(crowded: FakeSystem, opened: Open) -> None:
    page = opened(crowded.console.url)  # which asks for reduced motion
    assert page.evaluate(
        "getComputedStyle(document.querySelector('.pill')).transitionDuration"
    ) in (
        "0s",
        "",
    )
