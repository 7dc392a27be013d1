"""Rules of consent: what a user lets others do, by contacts and settings. No I/O."""

from collections.abc import Mapping
from typing import Any, NamedTuple

CONTACT, BLOCKED = "contact", "blocked"
EVERYBODY, CONTACTS, NOBODY = "everybody", "contacts", "nobody"

# Who may add the user to a group at once, see the user's presence, begin a direct chat; and whether
# others see what the user has read.
DEFAULTS: Mapping[str, Any] = {
    "groups": CONTACTS,
    "presence": CONTACTS,
    "requests": EVERYBODY,
    "receipts": True,
}


class View(NamedTuple):
    """What one user has decided about another: `state` is contact, blocked or None."""

    state: str | None
    settings: Mapping[str, Any] = DEFAULTS

    @property
    def blocked(self) -> bool:
        return self.state == BLOCKED

    def allows(self, what: str) -> bool:
        """Whether the other user may do what the setting is about: `groups`, `presence` or
        `requests`.
        """
        if self.blocked:
            return False
        allowed = self.settings[what]
        return allowed == EVERYBODY or (allowed == CONTACTS and self.state == CONTACT)
