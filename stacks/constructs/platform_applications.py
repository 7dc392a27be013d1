"""The SNS platform applications, which send pushes to FCM and APNs."""

from aws_cdk import CustomResource, Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.config.environments import Environment
from stacks.constructs.grants import Resource, arn
from stacks.constructs.push_feedback import PushFeedback
from stacks.constructs.retention import removal_policy

SECRETS = {  # secret -> the setting with the ARN of an existing one
    "Fcm": "fcm_secret_arn",
    "Apns": "apns_secret_arn",
    "ApnsSandbox": "apns_sandbox_secret_arn",
}


class PushCredentials(Construct):
    """One secret per platform: the environment's own, or an empty one to fill, encrypted with the
    stack's key.

    Empty means without a value (CDK's Secret would generate one), so that a platform that is not
    set up differs from one with a wrong credential.
    """

    def __init__(
        self, scope: Construct, id: str, *, config: Environment, key: kms.IKey | None
    ) -> None:
        super().__init__(scope, id)
        self.arns = {
            platform: getattr(config.push, setting) or self._empty(platform, config, key)
            for platform, setting in SECRETS.items()
        }
        own_key = config.push.secret_key_arn
        self.resource = Resource(
            tuple(self.arns.values()),
            # the stack's key encrypts no secret if all are the environment's own
            None if all(config.push.own_secrets) else key,
            "secretsmanager",
            other_keys=(own_key,) if own_key else (),
        )

    def _empty(self, platform: str, config: Environment, key: kms.IKey | None) -> str:
        secret = secretsmanager.CfnSecret(
            self,
            platform,
            description=f"Push credential of {config.project} {config.name} for {platform}",
            kms_key_id=key.key_arn if key else None,
        )
        secret.apply_removal_policy(removal_policy(config))
        return secret.ref


class PlatformApplications(Construct):
    """A custom resource, since CloudFormation has no type for platform applications.

    Their names start with `prefix`; a platform whose secret is empty has no application.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: Environment,
        function: lambda_.Function,
        credentials: PushCredentials,
        feedback: PushFeedback | None,
    ) -> None:
        super().__init__(scope, id)
        CustomResource(
            self,
            "Applications",
            service_token=function.function_arn,
            resource_type="Custom::PlatformApplications",
            service_timeout=Duration.minutes(5),
            # Not RetainExceptOnCreate: a new stack adopts the applications that an earlier one
            # left, and its rollback would delete them with all their endpoints.
            removal_policy=RemovalPolicy.RETAIN if config.retain else RemovalPolicy.DESTROY,
            properties={
                **{f"{name}SecretArn": value for name, value in credentials.arns.items()},
                "NamePrefix": prefix(config),
                "CredentialsVersion": config.push.credentials_version,
                **(
                    {
                        "FeedbackRoleArn": feedback.role.role_arn,
                        "FeedbackPercent": config.push.feedback_percent,
                    }
                    if feedback
                    else {}
                ),
            },
        )


def application_variables(scope: Construct, config: Environment) -> dict[str, str]:
    """The applications' ARNs, which follow from their names, whether or not there is a credential.

    An attribute of the custom resource would be exported for the API, and would be empty without a
    credential: CloudFormation rejects an empty export, and every change of one that is imported.
    docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
    """
    return {
        f"{variable}_APPLICATION_ARN": arn(scope, "sns", f"app/{name}")
        for variable, name in names(config).items()
    }


def prefix(config: Environment) -> str:
    return f"{config.project}-{config.name}"


def platform_resources(scope: Construct, config: Environment) -> dict[str, Resource]:
    """By name, since at synth it is unknown which applications exist.

    Creating one needs a permission on `app/` without its name.
    """
    applications = names(config).values()
    return {
        "any_platform_application": Resource((arn(scope, "sns", "app/*"),)),
        "platform_applications": Resource(
            tuple(arn(scope, "sns", f"app/{each}") for each in applications)
        ),
        "platform_endpoints": Resource(
            tuple(arn(scope, "sns", f"endpoint/{each}/*") for each in applications)
        ),
    }


def names(config: Environment) -> dict[str, str]:
    """SNS's platform and the application's name, by the prefix of the variable."""
    return {
        "FCM": f"GCM/{prefix(config)}-fcm",
        "APNS": f"APNS/{prefix(config)}-apns",
        "APNS_SANDBOX": f"APNS_SANDBOX/{prefix(config)}-apns-sandbox",
    }
