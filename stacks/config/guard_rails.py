"""Settings that the owner of an account wants: tokens' lives, a boundary, tags and a budget."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from stacks.config.arns import ACCOUNT
from stacks.config.errors import require, require_between
from stacks.config.type_checks import require_types

BOUNDARY = re.compile(
    rf"arn:aws[a-z-]*:iam::(?P<account>{ACCOUNT}):policy/(?:[\w+=,.@-]+/)*[\w+=,.@-]{{1,128}}",
    re.ASCII,
)
# docs.aws.amazon.com/general/latest/gr/tag-conventions.html
TAG = re.compile(r"(?P<key>[\w .:/+@-]{1,128})=(?P<value>[\w .:/=+@-]{0,256})")
MOST_TAGS = 40  # of 50 that a resource may have; project, environment, pool and CDK's are others
OURS = ("project", "environment", "pool")


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """The lives of Cognito's tokens. A user who is locked out loses access at the end of the access
    token, so a shorter life is safer. It costs more refreshes: Cognito takes 120 a second in an
    account and region.
    """

    access_minutes: int = 60
    refresh_days: int = 30

    def __post_init__(self) -> None:
        require_types(self, "tokens.")
        # docs.aws.amazon.com/cognito/latest/developerguide/
        # amazon-cognito-user-pools-using-tokens-with-identity-providers.html
        access, refresh = self.access_minutes, self.refresh_days
        require_between(5, 1_440, "tokens.access_minutes", access, "a life in minutes")
        require_between(1, 3_650, "tokens.refresh_days", refresh, "a life in days")
        require(
            refresh * 1_440 > access,
            "tokens.refresh_days",
            refresh,
            f"Cognito wants it to outlive tokens.access_minutes, which is {access}",
            "Raise tokens.refresh_days, or lower tokens.access_minutes",
        )

    @property
    def sign_in_seconds(self) -> int:
        """Until the last access token that a refresh token makes has expired."""
        return self.refresh_days * 86_400 + self.access_minutes * 60


@dataclass(frozen=True, kw_only=True)
class GuardRails:
    """permission_boundary: the ARN of a policy that limits every role of the environment.
    tags: `key=value`, on everything that has tags. monthly_budget: US$ of the whole account.
    alarms_email is notified when 80 % of it are spent, and when the forecast of a month is above
    it.
    """

    permission_boundary: str | None = None
    tags: tuple[str, ...] = ()
    monthly_budget: int | None = None

    def __post_init__(self) -> None:
        require_types(self, "guard_rails.")
        boundary = self.permission_boundary
        require(
            boundary is None or bool(BOUNDARY.fullmatch(boundary)),
            "guard_rails.permission_boundary",
            boundary,
            "it is the ARN of a policy of the account, arn:aws:iam::<account>:policy/<name>",
            "Set guard_rails.permission_boundary to such an ARN, or to none",
        )
        if self.monthly_budget is not None:
            name = "guard_rails.monthly_budget"
            require_between(1, 10_000_000, name, self.monthly_budget, "a budget in US$")
        self._check_tags()

    def _check_tags(self) -> None:
        rule = "a tag is key=value, of at most 128 and 256 letters, digits, spaces and .:/+@-"
        for tag in self.tags:
            found = TAG.fullmatch(tag)
            reserved = bool(found) and tag.lower().startswith("aws:")
            require(
                found is not None and not reserved and found["key"].lower() not in OURS,
                "guard_rails.tags",
                tag,
                f"{rule}; keys that start with aws: are AWS's, and {', '.join(OURS)} are set here",
                "Choose another key or value",
            )
        # "Tag keys are not case sensitive" in IAM, whose roles have the tags as well:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
        keys = [key.lower() for key, _ in self.tagged()]
        require(
            len(keys) == len(set(keys)) and len(keys) <= MOST_TAGS,
            "guard_rails.tags",
            ", ".join(self.tags),
            f"each key stands once, in whatever case, and there are at most {MOST_TAGS} tags",
            "Remove some",
        )

    def tagged(self) -> Iterator[tuple[str, str]]:
        for tag in self.tags:
            key, _, value = tag.partition("=")
            yield key, value

    def check_environment(self, account: str | None, email: str | None) -> None:
        """Raises ConfigError where the rest of the environment does not go with it."""
        found = BOUNDARY.fullmatch(self.permission_boundary or "")
        require(
            found is None or account is None or found["account"] == account,
            "guard_rails.permission_boundary",
            self.permission_boundary,
            f"a role's boundary is a policy of its own account, which is {account}",
            "Set guard_rails.permission_boundary to the ARN of one there",
        )
        require(
            self.monthly_budget is None or email is not None,
            "guard_rails.monthly_budget",
            self.monthly_budget,
            "it notifies alarms_email, which is None",
            "Set alarms_email, or guard_rails.monthly_budget to none",
        )
