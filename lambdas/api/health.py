"""GET /api/health, and the name of the target that responds.

The health check calls nothing of AWS: if it did, one slow table would make all targets unhealthy at
once, and requests that need no table would fail as well.
"""

import re
import secrets

from lambdas.api.call import Call, Response
from lambdas.settings import Settings

NAME_LENGTH = 12


def health(call: Call) -> Response:
    pool, _, instance = call.served_by.partition("/")
    return Response(200, {"status": "ok", "pool": pool, "instance": instance})


def served_by(settings: Settings) -> str:
    """The header `x-served-by`, <pool>/<instance>: it shows how the load is spread.

    From the Lambda's log stream, the ECS task's container id, the pod's name, or a random id: once
    per process.
    """
    return f"{settings['POOL_NAME']}/{_instance(settings)}"


def _instance(settings: Settings) -> str:
    # 2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef, one for each execution environment
    stream = settings.get("AWS_LAMBDA_LOG_STREAM_NAME")
    # http://169.254.170.2/v4/<container id>-<number>
    container = settings.get("ECS_CONTAINER_METADATA_URI_V4").rpartition("/")[2]
    # <deployment>-<replica set>-<five letters and digits>
    pod = settings.get("HOSTNAME")
    name = stream[-NAME_LENGTH:] if stream else container[:NAME_LENGTH] or pod[-NAME_LENGTH:]
    return re.sub(r"[^A-Za-z0-9-]", "", name) or secrets.token_hex(NAME_LENGTH // 2)
