"""What has to be read consistently: a replica that has received nothing changes no answer.

DynamoDB's reads are eventually consistent unless they ask for more, and moto's always are current.
So without this nothing would notice a read that has lost its ConsistentRead.
"""

import itertools
import secrets
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from lambdas.api.call import SignIn
from lambdas.api.sign_ins import SignIns
from lambdas.delivery import members, purge, push
from lambdas.delivery.roster import Roster
from lambdas.delivery.watermarks import Step
from lambdas.errors import ChatError
from lambdas.keys.decisions import DeviceKeys, SignedKey
from lambdas.keys.directory import Directory
from lambdas.messages import history
from lambdas.messages.chats import Chats
from lambdas.messages.direct import DirectChats
from lambdas.messages.membership import Membership
from lambdas.notifications.endpoints import Endpoints
from lambdas.notifications.push_jobs import Job, RingItems, Rings, Unread
from lambdas.notifications.quiet import is_quiet
from lambdas.people.contacts import Contacts
from lambdas.people.invitations import Invitations
from lambdas.presence import fan_out
from lambdas.presence.devices import Address, Devices
from lambdas.settings import Aws
from lambdas.tables import HEAD, chat_key, member_item, message_item
from tests.support.lambdas import events, given, when
from tests.support.lambdas.backend import Backend, backend
from tests.support.lambdas.connection_api import ConnectionApi
from tests.support.lambdas.phones import Phones
from tests.support.lambdas.replica import lagging

KEYS = DeviceKeys("c", "e", "s")
ONE_TIME = [SignedKey(f"id{number}", f"key{number}", "s") for number in range(3)]
FALLBACK = SignedKey("f", "fallback", "s")


class Scene:
    """Two users with a direct chat of one message, and a group that one more is invited to."""

    def __init__(self, world: Backend) -> None:
        self.world, self.aws = world, world.aws
        self.chats, self.users, self.now = world.aws.chats, world.aws.users, world.clock()
        given.user(world, "ravi", "phone")
        self.connection = given.connected(world, "ravi", "phone")
        given.user(world, "raju", "phone")
        given.user(world, "mira")
        self.chat = given.direct_chat(world, "ravi", "raju")
        self.group = given.group(world, "ravi", "raju")
        self.membership = Membership(self.chats, self.users)
        self.membership.change("ravi", self.group, invite=["mira"])
        self.direct = DirectChats(self.chats, self.users)
        self.rings, self.people = RingItems(self.users), Invitations(self.users)
        self.contacts = Contacts(self.users)
        self.keys = Directory(self.users, clock=world.clock)
        self.keys.put("ravi", "phone", KEYS)
        self.keys.upload("ravi", "phone", "e", ONE_TIME, FALLBACK)
        given.stored(world, "ravi", self.chat, 1, "aGk")

    def head(self) -> Any:
        return self.chats.get(chat_key(self.chat, HEAD), consistent=True)

    def messages(self) -> Any:
        head = Chats(self.chats, self.users).head(self.chat, "raju")
        return history.read(self.chats, head, after=0, limit=9, device="phone", now=self.now)

    def missing(self) -> Any:
        """What was purged after the head was read is missing, and no hole."""
        head = Chats(self.chats, self.users).head(self.chat, "raju")
        given.stored(self.world, "ravi", self.chat, 3, "aGk")
        purge.raise_mark(self.chats, self.chat, 2)
        self.chats.batch_write(deletes=[chat_key(self.chat, message_item(seq)) for seq in (1, 2)])
        late = self.now + 60
        page = history.read(self.chats, head, after=0, limit=9, device="phone", now=late)
        return page.missing, page.complete_to

    def roster(self) -> Any:
        roster = members.read_roster(self.chats, self.chat)
        return isinstance(roster, Roster) and sorted(roster.items)

    def expired(self) -> Any:
        """A message that stays longer than the one that has expired is not passed over."""
        purge.expire(self.chats, self.chat, 0, 5, self.now)
        head = self.head()
        return head["purged_to"]

    def lease(self) -> Any:
        with_lease = Devices(self.users)
        return with_lease.require_lease(Address("ravi", "phone"), self.connection, {})

    def receipt(self) -> Any:
        return members.move(
            self.chats, self.chat, "raju", "phone", Step(1, None)
        ) and self.chats.get(chat_key(self.chat, member_item("raju")), consistent=True)

    def chats_listed(self) -> Any:
        chats = Chats(self.chats, self.users)
        return sorted(each["chat"] for each in chats.all_of("ravi")), chats.names("ravi")

    def members_known(self) -> Any:
        return self.membership.found("ravi", ["raju", "mira"]).members

    def joined(self) -> Any:
        return self.membership.join(self.group, "mira"), self.membership.join(self.group, "mira")

    def successor(self) -> Any:
        self.membership.leave("ravi", self.group, lambda _: None)
        return Chats(self.chats, self.users).head(self.group, "raju").admins

    def changed(self) -> Any:
        return self.membership.change("ravi", self.group, add=["mira"])

    def block(self) -> Any:
        self.direct.block(self.chat, "ravi", blocked=True)
        return self.head()["blocked_by"]

    def rang(self) -> Any:
        begun = self.rings.begin("raju", self.chat, self.now, int(self.now) + 9)
        texts = {"phone": Unread((1,), ())}
        self.rings.record("raju", self.chat, Rings(begun.begun, begun.begun, 1, 0, texts, {}))
        return self.rings.of(["raju"], self.chat), self.rings.unread("raju", "other", self.now)

    def muted(self) -> Any:
        Chats(self.chats, self.users).mute("raju", self.chat, int(self.now) + 9)
        return is_quiet(self.users, "raju", self.chat, request_of=None, rang_at=0, now=self.now)

    def owners(self) -> Any:
        return Endpoints(self.aws.sns, self.users, {}).owners(["arn:ravi/phone"])

    def known(self) -> Any:
        self.contacts.add("ravi", "raju")
        self.contacts.put_settings("ravi", {"presence": "nobody"})
        views = self.contacts.views(["ravi"], "raju")
        return self.contacts.states("ravi"), views, self.contacts.settings("ravi")

    def invited(self) -> Any:
        self.people.add(["mira"], self.group, "ravi", self.now)
        self.people.leave("raju", self.group)
        return (
            self.people.of("mira", self.now),
            self.people.find("mira", self.group, self.now),
            self.people.have_left(["raju"], self.group),
        )

    def directory(self) -> Any:
        return self.keys.get("ravi", ["phone"]), self.keys.fallback_used("ravi", "phone")

    def claimed_fallback(self) -> Any:
        claim = self.keys.claim("ravi", "phone", one_time=False)
        return claim, self.keys.fallback_used("ravi", "phone")

    def uploaded_again(self) -> Any:
        """The same keys are not stored again, and a fallback key that was used stays used."""
        self.keys.claim("ravi", "phone", one_time=False)
        again = self.keys.upload("ravi", "phone", "e", ONE_TIME, FALLBACK)
        return again, self.keys.fallback_used("ravi", "phone")

    def keys_removed(self) -> Any:
        """Nothing of the device is left, and its identity is a former one."""
        self.keys.remove("ravi", "phone")
        rows = self.users.query_all({"user": "ravi"}, consistent=True)
        return sorted(row["item"] for row in rows if "phone" in row["item"])

    def signed_out(self) -> Any:
        sign_ins = SignIns(self.users)
        sign_ins.delete("raju", self.now)
        return sign_ins.is_deleted("raju")

    def rejected(self) -> Any:
        """Neither an ended sign-in nor one from before signing out everywhere."""
        sign_ins, errors = SignIns(self.users), []
        sign_ins.end("ravi", "one", self.now + 60)
        sign_ins.end_all("raju", self.now)
        for sign_in in (SignIn("ravi", "one", 0, ""), SignIn("raju", "two", 0, "")):
            with pytest.raises(ChatError) as error:
                sign_ins.require(sign_in)
            errors.append(error.value.code)
        return errors

    def acknowledged(self) -> Any:
        """A replica that does not know the message yet rejects no receipt."""
        return when.acknowledges(self.world, "raju", self.chat, delivered=1)

    def rung(self) -> Any:
        phones = Phones(self.world)
        sent = when.sends(self.world, "ravi", self.chat)["seq"]
        push.push(self.aws, Job("raju", self.chat))
        return sent, len(phones.rings("raju"))

    def nudged(self) -> Any:
        given.connected(self.world, "raju", "phone")
        key = chat_key(self.chat, message_item(1))
        item = self.chats.get(key, consistent=True)
        record = events.stream_record("INSERT", 1, new=item)
        failed = when.delivery_watch_runs(self.world, record)
        return failed, self.world.frames("raju", "phone")

    def marks_forgotten(self) -> Any:
        """Those of devices that are not registered any more, and of no others."""
        moved = [("phone", 1), ("lost", 1)]
        for device, seq in moved:
            members.move(self.chats, self.chat, "raju", device, Step(seq, None))
        key = chat_key(self.chat, member_item("raju"))
        item = self.chats.get(key, consistent=True)
        old = {**item, "delivered": {}} if item else {}
        record = events.stream_record("MODIFY", 1, old=old, new=item)
        failed = when.delivery_watch_runs(self.world, record)
        return failed, self.chats.get(key, consistent=True)

    def watched(self) -> Any:
        """The presence of who was connected a moment ago."""
        self.contacts.add("ravi", "raju")
        frame = {"action": "watch", "users": ["ravi"]}
        return when.raw(self.world, "raju", "phone", frame)

    def watched_no_more(self) -> Any:
        """A watch that was stored a moment ago ends too."""
        devices = Devices(self.users)
        devices.watch(Address("raju", "phone"), ["ravi"], ["ravi"], self.now + 100)
        devices.end_watches("ravi", lambda _: False, self.now)
        rows = self.users.query_all({"user": "ravi"}, prefix="watcher#", consistent=True)
        return [row["item"] for row in rows]


def _again(scene: Scene) -> Any:
    return scene.direct.begin("ravi", "raju")[1], scene.direct.find("ravi", "raju")


FLOWS: dict[str, Callable[[Scene], Any]] = {
    "a chat that exists is not made again": _again,
    "members are users": Scene.members_known,
    **{
        name: flow
        for name, flow in vars(Scene).items()
        if callable(flow) and not name.startswith("__") and name not in ("head", "members_known")
    },
}


@pytest.mark.sampled
@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_a_replica_that_lags_changes_no_answer(
    emulated: tuple[Aws, ConnectionApi],
    flow: Callable[[Scene], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    results = []
    for lag in (nullcontext, lagging):
        with backend(*emulated) as world:
            world.clock.time = 1_795_000_000.0
            ids = map(str, itertools.count())  # of chats, the same in both worlds
            monkeypatch.setattr(secrets, "token_urlsafe", lambda *_, ids=ids: next(ids))
            scene = Scene(world)
            with lag(world.aws.dynamodb):
                results.append(flow(scene))
    assert results[0] == results[1]


def test_watchers_are_shown_what_is_true_after_the_change(world: Backend) -> None:
    scene = Scene(world)
    given.connected(world, "raju", "phone")
    devices = Devices(scene.users)
    devices.watch(Address("raju", "phone"), ["ravi"], ["ravi"], scene.now + 100)
    watchers = devices.watchers("ravi", scene.now)
    with lagging(world.aws.dynamodb), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Devices, "watchers", lambda *_: watchers)  # this list may lag
        fan_out.announce(world.aws.connections, devices, ["ravi"], clock=world.clock)
    (frame,) = world.frames("raju", "phone")
    assert (frame["type"], frame["user"], frame["online"]) == ("presence", "ravi", True)
