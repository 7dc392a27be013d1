"""Requests to the key directory: device lists that are up to date, requests under way, retries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container
from math import inf

from client.core.cipher import Claims, Lists, Request
from client.core.ids import user_of
from client.core.settings import Settings


class _All:
    """Every device."""

    def __contains__(self, _: object) -> bool:
        return True


class KeyRequests:
    """Device lists are up to date from their response until `changed` or the next connection."""

    def __init__(self, settings: Settings, emit: Callable[[Request], None]) -> None:
        self._settings, self._emit = settings, emit
        self._online = False
        self._number = 0
        self._fresh: set[str] = set()
        self._listing: dict[str, int] = {}  # user -> the request under way
        # Responses to requests up to this number are outdated: one number by user, one for all
        # others.
        self._outdated: dict[str, int] = {}
        self._outdated_all = 0
        self._claiming: dict[tuple[str, str, bool], int] = {}
        self._failures: dict[object, int] = {}
        self._again_at: dict[object, float] = {}
        # Before these the backend takes none from this device, on whichever connection.
        self._lists_at = self._claims_at = -inf
        self._tried: dict[tuple[str, str], float] = {}  # (chat, device) -> until when
        self._unknown_devices: dict[str, bool] = {}  # named by frames; True if looked up since

    def opened(self) -> None:
        """Responses to requests of an earlier connection may still come, but they are outdated."""
        self._online = True
        for memory in (self._listing, self._claiming, self._failures, self._again_at, self._tried):
            memory.clear()
        self._outdated.clear()
        self._outdated_all = self._number
        self._unknown_devices.clear()
        self._fresh.clear()

    def closed(self) -> None:
        self._online = False

    # -- lists

    def fresh(self, user: str) -> bool:
        return user in self._fresh

    def changed(self, user: str) -> None:
        """The user's devices have changed: a response that is under way may be from before."""
        self._fresh.discard(user)
        self._listing.pop(user, None)
        self._outdated[user] = self._number

    def look_at(self, user: str) -> Lists:
        """Counts a request for the list that another part of the client makes."""
        return Lists(self._next(), user)

    def may_list(self, now: float) -> bool:
        """False as long as the backend takes no request for a device list."""
        return now >= self._lists_at

    def want_lists(self, users: Collection[str], now: float) -> None:
        if not self.may_list(now):
            return
        for user in sorted(users):
            if user in self._fresh or user in self._listing or self._waits(user, now):
                continue
            if self._online:
                self._listing[user] = self._next()
                self._emit(Lists(self._number, user))

    def listed(self, request: Lists) -> bool:
        """False if the list is older than what is known."""
        user = request.user
        self._settle(user)
        if self._listing.get(user) == request.number:
            del self._listing[user]
        if request.number <= self._outdated.get(user, self._outdated_all):
            return False
        self._outdated[user] = request.number
        self._fresh.add(user)
        self._unknown_devices |= {
            name: True for name in self._unknown_devices if user_of(name) == user
        }
        return True

    def look_up(self, device: str, now: float) -> bool:
        """True if the device's user was looked up since a frame first named the device.

        The news of a new device may get lost: an older list does not say that there is none.
        """
        if device not in self._unknown_devices:
            self._unknown_devices[device] = False
            self.changed(user_of(device))
        if not self._unknown_devices[device]:
            self.want_lists({user_of(device)}, now)
        return self._unknown_devices[device]

    # -- claims

    def tried(self, chat: str, now: float) -> Container[str]:
        """Devices that had no key; all, as long as the backend takes no claims."""
        if now < self._claims_at:
            return _All()
        return {
            name for (place, name), until in self._tried.items() if place == chat and now < until
        }

    def try_again(self, chat: str) -> None:
        """From the next text on, keys of the devices that had none are claimed again."""
        for place in [place for place in self._tried if place[0] == chat]:
            del self._tried[place]

    def want_claims(
        self, chat: str, devices: Collection[str], now: float, *, asking: bool = False
    ) -> None:
        key = ("claims", chat, asking)
        wanted = sorted(name for name in devices if (chat, name, asking) not in self._claiming)
        waits = now < self._claims_at or self._waits(key, now)
        if not wanted or not self._online or waits:
            return
        number = self._next()
        for at in range(0, len(wanted), self._settings.claimed_at_once):
            part = tuple(wanted[at : at + self._settings.claimed_at_once])
            self._claiming |= {(chat, name, asking): number for name in part}
            self._emit(Claims(number, chat, part, asking))

    def claimed(
        self, request: Claims, begun: Collection[str], now: float, retry_after: float = 0.0
    ) -> None:
        """`retry_after`: seconds for which the backend takes no more claims."""
        self._settle(("claims", request.chat, request.asking))
        self._forget(request)
        self._claims_at = _later(self._claims_at, now, retry_after)
        for name in begun:
            self._failures.pop((request.chat, name), None)
        for name in set(request.devices) - set(begun):
            again, cap = self._settings.claim_again, self._settings.claim_again_cap
            pause = self._pause((request.chat, name), again, cap)
            self._tried[request.chat, name] = now + max(retry_after, pause)

    # -- failures

    def failed(self, request: Request, now: float, retry_after: float = 0.0) -> None:
        """No response: tried again after a growing pause, and not before `retry_after` seconds, for
        which the backend takes none of its kind.
        """
        key: object
        if isinstance(request, Lists):
            key = request.user
            self._lists_at = _later(self._lists_at, now, retry_after)
            if self._listing.get(request.user) == request.number:
                del self._listing[request.user]
        else:
            key = ("claims", request.chat, request.asking)
            self._claims_at = _later(self._claims_at, now, retry_after)
            self._forget(request)
        retry, cap = self._settings.fetch_retry, self._settings.fetch_retry_cap
        self._again_at[key] = now + max(retry_after, self._pause(key, retry, cap))

    def next_due(self, now: float) -> float | None:
        """When something that failed may be tried again."""
        limits = (self._lists_at, self._claims_at)
        times = [*self._again_at.values(), *self._tried.values(), *limits]
        return min((at for at in times if at > now), default=None)

    # -- small

    def _pause(self, key: object, first: float, most: float) -> float:
        """Longer with each failure."""
        times = self._failures.get(key, 0)
        self._failures[key] = times + 1
        return min(first * 2.0 ** min(times, 16), most)

    def _waits(self, key: object, now: float) -> bool:
        return now < self._again_at.get(key, now)

    def _settle(self, key: object) -> None:
        self._failures.pop(key, None)
        self._again_at.pop(key, None)

    def _forget(self, request: Claims) -> None:
        for name in request.devices:
            if self._claiming.get((request.chat, name, request.asking)) == request.number:
                del self._claiming[request.chat, name, request.asking]

    def _next(self) -> int:
        self._number += 1
        return self._number


def _later(at: float, now: float, retry_after: float) -> float:
    return max(at, now + retry_after) if retry_after else at
