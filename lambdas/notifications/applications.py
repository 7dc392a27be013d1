"""SNS platform applications, a type that CloudFormation lacks, and the secrets they need."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.notifications.credentials import (
    GONE,
    INVALID,
    PLATFORMS,
    DeploymentError,
    Platform,
    application_arn,
    application_attributes,
    feedback_attributes,
    name_of,
)
from lambdas.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient

Attributes = Mapping[str, str]


class Applications:
    """The platform applications of one environment.

    `before_call` is called before each call to AWS, and raises DeploymentError when there is no
    time left for it. `changed` is whether anything may have been changed so far.
    """

    def __init__(
        self, sns: "SNSClient", secrets: "SecretsManagerClient", before_call: Callable[[], None]
    ) -> None:
        self._sns = sns
        self._secrets = secrets
        self._before_call = before_call
        self.changed = False

    def apply(self, stack_id: str, prefix: str, properties: Mapping[str, str]) -> None:
        """Brings SNS up to date with the secrets. Raises DeploymentError and botocore's errors."""
        # all secrets first, so that an invalid one changes nothing
        wanted = {platform: self._attributes(platform, properties) for platform in PLATFORMS}
        for platform, attributes in wanted.items():
            self._apply(stack_id, prefix, platform, attributes)

    def restore(
        self,
        stack_id: str,
        prefix: str,
        properties: Mapping[str, str],
        undone: Mapping[str, str],
    ) -> None:
        """Undoes an update of the properties `undone`, as far as that is possible; never raises.

        A secret that both name was read by the update itself: it was invalid, or SNS has it
        already. Only a secret that is named again is read.
        """
        feedback = feedback_attributes(properties)
        for platform in PLATFORMS:
            again = properties.get(platform.secret, "") != undone.get(platform.secret, "")
            if not again and feedback == feedback_attributes(undone):
                continue
            try:
                if again:
                    attributes = self._attributes(platform, properties)
                    self._apply(stack_id, prefix, platform, attributes)
                else:
                    self._log_again(application_arn(stack_id, platform, prefix), feedback)
            except (DeploymentError, ClientError, BotoCoreError) as error:
                logger.warning(
                    "an application was left as it is",
                    extra={"platform": platform.suffix, "fault": type(error).__name__},
                )

    def remove(self, stack_id: str, prefix: str) -> None:
        """Idempotent; also where none was ever made."""
        for platform in PLATFORMS:
            self._delete(application_arn(stack_id, platform, prefix))

    def _attributes(self, platform: Platform, properties: Mapping[str, str]) -> Attributes | None:
        arn = properties.get(platform.secret, "")
        attributes = application_attributes(platform, self._secret(platform, arn)) if arn else None
        return attributes and attributes | feedback_attributes(properties)

    def _secret(self, platform: Platform, arn: str) -> str:
        self._before_call()
        try:
            return self._secrets.get_secret_value(SecretId=arn).get("SecretString", "")
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
            # a secret that was created without a value has no version to read
            if code == "ResourceNotFoundException" and "secret value" in message:
                return ""
            unreadable = f"the secret in {platform.secret} can't be read: {code}"
            raise DeploymentError(unreadable) from None

    def _apply(
        self, stack_id: str, prefix: str, platform: Platform, attributes: Attributes | None
    ) -> None:
        arn = application_arn(stack_id, platform, prefix)
        if attributes is None:
            logger.info("the secret is empty: push is off", extra={"platform": platform.suffix})
            self._delete(arn)
            return
        try:
            self._put(arn, platform, name_of(platform, prefix), attributes)
        except ClientError as error:
            # without SNS's message: it may quote parameters, and one of them is a credential
            code = error.response["Error"]["Code"]
            what = "refused the credential" if code in INVALID else "could not take the credential"
            raise DeploymentError(f"SNS {what} in {platform.secret}: {code}") from None

    def _put(self, arn: str, platform: Platform, name: str, attributes: Attributes) -> None:
        known = self._found(arn)
        if known is not None:  # Create fails if the application has another credential
            self._set(arn, {key: each for key, each in attributes.items() if each or key in known})
            return
        self._before_change()
        given = {key: each for key, each in attributes.items() if each}
        made = self._sns.create_platform_application(
            Name=name, Platform=platform.sns, Attributes=given
        )
        if made["PlatformApplicationArn"] != arn:
            raise DeploymentError(f"SNS made {made['PlatformApplicationArn']}, not {arn}")

    def _log_again(self, arn: str, feedback: Attributes) -> None:
        if self._found(arn) is not None:
            self._set(arn, feedback)

    def _set(self, arn: str, attributes: Attributes) -> None:
        self._before_change()
        self._sns.set_platform_application_attributes(
            PlatformApplicationArn=arn, Attributes=attributes
        )

    def _delete(self, arn: str) -> None:
        if self._found(arn) is not None:
            self._before_change()
            self._sns.delete_platform_application(PlatformApplicationArn=arn)

    def _found(self, arn: str) -> Attributes | None:
        """The application's attributes, without its credential; None if there is none."""
        self._before_call()
        try:
            return self._sns.get_platform_application_attributes(PlatformApplicationArn=arn)[
                "Attributes"
            ]
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return None
            raise

    def _before_change(self) -> None:
        self._before_call()
        self.changed = True
