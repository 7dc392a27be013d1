"""Function Presence, routes `watch`, `ping` and $default."""

from lambdas.connections import Post
from lambdas.frames import Frame
from lambdas.limits import WATCHES, sampled
from lambdas.people.consent import CONTACT
from lambdas.people.contacts import Contacts
from lambdas.presence.devices import Address, Devices
from lambdas.presence.leaseholder import with_lease
from lambdas.presence.leases import WATCH_SECONDS, presence_frame
from lambdas.settings import Aws
from lambdas.websocket import Caller, frame_handler

# Clocks are up to 2 s wrong each (messages/log.py). The rest is a margin: it costs one more read.
CLOCKS_SECONDS = 10.0


def watch(aws: Aws, caller: Caller, frame: Frame) -> Frame:
    """Subscribes to the users' presence, posts it, and returns that of the last user.

    A user who shows it to contacts only, and does not have the caller as one, looks as if never
    seen; so does a name that nobody has. Raises ChatError rate_limited.
    """
    users: list[str] = frame["users"]
    devices, watcher, started = Devices(aws.users), Address(caller.user, caller.device), aws.now()
    name = f"watches#{caller.device}"
    sampled(aws).take(aws.users, caller.user, name, WATCHES, started, len(users))
    views = Contacts(aws.users).views(users, caller.user)
    shown = [user for user in users if user == caller.user or views[user].allows("presence")]
    contacts = {user for user in shown if user == caller.user or views[user].state == CONTACT}
    now = aws.now()
    try:
        devices.watch(watcher, shown, contacts, now + WATCH_SECONDS)
        # after subscribing, so that no change is missed
        found, ended = devices.watched(shown, started - CLOCKS_SECONDS)
        if ended := ended - {caller.user}:
            # They may have looked for watches to end before this one was stored.
            views = Contacts(aws.users).views(ended, caller.user)
            hidden = [user for user in ended if not views[user].allows("presence")]
            devices.unwatch(watcher, hidden)
            found = {user: found[user] for user in found if user not in hidden}
    except Exception:  # nobody knows whether they still may be watched
        devices.unwatch(watcher, shown)
        raise
    presences = [presence_frame(user, found.get(user, {}), now) for user in users]
    aws.connections.post_all([Post(caller.connection_id, each) for each in presences[:-1]])
    return presences[-1]


def ping(_aws: Aws, _caller: Caller, _frame: Frame) -> Frame:
    return {"type": "pong"}


ROUTES = {"watch": with_lease(watch), "ping": with_lease(ping)}
handler = frame_handler(ROUTES)
