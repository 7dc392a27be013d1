"""What a user alone may know is changed, and nobody else gets another response for it.

So no route or frame, and no field of a response that is added to one, shows it.
"""

import pytest

from lambdas.api.sign_ins import SignIns
from lambdas.messages.chats import Chats
from lambdas.people.contacts import Contacts
from lambdas.people.invitations import Invitations
from lambdas.presence.devices import Devices
from lambdas.settings import Aws, aws
from lambdas.tables import chat_key, member_item, user_key
from tests.attacks import aims
from tests.attacks.attempts import OPERATIONS, Outcome, attempts
from tests.attacks.world import DEVICE, World
from tests.support.lambdas import documented, given
from tests.support.lambdas.rest import client

pytestmark = pytest.mark.xdist_group("attacks")

# Frames and GETs, as a stranger; the others take longer, and show less.
CASES = [
    pytest.param(
        operation,
        attacker,
        marks=[]
        if attacker == "stranger" and not operation.startswith(("POST", "PUT", "DELETE"))
        else pytest.mark.deep,
    )
    for operation in OPERATIONS
    for attacker in ("stranger", "former", "blocked")
]


def changed(world: World) -> None:
    """All that stands of the victim and is not for others, is another; what others may do is not."""
    store, victim = world.api.aws, world.names["victim"]
    users, now = store.users, store.now()
    devices = Devices(users)
    assert devices.disconnect(victim, DEVICE, world.connection("victim"), now) is not None
    devices.set_endpoint(victim, DEVICE, "arn:another", "apns")
    label = "SET label = :label, sign_in = :label"
    users.update(user_key(victim, f"device#{DEVICE}"), label, label="another name")
    given.decision(users, victim, "somebody_else", "contact")
    Contacts(users).put_settings(victim, {"receipts": False})
    Invitations(users).add([victim], aims.NOWHERE, "somebody_else", now)
    SignIns(users).end(victim, "a-sign-in", now + 60)
    for chat in (world.direct, world.group, world.blocked):
        Chats(store.chats, users).mute(victim, chat, int(now) + 3600)
        marks = "SET #read = :one, delivered.#device = :one"
        member = chat_key(chat, member_item(victim))
        names = {"#read": "read", "#device": DEVICE}
        store.chats.update(member, marks, names=names, one=1)
    client("cognito-idp").admin_update_user_attributes(
        UserPoolId=store.settings["USER_POOL_ID"],
        Username=victim,
        UserAttributes=[{"Name": "email", "Value": "another@secret.example"}],
    )


def standing_still(monkeypatch: pytest.MonkeyPatch, *environments: Aws) -> None:
    """So that responses differ by nothing but what they are about."""
    for each in environments:
        now = each.now()
        monkeypatch.setattr(each, "now", lambda now=now: now)
        monkeypatch.setattr(each, "random", lambda length: "r" * length)


@pytest.mark.parametrize(("operation", "attacker"), CASES)
def test_no_response_depends_on_what_is_not_for_others(
    world: World, monkeypatch: pytest.MonkeyPatch, operation: str, attacker: str
) -> None:
    standing_still(monkeypatch, world.api.aws, aws())

    def responses() -> list[tuple[Outcome, str]]:
        return [each[1:] for each in attempts(world, operation, attacker)]

    before = responses()
    with world.put_back():
        changed(world)
        assert responses() == before


def test_a_field_that_no_schema_names_is_found() -> None:
    known = {"user": "ravi", "state": "contact"}
    documented.require("rest/contact.response", known)
    with pytest.raises(ValueError, match="seen"):
        documented.require("rest/contact.response", {**known, "seen": 1})
