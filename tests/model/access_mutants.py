"""Plausible mistakes in who may see and do what, and in how long it lasts."""

from lambdas.api.sign_ins import SignIns
from lambdas.keys.directory import Directory
from lambdas.messages import append, history, log, send, sync_plan
from lambdas.people.invitations import Invitations
from lambdas.presence import authorize, tickets
from lambdas.presence.devices import Devices
from tests.model.mutant import Mutant, edited

REMOVED = ("device_is_removed", "removed_device_acts", "removed_device_sends")

ACCESS_MUTANTS = (
    edited(
        "history_shows_what_was_before_joining",
        (history, "_stretch"),
        ("max(after, head.joined_seq)", "after"),
        "before joining|joined at|shows",
        ("members_change", "reads_back"),
    ),
    Mutant(
        "a_removed_device_goes_on",
        Devices,
        "require_lease",
        lambda *_: None,
        "was removed, and",
        REMOVED,
    ),
    Mutant("its_sign_in_goes_on", SignIns, "require", lambda *_: None, "was removed, and", REMOVED),
    edited(
        "a_ticket_is_not_used_up",
        (authorize, "redeem"),
        (
            'tickets.delete({"ticket": _digest(ticket)}, "attribute_exists(ticket)")',
            'tickets.get({"ticket": _digest(ticket)})',
        ),
        "serves twice",
        ("old_ticket_is_tried",),
    ),
    edited(
        "an_old_ticket_opens",
        (authorize, "redeem"),
        ('found["expires_at"] <= now', "False"),
        "an old ticket serves",
        ("old_ticket_is_tried", "time_passes"),
    ),
    edited(
        "tickets_live_for_hours",
        (tickets, "issue"),
        ("now + TICKET_SECONDS", "now + 1000 * TICKET_SECONDS"),
        "a ticket lives too long",
    ),
    edited(
        "who_was_removed_goes_on_writing",
        (append, "_take"),
        ('"contains(members, :me)"', '"(attribute_exists(chat) OR seq = :me)"'),
        "is no member, and wrote",
        ("members_change",),
    ),
    Mutant(
        "who_has_left_is_put_back",
        Invitations,
        "have_left",
        lambda *_: set(),
        "was put back",
        ("members_change", "leaves_for_good"),
    ),
    edited(
        "former_devices_are_listed_for_ever",
        (Directory, "former"),
        ('item["expires_at"] > self._clock()', "True"),
        "has expired",
        ("device_is_removed", "looks_up_devices", "days_pass"),
    ),
    edited(
        "messages_expire_in_ms",
        (send, "_message"),
        ("expires_at=int(now) +", "expires_at=int(now * 1000) +"),
        "lives too long",
    ),
    edited(
        "readers_show_what_has_expired",
        (log, "read_log"),
        ('expired = item["expires_at"] <= now', "expired = False"),
        "has expired",
        ("days_pass",),
    ),
    edited(
        "ticks_are_ahead",
        (sync_plan, "_marks"),
        (
            'return {"delivered": log.delivered(member), "read": read}',
            'return {"delivered": head.seq, "read": read}',
        ),
        "others see",
    ),
)
