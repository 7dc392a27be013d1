"""Credentials for the local FCM and APNs, in the forms the platforms give them out."""

from __future__ import annotations

import json
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

PROJECT = "local-project"
KEY_ID = "LOCALKEY01"
TEAM_ID = "LOCALTEAM1"
BUNDLE_ID = "com.example.app"


@dataclass(frozen=True)
class PushCredentials:
    """`service_account` is FCM's JSON; `signing_key` APNs' .p8 file; public keys are PEM."""

    service_account: str
    service_account_public_key: str
    signing_key: str
    signing_public_key: str

    @property
    def apns(self) -> str:
        """The content of the APNs secret."""
        return json.dumps(
            {
                "signing_key": self.signing_key,
                "key_id": KEY_ID,
                "team_id": TEAM_ID,
                "bundle_id": BUNDLE_ID,
            }
        )


def generate(fcm: str) -> PushCredentials:
    """New keys; `fcm` is the base URL of the local FCM, which also gives out access tokens."""
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ec_key = ec.generate_private_key(ec.SECP256R1())
    email = f"sns@{PROJECT}.iam.gserviceaccount.com"
    account = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "local",
        "private_key": _private(rsa_key),
        "client_email": email,
        "client_id": "100000000000000000000",
        "auth_uri": f"{fcm}/auth",
        "token_uri": f"{fcm}/token",
    }
    return PushCredentials(json.dumps(account), _public(rsa_key), _private(ec_key), _public(ec_key))


def _private(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _public(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
