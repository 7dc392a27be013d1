"""Decisions of ringing: which devices ring for what is unread, and what is taken back. No I/O.

A device is rung for a text that it has not acknowledged, that its user has not read on another
device, and that it was not rung for; not while it is connected, unless a post to it failed or it
did not acknowledge in time. Once everything that rang is read, a taking back is sent.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from lambdas.messages import log
from lambdas.messages.heads import Head
from lambdas.messages.message import is_text_for
from lambdas.notifications.push_jobs import Job, Rings, Unread
from lambdas.presence.devices import Device
from lambdas.tables import Item, seq_of

UNREAD_LIMIT = 500  # counted of one chat; keeps an item of two devices under 6 KB
RECENT = 20  # texts by which one that was sent again is known
Devices = Mapping[str, Device]


class DevicePlan(NamedTuple):
    """What one device gets, and what counts as unread for it after that, or if that fails."""

    ring: Item | None  # the newest text to ring for
    urgent: bool
    taken_back: bool
    after: Unread
    otherwise: Unread


class Plan(NamedTuple):
    """`devices` has those with an endpoint. The log is counted up to `seq`."""

    seq: int
    read: int
    recent: dict[str, int]
    devices: dict[str, DevicePlan]

    @property
    def sends(self) -> bool:
        return any(each.ring or each.taken_back for each in self.devices.values())


def reads_from(rings: Rings, head: Head, *, quiet: bool = False) -> int:
    """The seq above which the log is needed: what was not counted, or not rung for.

    Nothing that was counted rings in a chat that is `quiet`, so it is not read each time.
    """
    if quiet:
        return _counted_to(rings, head)
    lacking = [
        seq
        for name, each in rings.devices.items()
        for seq in each.waiting
        if seq > max(_reached(head, name), head.read)
    ]
    return min([_counted_to(rings, head), *(seq - 1 for seq in lacking)])


def plan(
    rings: Rings,
    head: Head | None,
    devices: Devices,
    items: Sequence[Item],
    job: Job,
    now: float,
    *,
    quiet: bool = False,
) -> Plan:
    """`items`: the log above `reads_from`. Without `head` the user is no member: everything that
    rang is taken back.

    `quiet`: texts are counted, and nobody is rung for them.
    """
    if head is None:
        head = Head(job.chat, job.user, "", 0, 0, frozenset(), 0, {}, _last(rings))
    counted = _counted_to(rings, head)
    texts, recent = _texts(rings, items, job.user, now)
    return Plan(
        _complete_to(items, counted, head, now),
        head.read,
        recent,
        {
            name: _for_device(rings, head, name, device, texts, job, now, quiet=quiet)
            for name, device in devices.items()
            if device.endpoint_arn is not None
        },
    )


def _texts(
    rings: Rings, items: Sequence[Item], user: str, now: float
) -> tuple[dict[int, Item], dict[str, int]]:
    """The texts among `items` by seq, each once, and the last ones by their digests."""
    seqs = dict(rings.recent)
    texts: dict[int, Item] = {}
    for item in items:
        if item["expires_at"] <= now or not is_text_for(item, user):
            continue
        seq = seq_of(item)
        if seqs.setdefault(_digest(item), seq) == seq:
            texts[seq] = item
    newest = sorted(seqs, key=lambda digest: seqs[digest])[-RECENT:]
    return texts, {digest: seqs[digest] for digest in newest}


def _digest(item: Item) -> str:
    """A digest of a message's name: a device that sends a message again gives it the same id, at
    another seq.
    """
    name = f"{item['sender']}/{item['sender_device']}/{item['message_id']}"
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _reached(head: Head, device: str) -> int:
    return max(head.delivered.get(device, 0), head.joined_seq)


def _counted_to(rings: Rings, head: Head) -> int:
    return max(rings.seq, head.read, head.joined_seq)


def _last(rings: Rings) -> int:
    return max(
        [rings.seq, *(seq for each in rings.devices.values() for kind in each for seq in kind)]
    )


def _complete_to(items: Iterable[Item], counted: int, head: Head, now: float) -> int:
    """Stops before a hole in which a message may still appear: it has to be counted then."""
    above = [item for item in items if seq_of(item) > counted]
    seq = max([head.seq, *map(seq_of, above)])
    stretch = log.read_log(
        above,
        after=counted,
        seq=seq,
        purged_to=head.purged_to,
        ended=True,
        now=now,
        patience=log.LATE_SECONDS,
    )
    return max(counted, stretch.complete_to)


def _for_device(
    rings: Rings,
    head: Head,
    name: str,
    device: Device,
    texts: Mapping[int, Item],
    job: Job,
    now: float,
    *,
    quiet: bool,
) -> DevicePlan:
    old = rings.devices.get(name, Unread())
    own = {seq for seq, item in texts.items() if is_text_for(item, job.user, name)}
    fresh = {seq for seq in own if seq > _not_new_to(old, rings)} - {*old.waiting, *old.rang}
    waiting = sorted(seq for seq in {*old.waiting} | fresh if seq > head.read)
    already_rang = [seq for seq in old.rang if seq > head.read]
    asleep = not device.connected(now) or name in job.devices
    lacking = [seq for seq in waiting if seq in texts and seq > _reached(head, name)]
    if lacking and asleep and not quiet:
        urgent = any(texts[seq].get("urgent", True) for seq in lacking)
        after = _limited([], sorted([*already_rang, *waiting]))
        return DevicePlan(texts[lacking[-1]], urgent, False, after, _limited(waiting, already_rang))
    over = bool(old.rang) and not already_rang
    taken_back = over and name != job.reader  # also with a lease: it may be a dead connection's
    after = _limited(waiting, already_rang)
    otherwise = after._replace(rang=old.rang) if taken_back else after
    return DevicePlan(None, False, taken_back, after, otherwise)


def _not_new_to(old: Unread, rings: Rings) -> int:
    """The seq up to which no text is new for a device: counted, or older than the limit keeps.

    Behind a hole that is still open `rings.seq` does not move. So the texts that `_limited` has
    dropped there are read again each time, and must not ring again.
    """
    if old.total < UNREAD_LIMIT:
        return rings.seq
    return max(rings.seq, min([*old.waiting, *old.rang]) - 1)


def _limited(waiting: Sequence[int], rang: Sequence[int]) -> Unread:
    """The newest ones."""
    kept = sorted([*waiting, *rang])[-UNREAD_LIMIT:]
    oldest = kept[0] if kept else 0
    return Unread(
        tuple(seq for seq in waiting if seq >= oldest), tuple(seq for seq in rang if seq >= oldest)
    )
