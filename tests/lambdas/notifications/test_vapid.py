"""The VAPID token, by which a push service knows who pushes; signed by KMS's key over moto."""

from collections.abc import Iterator

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from lambdas.notifications.vapid import VALID_SECONDS, VapidKey
from tests.support.lambdas.browser import bytes_of
from tests.support.lambdas.moto_aws import moto_aws
from tests.support.lambdas.rest import client

ORIGIN, OTHER = "https://fcm.googleapis.com", "https://web.push.apple.com"
CONTACT = "mailto:ops@example.com"
BEGIN = 1_800_000_000.5


class Clock:
    now = BEGIN

    def __call__(self) -> float:
        return self.now


class Counted:
    """KMS, and how often it was asked."""

    def __init__(self) -> None:
        self.kms = client("kms")
        made = self.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        self.id = made["KeyMetadata"]["KeyId"]
        self.calls: list[str] = []

    def sign(self, **request: object) -> object:
        self.calls.append("sign")
        return self.kms.sign(**request)

    def get_public_key(self, **request: object) -> object:
        self.calls.append("get_public_key")
        return self.kms.get_public_key(**request)


@pytest.fixture
def kms() -> Iterator[Counted]:
    with moto_aws():
        yield Counted()


def claims(header: str, public: str, origin: str) -> dict[str, object]:
    """As a push service checks them (RFC 8292, 2 and 3)."""
    scheme, _, parameters = header.partition(" ")
    given = dict(each.strip().split("=", 1) for each in parameters.split(","))
    assert (scheme, given["k"]) == ("vapid", public)
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes_of(public))
    found: dict[str, object] = jwt.decode(
        given["t"], key, algorithms=["ES256"], audience=origin, options={"verify_exp": False}
    )
    return found


def test_a_push_service_finds_its_own_name_a_contact_and_an_end(kms: Counted) -> None:
    key = VapidKey(kms, kms.id, CONTACT, Clock())
    found = claims(key.authorization(ORIGIN), key.public(), ORIGIN)
    assert found == {"aud": ORIGIN, "sub": CONTACT, "exp": int(BEGIN) + VALID_SECONDS}
    assert VALID_SECONDS <= 24 * 3600  # RFC 8292, 2
    assert len(bytes_of(key.public())) == 65


def test_a_signature_has_all_its_bytes_also_where_its_numbers_are_small(
    kms: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = {"Signature": encode_dss_signature(1, 2)}  # one in 128 begins with a zero byte
    monkeypatch.setattr(kms, "sign", lambda **_: numbers)
    header = VapidKey(kms, kms.id, CONTACT, Clock()).authorization(ORIGIN)
    signature = bytes_of(header.partition(",")[0].rpartition(".")[2])
    assert signature == (1).to_bytes(32) + (2).to_bytes(32)


def test_without_a_contact_there_is_no_subject(kms: Counted) -> None:
    key = VapidKey(kms, kms.id, "", Clock())
    assert "sub" not in claims(key.authorization(ORIGIN), key.public(), ORIGIN)


def test_a_token_is_signed_once_for_each_push_service_until_it_nears_its_end(kms: Counted) -> None:
    clock = Clock()
    key = VapidKey(kms, kms.id, CONTACT, clock)
    for origin in (ORIGIN, OTHER, ORIGIN, OTHER):
        claims(key.authorization(origin), key.public(), origin)
    assert kms.calls == ["get_public_key", "sign", "sign"]
    first = key.authorization(ORIGIN)
    clock.now += VALID_SECONDS - 3601
    assert key.authorization(ORIGIN) == first
    clock.now += 1
    assert key.authorization(ORIGIN) != first
    assert kms.calls.count("sign") == 3


def test_the_key_of_two_processes_is_one(kms: Counted) -> None:
    one, two = (VapidKey(kms, kms.id, CONTACT, Clock()) for _ in range(2))
    assert one.public() == two.public()
