"""The scale model: from users and behaviour to rates, capacity, concurrency and dollars. No I/O.

Its inputs are the measured acts (acts.py), list prices and AWS's default quotas (limits.py).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from bench import prices
from tools.scale.acts import ACTS, JOBS_PER_TEXT, Act
from tools.scale.behaviour import Behaviour
from tools.scale.costs import per_million

DAY = 86_400.0
DAYS = prices.HOURS / 24
PING_SECONDS = 270  # clients ping every 240 to 300 s
HEAD_BYTES = 1_050  # of a chat's head besides the members' names: 16 slots of 50 bytes, and fields
NAME_BYTES = 12
READ_UNIT_BYTES = 4_096
# On demand a new table can take 4,000 write units a second at once: four partitions
# (docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html).
PARTITIONS_AT_FIRST = 4
PARTITION_WRITES = 1_000  # a second, and 3,000 read units (bp-partition-key-design.html)
FRAME_BYTES = 650  # of a line of text to a group, as it is posted


def to_group(members: int, online: float = 1.0) -> Act:
    """A text to a group; `online` is the share of the others that a post goes to.

    The head is written with all names, and each member's devices are read. tests/lambdas holds it
    against the handlers with 10 and with 1,024 members.
    """
    posts = round((members - 1) * online)
    slots = HEAD_BYTES if members > 16 else 0
    head = math.ceil(max(1, slots + members * NAME_BYTES) / 1024)
    batches = math.ceil(members / 100) - 1  # BatchGetItem takes 100 keys
    ten = ACTS["a text to a group of ten online"]
    return replace(
        ten,
        writes=1 + head,
        reads=members * 0.5,
        posts=posts,
        rounds=ten.rounds + batches,
        frames=1 + posts,
        sent=160 + posts * FRAME_BYTES,
    )


@cache
def acts_of(be: Behaviour) -> Mapping[str, tuple[Act, float]]:
    """name -> the act, and how many of it a user of that behaviour does in a day."""
    others = be.group_size - 1
    direct, group = be.messages * (1 - be.group_share), be.messages * be.group_share
    got = direct + group * others  # messages that a user gets
    heard = got * be.online_share * be.devices  # posts that a user's devices get
    away = got * (1 - be.online_share)
    connects = be.sessions * be.devices
    # an access token is used until it ends, and none is fetched while nobody is there
    refreshes = be.devices * min(be.sessions, 24 / be.token_hours)
    number = {
        "a text to somebody online": direct * be.online_share,
        "a text to somebody away": direct * (1 - be.online_share),
        "a push": away * JOBS_PER_TEXT,
        "a receipt": (heard + away) * be.receipts,
        "typing": be.messages * be.typing,
        "a batch of the delivery watch": be.messages,
        "a connection": connects,
        "a disconnection": connects,
        "a sync without anything missed": connects,
        "a ping": be.hours_online * be.devices * 3600 / PING_SECONDS,
        "ticket": connects,
        "refresh": refreshes,
        "sign-in": be.sign_ins,
        "registration of a device": be.sign_ins,
        "a file sent": be.messages * be.files,
        "a file got": got * be.files,
    }
    found = {name: (ACTS[name], each) for name, each in number.items()}
    found["a text to a group"] = (to_group(be.group_size, be.online_share), group)
    return found


@dataclass(frozen=True)
class Load:
    """What `users` of a behaviour do to one deployment."""

    users: int
    behaviour: Behaviour = field(default_factory=Behaviour)

    @property
    def acts(self) -> Mapping[str, tuple[Act, float]]:
        """name -> the act, and how many of it a user does in a day."""
        return acts_of(self.behaviour)

    def rate(self, name: str) -> float:
        """How often an act happens in a second of the busiest hour."""
        return self.acts[name][1] * self.users / DAY * self.behaviour.peak

    def peak(self, of: str) -> float:
        """The sum of an attribute of the acts, a second, in the busiest hour."""
        return float(
            sum(getattr(act, of) * self.rate(name) for name, (act, _) in self.acts.items())
        )

    @property
    def messages(self) -> float:
        """Sent, a second, in the busiest hour."""
        return self.behaviour.messages * self.users / DAY * self.behaviour.peak

    @property
    def connections(self) -> float:
        """Open ones in the busiest hour, as far as the peak allows."""
        be = self.behaviour
        share = min(1.0, be.hours_online / 24 * be.peak)
        return self.users * be.devices * share

    @property
    def concurrency(self) -> float:
        """Executions at once, by Little's law."""
        return sum(act.duration_ms / 1000 * self.rate(name) for name, (act, _) in self.acts.items())

    @property
    def partitions(self) -> int:
        """The partitions of all tables, which DynamoDB has to split for these writes."""
        return max(PARTITIONS_AT_FIRST, math.ceil(self.peak("writes") / PARTITION_WRITES))

    def dollars(self) -> dict[str, float]:
        """A month's US$, by what is paid for, without what an environment costs at rest."""
        be = self.behaviour
        monthly = {
            name: number * self.users * DAYS / prices.MILLION * per_million(act)
            for name, (act, number) in self.acts.items()
        }
        texts = sum(value for name, value in monthly.items() if name.startswith("a text"))
        delivery = monthly["a receipt"] + monthly["a batch of the delivery watch"]
        sign_ins = sum(monthly[name] for name in SIGN_INS)
        files = monthly["a file sent"] + monthly["a file got"]
        minutes = self.users * be.devices * be.hours_online * 60 * DAYS
        rest = sum(monthly.values()) - texts - delivery - sign_ins - files - monthly["a push"]
        users = max(0, self.users - prices.COGNITO_FREE_USERS)
        return {
            "messages": texts,
            "receipts and delivery watch": delivery,
            "pushes": monthly["a push"],
            "connects, syncs, pings, typing": rest,
            "connection minutes": minutes * prices.CONNECTION_MINUTE,
            "sign-ins, tokens, tickets": sign_ins,
            "files, besides storage and transfer": files,
            "users in Cognito": users * prices.COGNITO_USER,
        }


SIGN_INS = ("ticket", "refresh", "sign-in", "registration of a device")
