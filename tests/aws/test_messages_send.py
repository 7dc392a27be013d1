from steps import given, then, when
from steps.backend import Backend


def test_a_message_reaches_the_other_side_and_is_accepted(world: Backend) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    accepted = then.valid(when.sends(world, "ravi", chat, payload="xyz"))
    assert accepted["type"] == "accepted" and accepted["seq"] == 1
    (message,) = world.frames("raju", "phone")
    assert then.valid(message)["payload"] == "xyz"
    assert message["seq"] == 1 and message["sent_at"] == accepted["sent_at"]
    assert world.frames("ravi", "phone") == []
    assert then.pushes(world) == []
