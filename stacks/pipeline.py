"""The pipeline stack: the role with which a GitHub workflow deploys the environment."""

from aws_cdk import Aws, CfnOutput, DefaultStackSynthesizer, Duration
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.config.environments import Environment
from stacks.constructs.grants import arn
from stacks.stack import EnvironmentStack

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
# The roles of `cdk bootstrap` that a deployment assumes; CloudFormation has the one that makes
# resources. docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
BOOTSTRAP_ROLES = ("deploy", "file-publishing", "image-publishing", "lookup")


class PipelineStack(EnvironmentStack):
    """To be deployed by a person first: `make deploy stacks=Pipeline`.

    The role itself may do nothing but assume the bootstrap roles, and look up the outputs that
    `make doctor` needs. There is no key to leak: GitHub's token is good for minutes, and is
    accepted from one environment of one repository alone.
    """

    def __init__(self, scope: Construct, id: str, *, config: Environment) -> None:
        super().__init__(scope, id, config=config, description="Role of the GitHub workflow")
        role = iam.Role(
            self,
            "DeployRole",
            assumed_by=iam.FederatedPrincipal(
                self._provider(),
                {
                    "StringEquals": {
                        f"{ISSUER}:aud": AUDIENCE,
                        f"{ISSUER}:sub": config.pipeline.subject,
                    }
                },
                "sts:AssumeRoleWithWebIdentity",
            ),
            max_session_duration=Duration.hours(8),
        )
        qualifier = (
            self.node.try_get_context("@aws-cdk/core:bootstrapQualifier")
            or DefaultStackSynthesizer.DEFAULT_QUALIFIER
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["sts:AssumeRole"],
                resources=[
                    f"arn:{Aws.PARTITION}:iam::{self.account}:role/"
                    f"cdk-{qualifier}-{name}-role-{self.account}-{self.region}"
                    for name in BOOTSTRAP_ROLES
                ],
            )
        )
        web = f"stack/{config.project}-{config.name}-web/*"
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["cloudformation:DescribeStacks"],
                resources=[arn(self, "cloudformation", web)],
            )
        )
        CfnOutput(self, "DeployRoleArn", value=role.role_arn)

    def _provider(self) -> str:
        """The ARN of the account's provider. AWS knows GitHub's certificates by itself."""
        if self.config.pipeline.new_provider:
            return iam.CfnOIDCProvider(
                self, "GitHub", url=f"https://{ISSUER}", client_id_list=[AUDIENCE]
            ).attr_arn
        return f"arn:{Aws.PARTITION}:iam::{self.account}:oidc-provider/{ISSUER}"
