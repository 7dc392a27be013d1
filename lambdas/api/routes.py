"""Every route of the protocol's REST table."""

from lambdas.api import accounts, chats, devices, export, health, keys, leaving
from lambdas.api.call import Route

ROUTES = (
    Route("GET", "/api/health", health.health, open=True, blocking=False),
    Route("POST", "/api/sign-up", accounts.sign_up, body="sign-up", open=True),
    Route("POST", "/api/sign-in", accounts.sign_in, body="sign-in", open=True),
    Route("POST", "/api/token", accounts.refresh, body="token", open=True),
    Route("POST", "/api/password", accounts.password, body="password", open=True),
    Route("POST", "/api/sign-out", leaving.sign_out, body="sign-out"),
    Route("GET", "/api/account", export.account),
    Route("POST", "/api/account/delete", leaving.delete_account, body="delete-account", open=True),
    Route("PUT", "/api/devices/{device}", devices.register, body="device"),
    Route("DELETE", "/api/devices/{device}", devices.remove),
    Route("GET", "/api/users/{user}/devices", devices.of_user),
    Route("POST", "/api/devices/{device}/one-time-keys", keys.upload, body="one-time-keys"),
    Route("POST", "/api/keys/claim", keys.claim, body="claim"),
    Route("POST", "/api/chats", chats.create, body="chat"),
    Route("GET", "/api/chats", chats.of_user),
    Route("POST", "/api/chats/{chat}/members", chats.change_members, body="members"),
    Route("GET", "/api/chats/{chat}/messages", chats.messages),
    Route("POST", "/api/tickets", accounts.ticket, body="ticket"),
)
