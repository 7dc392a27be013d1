"""What AWS allows in an environment, and is hardly meant to stay so. Said at synthesis."""

from collections.abc import Iterator

from stacks.config.environments import Environment
from stacks.config.regions import MOBILE_PUSH_REGIONS
from stacks.config.warnings import Warning


def warnings_for(environment: Environment) -> Iterator[Warning]:
    if environment.retain and environment.alarms_email is None:
        yield (
            "alarms-email",
            "alarms_email is None: the alarms of this environment tell nobody. Set it to an "
            "address, and confirm the mail that it gets.",
        )
    if environment.retain and not environment.deletion_protection:
        yield (
            "deletion-protection",
            "deletion_protection is False: a person may still delete tables, users and load "
            "balancers. Set it to true once the first deployment stands; before, it would refuse "
            "the rollback of one that fails.",
        )
    if environment.region is not None and environment.region not in MOBILE_PUSH_REGIONS:
        yield (
            "mobile-push",
            f"region is '{environment.region}': Amazon SNS has no mobile push there, so a "
            "credential for FCM or APNs can't be used and no phone is woken. Leave the push "
            "secrets empty, or choose a region that has it.",
        )
