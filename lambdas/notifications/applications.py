"""SNS platform applications, a type that CloudFormation lacks, and the secrets they need."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

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
    may_be_too_new,
    name_of,
)
from lambdas.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient

Attributes = Mapping[str, str]
Result = TypeVar("Result")

# A call that fails because IAM has not spread a change yet is tried again so long, in seconds, for
# all of an invocation. Terraform waits a minute for the same (aws_sns_platform_application).
PATIENCE, PAUSE = 60, 5


class Applications:
    """The platform applications of one environment.

    `before_call` is called before each call to AWS, and raises DeploymentError when there is no
    time left for it. `changed` is whether anything may have been changed so far.
    """

    def __init__(
        self,
        sns: "SNSClient",
        secrets: "SecretsManagerClient",
        before_call: Callable[[], None],
        sleep: Callable[[float], None],
    ) -> None:
        self._sns = sns
        self._secrets = secrets
        self._before_call = before_call
        self._sleep = sleep
        self._patience = PATIENCE
        self.changed = False

    def apply(self, stack_id: str, prefix: str, properties: Mapping[str, str]) -> None:
        """Brings SNS up to date with the secrets. Raises DeploymentError and botocore's errors."""
        # all secrets first, so that an invalid one changes nothing
        wanted = {platform: self._attributes(platform, properties) for platform in PLATFORMS}
        for platform, attributes in wanted.items():
            self._apply(stack_id, prefix, platform, attributes)
        # and logs last: a role that SNS does not take yet keeps no credential from it
        for platform, attributes in wanted.items():
            if attributes is not None:
                self._log(stack_id, prefix, platform, feedback_attributes(properties))

    def restore(
        self,
        stack_id: str,
        prefix: str,
        properties: Mapping[str, str],
        undone: Mapping[str, str],
    ) -> None:
        """Undoes an update of the properties `undone`, as far as that is possible; never raises.

        A secret that both versions of the properties name was read by the update itself: it was
        invalid, or SNS has it already. So only a secret that is named again is read.
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
            except (DeploymentError, ClientError, BotoCoreError) as error:
                logger.warning(
                    "an application was left as it is",
                    extra={"platform": platform.suffix, "fault": type(error).__name__},
                )
            self._log(stack_id, prefix, platform, feedback)

    def remove(self, stack_id: str, prefix: str) -> None:
        """Idempotent; also where none was ever made."""
        for platform in PLATFORMS:
            self._delete(application_arn(stack_id, platform, prefix))

    def _attributes(self, platform: Platform, properties: Mapping[str, str]) -> Attributes | None:
        arn = properties.get(platform.secret, "")
        return application_attributes(platform, self._secret(platform, arn)) if arn else None

    def _secret(self, platform: Platform, arn: str) -> str:
        try:
            found = self._call(lambda: self._secrets.get_secret_value(SecretId=arn))
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
            # a secret that was created without a value has no version to read
            if code == "ResourceNotFoundException" and "secret value" in message:
                return ""
            unreadable = f"the secret in {platform.secret} can't be read: {code}"
            raise DeploymentError(unreadable) from None
        return found.get("SecretString", "")

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
            what = "rejected the credential" if code in INVALID else "could not take the credential"
            raise DeploymentError(f"SNS {what} in {platform.secret}: {code}") from None

    def _put(self, arn: str, platform: Platform, name: str, attributes: Attributes) -> None:
        if self._found(arn) is not None:  # Create fails if the application has another credential
            self._set(arn, attributes)
            return
        made = self._change(
            lambda: self._sns.create_platform_application(
                Name=name, Platform=platform.sns, Attributes=attributes
            )
        )
        if made["PlatformApplicationArn"] != arn:
            raise DeploymentError(f"SNS made {made['PlatformApplicationArn']}, not {arn}")

    def _log(self, stack_id: str, prefix: str, platform: Platform, feedback: Attributes) -> None:
        """Starts or ends SNS's log of the platform's responses. Pushes go out without these logs
        too, so an error here is only logged."""
        arn = application_arn(stack_id, platform, prefix)
        try:
            known = self._found(arn)
            if known is not None and any(known.get(key, "") != feedback[key] for key in feedback):
                self._set(arn, feedback)
        except (DeploymentError, ClientError, BotoCoreError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
            logger.warning(
                "SNS logs this platform's responses as before",
                extra={"platform": platform.suffix, "fault": code or type(error).__name__},
            )

    def _set(self, arn: str, attributes: Attributes) -> None:
        self._change(
            lambda: self._sns.set_platform_application_attributes(
                PlatformApplicationArn=arn, Attributes=attributes
            )
        )

    def _delete(self, arn: str) -> None:
        if self._found(arn) is not None:
            self._change(lambda: self._sns.delete_platform_application(PlatformApplicationArn=arn))

    def _found(self, arn: str) -> Attributes | None:
        """The application's attributes, without its credential; None if there is none."""
        try:
            return self._call(
                lambda: self._sns.get_platform_application_attributes(PlatformApplicationArn=arn)
            )["Attributes"]
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return None
            raise

    def _change(self, call: Callable[[], Result]) -> Result:
        def changing() -> Result:
            self.changed = True
            return call()

        return self._call(changing)

    def _call(self, call: Callable[[], Result]) -> Result:
        """Calls SNS, and repeats it while IAM may not have spread a change to all places yet."""
        while True:
            self._before_call()
            try:
                return call()
            except ClientError as error:
                code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
                if self._patience <= 0 or not may_be_too_new(code, message):
                    raise
                self._patience -= PAUSE
                logger.info(
                    "rejected, perhaps because IAM has not spread a change yet",
                    extra={"fault": code},
                )
                self._sleep(PAUSE)
