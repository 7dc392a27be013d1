"""The name a target answers by: `x-served-by: <pool>/<instance>` shows how load is spread."""

import re
import secrets

from lambdas.settings import Settings

LENGTH = 12


def served_by(settings: Settings) -> str:
    """Read once per process: a Lambda's log stream, an ECS task's container id, or a random id."""
    return f"{settings['POOL_NAME']}/{_instance(settings)}"


def _instance(settings: Settings) -> str:
    # 2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef, one for each execution environment
    stream = settings.get("AWS_LAMBDA_LOG_STREAM_NAME")
    # http://169.254.170.2/v4/<container id>-<number>
    container = settings.get("ECS_CONTAINER_METADATA_URI_V4").rpartition("/")[2]
    name = stream[-LENGTH:] if stream else container[:LENGTH]
    return re.sub(r"[^A-Za-z0-9-]", "", name) or secrets.token_hex(LENGTH // 2)
