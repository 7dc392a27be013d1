"""The credentials of what runs here.

The account's administrator has the access key `local`: the command line, tests, and the emulator
itself. Every process of a function and every task has an access key of its own, which is its name,
so that a call says who made it; what it may do is what its role may.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache

ACCESS_KEY = "local"
SECRET_KEY = "local"  # noqa: S105  nothing checks it but presigned requests
# A function's label or a pool's name, and six digits.
WORKER = re.compile(r"([A-Za-z0-9_.-]+)-[0-9a-f]{6}")
CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")


@lru_cache
def session_token(access_key: str) -> str:
    """That of temporary credentials, without which AWS does not know their access key. The same
    after a restart: what was signed with it stays valid."""
    made = hmac.new(SECRET_KEY.encode(), access_key.encode(), hashlib.sha256).hexdigest()
    return f"{made}{made[::-1]}"


def variables(access_key: str) -> dict[str, str]:
    """The environment that AWS's SDKs read a session's credentials from."""
    return {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": session_token(access_key),
    }
