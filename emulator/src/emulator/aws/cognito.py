"""What moto's Cognito lacks: RevokeToken, and the codes that it mails (cognito_codes.py).

Ends a refresh token, and for Cognito's own operations the access tokens made from it; a text that
is no refresh token of the client is ignored, as by an endpoint of RFC 7009.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from emulator.aws import cognito_codes


def install() -> None:
    """Adds the operations."""
    cognito_codes.install()
    from moto.cognitoidp.responses import CognitoIdpResponse

    if not hasattr(CognitoIdpResponse, "revoke_token"):
        setattr(CognitoIdpResponse, "revoke_token", revoke_token)  # noqa: B010 - moto has no such attribute to assign


def revoke_token(self: Any) -> Any:
    from moto.core.responses import EmptyResult

    token, client = self._get_param("Token"), self._get_param("ClientId")
    for pool in self.backend.user_pools.values():
        known = pool.refresh_tokens.get(token)
        if known is None or known[0] != client:
            continue
        pool.refresh_tokens[token] = None
        for access_token in [each for each in pool.access_tokens if _origin(each) == known[2]]:
            del pool.access_tokens[access_token]
    return EmptyResult()


def _origin(token: str) -> Any:
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims.get("origin_jti")
