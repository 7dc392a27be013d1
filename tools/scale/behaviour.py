"""Assumptions about what people do in a day, each of which is an option of the scale model."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """Of an average user. Shares are between 0 and 1."""

    devices: float = 1.2  # connected or registered ones, a phone and some laptops
    messages: float = 40.0  # sent in a day
    group_share: float = 0.3  # of these, sent to groups
    group_size: int = 10  # members of the group that such a message goes to
    online_share: float = 0.5  # of receivers who are connected when a message comes
    receipts: float = 0.7  # of a device for each message that it gets; some are coalesced
    typing: float = 0.5  # for each message
    sessions: float = 10.0  # connects of a device in a day
    hours_online: float = 3.0  # of a device in a day
    sign_ins: float = 0.01  # in a day
    files: float = 0.1  # for each message
    token_hours: float = 1.0  # life of an access token
    peak: float = 3.0  # the busiest hour's rate, the day's mean being 1
    biggest_group: int = 1024
    busiest_chat: float = 5.0  # messages a second in the biggest group

    def __post_init__(self) -> None:
        """Raises ValueError."""
        for each in fields(self):
            value = getattr(self, each.name)
            if value < 0 or (each.name.endswith("share") and value > 1):
                raise ValueError(f"{each.name} is {value}: give a share of 0 to 1, or a number")
        if not 2 <= self.group_size <= self.biggest_group <= 1024:
            raise ValueError("groups have 2 to 1,024 members, and biggest_group is the largest")
        if self.hours_online > 24 or self.token_hours <= 0 or self.peak < 1:
            raise ValueError("a day has 24 hours, a token lives, and a peak is at least 1")
