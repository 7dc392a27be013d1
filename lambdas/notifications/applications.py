"""SNS platform applications, which CloudFormation has no type for, and the secrets behind them."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.notifications.credentials import (
    GONE,
    INVALID,
    PLATFORMS,
    Platform,
    Refused,
    application_arn,
    application_attributes,
    name_of,
)
from lambdas.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient

Attributes = Mapping[str, str]


class Applications:
    """The platform applications of one environment.

    `before_call` is called before each call to AWS, and raises Refused when there is no time left
    for it. `changed` says whether anything may have been changed so far.
    """

    def __init__(
        self, sns: "SNSClient", secrets: "SecretsManagerClient", before_call: Callable[[], None]
    ) -> None:
        self._sns = sns
        self._secrets = secrets
        self._before_call = before_call
        self.changed = False

    def apply(self, stack_id: str, prefix: str, secret_arns: Mapping[str, str]) -> None:
        """Makes SNS hold what the secrets hold. Raises Refused, and what botocore raises."""
        # all secrets first: one that is refused changes nothing
        wanted = {platform: self._wanted(platform, secret_arns) for platform in PLATFORMS}
        for platform, attributes in wanted.items():
            self._bring(stack_id, prefix, platform, attributes)

    def restore(
        self,
        stack_id: str,
        prefix: str,
        secret_arns: Mapping[str, str],
        undone: Mapping[str, str],
    ) -> None:
        """Undoes an update that had the secrets `undone`, as far as that is possible; never raises.

        A secret that is named by both was read by the update itself: it was refused, or SNS holds
        it already. Only one that is named again is read.
        """
        for platform in PLATFORMS:
            if secret_arns.get(platform.secret, "") == undone.get(platform.secret, ""):
                continue
            try:
                attributes = self._wanted(platform, secret_arns)
                self._bring(stack_id, prefix, platform, attributes)
            except (Refused, ClientError, BotoCoreError) as fault:
                logger.warning(
                    "an application was left as it is",
                    extra={"platform": platform.suffix, "fault": type(fault).__name__},
                )

    def remove(self, stack_id: str, prefix: str) -> None:
        """Idempotent; also where none was ever made."""
        for platform in PLATFORMS:
            self._delete(application_arn(stack_id, platform, prefix))

    def _wanted(self, platform: Platform, secret_arns: Mapping[str, str]) -> Attributes | None:
        arn = secret_arns.get(platform.secret, "")
        return application_attributes(platform, self._secret(platform, arn)) if arn else None

    def _secret(self, platform: Platform, arn: str) -> str:
        self._before_call()
        try:
            return self._secrets.get_secret_value(SecretId=arn).get("SecretString", "")
        except ClientError as fault:
            error = fault.response["Error"]
            # a secret that was made without a value has no version to read
            if error["Code"] == "ResourceNotFoundException" and "secret value" in error["Message"]:
                return ""
            code = error["Code"]
            raise Refused(f"the secret in {platform.secret} can't be read: {code}") from None

    def _bring(
        self, stack_id: str, prefix: str, platform: Platform, attributes: Attributes | None
    ) -> None:
        arn = application_arn(stack_id, platform, prefix)
        if attributes is None:
            logger.info("the secret is empty: push is off", extra={"platform": platform.suffix})
            self._delete(arn)
            return
        try:
            self._put(arn, platform, name_of(platform, prefix), attributes)
        except ClientError as fault:
            # not the fault's own words: SNS quotes parameters in some, and one is a credential
            code = fault.response["Error"]["Code"]
            said = "refused the credential" if code in INVALID else "could not take the credential"
            raise Refused(f"SNS {said} in {platform.secret}: {code}") from None

    def _put(self, arn: str, platform: Platform, name: str, attributes: Attributes) -> None:
        if self._exists(arn):  # Create refuses an application that has another credential
            self._before_change()
            self._sns.set_platform_application_attributes(
                PlatformApplicationArn=arn, Attributes=attributes
            )
            return
        self._before_change()
        made = self._sns.create_platform_application(
            Name=name, Platform=platform.sns, Attributes=attributes
        )
        if made["PlatformApplicationArn"] != arn:
            raise Refused(f"SNS made {made['PlatformApplicationArn']}, not {arn}")

    def _delete(self, arn: str) -> None:
        if self._exists(arn):
            self._before_change()
            self._sns.delete_platform_application(PlatformApplicationArn=arn)

    def _exists(self, arn: str) -> bool:
        self._before_call()
        try:
            self._sns.get_platform_application_attributes(PlatformApplicationArn=arn)
        except ClientError as fault:
            if fault.response["Error"]["Code"] in GONE:
                return False
            raise
        return True

    def _before_change(self) -> None:
        self._before_call()
        self.changed = True
