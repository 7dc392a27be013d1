"""The base class of all stacks of an environment."""

from aws_cdk import Environment as Location
from aws_cdk import Stack
from constructs import Construct

from stacks.config.environments import Environment


class EnvironmentStack(Stack):
    """Named <project>-<environment>-<id in lower case>.

    Protected with `deletion_protection`, not with `retain` already: a first deployment that failed
    leaves a stack that has to be deleted before the next one.
    """

    def __init__(self, scope: Construct, id: str, *, config: Environment, description: str) -> None:
        super().__init__(
            scope,
            id,
            stack_name=f"{config.project}-{config.name}-{id.lower()}",
            description=description,
            env=Location(account=config.account, region=config.region),
            termination_protection=config.deletion_protection,
        )
        self.config = config
