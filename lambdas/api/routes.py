"""Every route of the protocol's REST table."""

from lambdas.api import accounts, chats, contacts, devices, groups, health, keys
from lambdas.api.call import Route

ROUTES = (
    Route("GET", "/api/health", health.health, open=True, blocking=False),
    Route("POST", "/api/sign-up", accounts.sign_up, body="sign-up", open=True),
    Route("POST", "/api/sign-in", accounts.sign_in, body="sign-in", open=True),
    Route("POST", "/api/token", accounts.refresh, body="token", open=True),
    Route("PUT", "/api/devices/{device}", devices.register, body="device"),
    Route("DELETE", "/api/devices/{device}", devices.remove),
    Route("GET", "/api/users/{user}/devices", devices.of_user),
    Route("POST", "/api/devices/{device}/one-time-keys", keys.upload, body="one-time-keys"),
    Route("POST", "/api/keys/claim", keys.claim, body="claim"),
    Route("POST", "/api/chats", chats.create, body="chat"),
    Route("GET", "/api/chats", chats.of_user),
    Route("POST", "/api/chats/{chat}/members", groups.change_members, body="members"),
    Route("POST", "/api/chats/{chat}/accept", groups.accept),
    Route("POST", "/api/chats/{chat}/decline", groups.decline),
    Route("POST", "/api/chats/{chat}/leave", groups.leave),
    Route("POST", "/api/chats/{chat}/admins", groups.admins, body="admins"),
    Route("PUT", "/api/chats/{chat}/mute", chats.mute, body="mute"),
    Route("GET", "/api/chats/{chat}/messages", chats.messages),
    Route("GET", "/api/contacts", contacts.of_user),
    Route("PUT", "/api/contacts/{user}", contacts.put, body="contact"),
    Route("DELETE", "/api/contacts/{user}", contacts.remove),
    Route("GET", "/api/settings", contacts.settings),
    Route("PUT", "/api/settings", contacts.change_settings, body="setting"),
    Route("POST", "/api/tickets", accounts.ticket, body="ticket"),
)
