"""Additions to moto's Cognito: RevokeToken, and the codes that it mails (cognito_codes.py).

Ends a refresh token, and for Cognito's own operations the access tokens made from it. A text that
is no token is ignored, as by an endpoint of RFC 7009; another kind of token, that of another
client, and a client's secret that is missing or wrong are errors: RevokeToken, API reference.
"""

from __future__ import annotations

import base64
import hmac
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
    pools = self.backend.user_pools.values()
    own = next((each.clients[client] for each in pools if client in each.clients), None)
    given = str(self._get_param("ClientSecret") or "")
    if own and own.generate_secret and not hmac.compare_digest(given.encode(), own.secret.encode()):
        raise _error("UnauthorizedException", "The client's secret is missing or wrong")
    for pool in pools:
        if token in pool.access_tokens or token in pool.id_tokens:
            raise _error("UnsupportedTokenTypeException", "Unsupported token type")
        known = pool.refresh_tokens.get(token)
        if known is None:
            continue
        if known[0] != client:
            raise _error("UnauthorizedException", "The token was issued to another client")
        pool.refresh_tokens[token] = None
        for access_token in [each for each in pool.access_tokens if _origin(each) == known[2]]:
            del pool.access_tokens[access_token]
    return EmptyResult()


def _error(code: str, message: str) -> Exception:
    from moto.core.exceptions import JsonRESTError

    error: Exception = JsonRESTError(error_type=code, message=message)
    return error


def _origin(token: str) -> Any:
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims.get("origin_jti")
