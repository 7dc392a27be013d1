"""Settings of a release: how a new version of the code takes over from the one before."""

from dataclasses import dataclass
from typing import Literal, get_args

from stacks.config.errors import require_one_of
from stacks.config.type_checks import require_types

# The deployment configurations that CodeDeploy has for Lambda, without CodeDeployDefault.Lambda:
# https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
Shifting = Literal[
    "canary_10_percent_5_minutes",
    "canary_10_percent_10_minutes",
    "canary_10_percent_15_minutes",
    "canary_10_percent_30_minutes",
    "linear_10_percent_every_1_minute",
    "linear_10_percent_every_2_minutes",
    "linear_10_percent_every_3_minutes",
    "linear_10_percent_every_10_minutes",
    "all_at_once",
]


@dataclass(frozen=True, kw_only=True)
class Releases:
    """`shifting` is how CodeDeploy moves the requests of a function to its new version; errors of
    that version roll the deployment back. With None there are no versions: what is deployed serves
    at once.

    `task_alarms`: the deployment of a container pool is rolled back while its tasks return 5xx as
    well, and not only when they do not start.
    """

    shifting: Shifting | None = None
    task_alarms: bool = False

    def __post_init__(self) -> None:
        require_types(self, "releases.")
        allowed = get_args(Shifting)
        require_one_of(
            (*allowed, None), "releases.shifting", self.shifting, f"{', '.join(allowed)}, none"
        )
