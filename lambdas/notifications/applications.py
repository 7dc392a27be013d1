"""SNS platform applications, which CloudFormation has no type for, and the secrets behind them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lambdas.notifications.credentials import (
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


class Applications:
    """The platform applications of one environment."""

    def __init__(self, sns: "SNSClient", secrets: "SecretsManagerClient") -> None:
        self._sns = sns
        self._secrets = secrets

    def apply(self, stack_id: str, prefix: str, secret_arns: Mapping[str, str]) -> dict[str, str]:
        """Makes SNS hold what the secrets hold; the ARNs, "" where there is no application."""
        # all secrets first: one that is refused changes nothing
        wanted = {platform: self._wanted(platform, secret_arns) for platform in PLATFORMS}
        arns = {}
        for platform, attributes in wanted.items():
            arn = application_arn(stack_id, platform, prefix)
            if attributes is None:
                logger.info("the secret is empty: push is off", extra={"platform": platform.suffix})
                self._delete(arn)
                arns[platform.attribute] = ""
            else:
                self._put(arn, platform, name_of(platform, prefix), attributes)
                arns[platform.attribute] = arn
        return arns

    def remove(self, stack_id: str, prefix: str) -> None:
        """Idempotent; also where none was ever made."""
        for platform in PLATFORMS:
            self._delete(application_arn(stack_id, platform, prefix))

    def _wanted(self, platform: Platform, secret_arns: Mapping[str, str]) -> dict[str, str] | None:
        arn = secret_arns.get(platform.secret, "")
        return application_attributes(platform, self._secret(arn)) if arn else None

    def _secret(self, arn: str) -> str:
        try:
            return self._secrets.get_secret_value(SecretId=arn).get("SecretString", "")
        except ClientError as fault:
            error = fault.response["Error"]
            # a secret that was made without a value has no version to read
            if error["Code"] == "ResourceNotFoundException" and "secret value" in error["Message"]:
                return ""
            raise

    def _put(self, arn: str, platform: Platform, name: str, attributes: dict[str, str]) -> None:
        try:
            if self._exists(arn):  # Create refuses an application that has another credential
                self._sns.set_platform_application_attributes(
                    PlatformApplicationArn=arn, Attributes=attributes
                )
                return
            made = self._sns.create_platform_application(
                Name=name, Platform=platform.sns, Attributes=attributes
            )
        except ClientError as fault:
            code = fault.response["Error"]["Code"]
            if code not in ("InvalidParameter", "InvalidParameterException"):
                raise
            raise Refused(f"SNS refused the credential in {platform.secret}: {code}") from None
        if made["PlatformApplicationArn"] != arn:
            raise Refused(f"SNS made {made['PlatformApplicationArn']}, not {arn}")

    def _delete(self, arn: str) -> None:
        if self._exists(arn):
            self._sns.delete_platform_application(PlatformApplicationArn=arn)

    def _exists(self, arn: str) -> bool:
        try:
            self._sns.get_platform_application_attributes(PlatformApplicationArn=arn)
        except ClientError as fault:
            if fault.response["Error"]["Code"] in ("NotFound", "NotFoundException"):
                return False
            raise
        return True
