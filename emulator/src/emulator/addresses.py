"""The local addresses of what has an address on AWS.

The template's addresses are built from ids (`wss://<api>.execute-api.<region>...`). They stay as
they are in resources, and are replaced in the environment of whatever runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from emulator.credentials import ACCESS_KEY, SECRET_KEY
from emulator.template.place import url_suffix_of

_SERVICES = (
    "COGNITO_IDENTITY_PROVIDER",
    "DYNAMODB",
    "DYNAMODB_STREAMS",
    "KMS",
    "S3",
    "SECRETS_MANAGER",
    "SNS",
    "SQS",
)


@dataclass(frozen=True)
class Addresses:
    """`aws` is the URL of the emulated AWS, `web_push` that of a push service for browsers that
    have none: functions may push to endpoints there too. `elsewhere` holds
    AWS_ENDPOINT_URL_<SERVICE> variables that point a service at another emulator. `named` has the
    URL here by the URL with a domain name of the template's."""

    region: str
    aws: str
    api_id: str
    websocket: str
    management: str
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    web_push: str = ""
    named: Mapping[str, str] = field(default_factory=dict)

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """`variables` for a process that runs here: addresses replaced, AWS endpoints and
        credentials added."""
        end = f"{self.region}.{url_suffix_of(self.region)}"
        domain = f"{self.api_id}.execute-api.{end}"
        # a bucket's name is in the path here, and not in the host's
        bucket = rf"https://([a-z0-9.-]+)\.s3\.{re.escape(end)}"
        buckets = rf"{self.endpoint('s3')}/\1"
        replaced = {
            name: re.sub(bucket, buckets, str(value))
            .replace(f"wss://{domain}", self.websocket)
            .replace(f"https://{domain}", self.management)
            for name, value in variables.items()
        }
        for url, here in self.named.items():
            whole = re.compile(rf"{re.escape(url)}(?![\w.:-])")
            replaced = {name: whole.sub(here, value) for name, value in replaced.items()}
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.aws,
            **{f"AWS_ENDPOINT_URL_{service}": self.aws for service in _SERVICES},
            **({"EMULATOR_WEB_PUSH_URL": self.web_push} if self.web_push else {}),
            **self.elsewhere,
            **replaced,
        }

    def endpoint(self, service: str) -> str:
        """The URL for a boto3 service name, e.g. `cognito-idp`."""
        variable = _VARIABLES.get(service, service.upper().replace("-", "_"))
        return self.elsewhere.get(f"AWS_ENDPOINT_URL_{variable}", self.aws)


_VARIABLES = {
    "cognito-idp": "COGNITO_IDENTITY_PROVIDER",
    "dynamodbstreams": "DYNAMODB_STREAMS",
    "secretsmanager": "SECRETS_MANAGER",
}


def elsewhere(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables in `environ` that point single services at another emulator."""
    return {
        name: value
        for name, value in environ.items()
        if name.startswith("AWS_ENDPOINT_URL_") and value
    }
