"""The listener's decision for a request: the first rule that matches, and its action. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from emulator.balancer.listener.actions import Forward, Redirect, location
from emulator.balancer.listener.rules import Rule, Seen, first_match
from emulator.balancer.messages.head import Head
from emulator.balancer.messages.headers import outgoing_host
from emulator.balancer.messages.outgoing import OwnResponse, error_page
from emulator.balancer.routing import Choice, Router

DEFAULT_PORT = 80
# HTTP_Redirect_Url_Limit_Exceeded_Count: "the URL in the response location header is larger than
# 8K" ("CloudWatch metrics for your Application Load Balancer").
LOCATION_BYTES = 8 * 1024


class RequestHandler:
    """`port` is the listener's, once it is open. `foreign` gives the reason to reject a request
    that a foreign web page made."""

    def __init__(
        self,
        rules: Sequence[Rule],
        router: Router,
        foreign: Callable[[Head], str | None] = lambda _head: None,
        added: Mapping[str, list[str]] | None = None,
    ) -> None:
        """`added` are the headers that rules see beside the client's."""
        self._added = added or {}
        self._rules = sorted(rules, key=lambda rule: rule.priority)
        self._router = router
        self._foreign = foreign
        self.port = 0

    def decide(self, head: Head, source_ip: str) -> Choice | OwnResponse:
        """A choice is counted with its target until the caller reports its response."""
        reason = self._foreign(head)
        if reason is not None:
            return OwnResponse(
                403, [("Content-Type", "text/plain; charset=utf-8")], reason.encode()
            )
        values = {**head.values, **self._added} if self._added else head.values
        seen = Seen(head.method, head.host, head.path, head.query, values, source_ip)
        rule = first_match(self._rules, seen)
        if rule is None:  # a listener without a default action can't be made
            return error_page(500)
        action = rule.action
        if isinstance(action, Forward):
            return self._router.choose(rule, action, seen) or error_page(503)
        if isinstance(action, Redirect):
            return self._redirect(action, head)
        fields = [("Content-Type", f"{action.content_type}; charset=utf-8")]
        return OwnResponse(action.status, fields, action.body.encode())

    def _redirect(self, redirect: Redirect, head: Head) -> OwnResponse:
        host = outgoing_host(head.named_host, DEFAULT_PORT)  # without a port
        there = location(redirect, "http", host, self.port, head.path, head.query)
        if len(there) > LOCATION_BYTES:
            return error_page(507)
        return error_page(redirect.status, ("Location", there))
