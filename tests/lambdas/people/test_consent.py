"""The rules of consent: what a user lets another one do, by settings and contacts."""

from lambdas.people.consent import DEFAULTS, View
from tests.support.rows import rows


@rows(
    ("setting", "allowed"),
    [
        ("everybody", (True, True, False)),
        ("contacts", (False, True, False)),
        ("nobody", (False,) * 3),
    ],
)
@rows("what", ["groups", "presence", "requests"])
def test_a_setting_says_who_may_and_a_blocked_one_may_nothing(
    what: str, setting: str, allowed: tuple[bool, ...]
) -> None:
    views = [View(state, {**DEFAULTS, what: setting}) for state in (None, "contact", "blocked")]
    assert tuple(view.allows(what) for view in views) == allowed
    assert [view.blocked for view in views] == [False, False, True]


def test_strangers_may_write_and_see_neither_presence_nor_put_one_into_groups() -> None:
    stranger = View(None)
    assert {what: stranger.allows(what) for what in ("groups", "presence", "requests")} == {
        "groups": False,
        "presence": False,
        "requests": True,
    }
    assert DEFAULTS["receipts"] is True
