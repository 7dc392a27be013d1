"""Rules of consent: what a user lets others do, by contacts and settings. No I/O."""

from collections.abc import Mapping
from typing import Any, NamedTuple

CONTACT, BLOCKED = "contact", "blocked"
EVERYBODY, CONTACTS, NOBODY = "everybody", "contacts", "nobody"

# Who may add one to a group at once, see one's presence, begin a direct chat; whether others see
# what one has read.
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
        """Whether the other one may do it: `groups`, `presence` or `requests`."""
        if self.blocked:
            return False
        allowed = self.settings[what]
        return allowed == EVERYBODY or (allowed == CONTACTS and self.state == CONTACT)
