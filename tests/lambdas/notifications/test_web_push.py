"""The request that wakes a browser, against RFC 8291's example, and what a browser reads of it."""

import base64
import json

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lambdas.errors import ChatError
from lambdas.notifications import web_push
from lambdas.notifications.message import Push, Ring, TakeBack
from lambdas.notifications.web_push import Subscription, require_subscription
from tests.support.lambdas.browser import Browser, bytes_of, text_of
from tests.support.rows import rows

FCM = "https://fcm.googleapis.com/fcm/send/abc:DEF"
# RFC 8291, 5 and appendix A
PLAINTEXT = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
RECEIVER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SALT, AUTH = "DGv6ra1nlYgDCS1FRnbzlw", "BTBZMqHH6r4Tts7J_aSIgg"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
    "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)
RING = Ring("chat-1", "m-7", urgent=True, unread=3)
QUIET = Ring("chat-1", "m-7", urgent=False, unread=3)
BACK = TakeBack("chat-1", 12, unread=0)


def private(number: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(bytes_of(number)), ec.SECP256R1())


def made(push: Push, browser: Browser) -> web_push.Request:
    key = ec.generate_private_key(ec.SECP256R1())
    return web_push.request(browser.subscription, push, key=key, salt=bytes(16))


def test_the_rfcs_example_gives_the_rfcs_body() -> None:
    subscription = Subscription(FCM, P256DH, AUTH)
    key, salt = private(SENDER), bytes_of(SALT)
    body = web_push.encrypt(subscription, PLAINTEXT, key=key, salt=salt, padded_to=0)
    assert text_of(body) == BODY
    assert Browser(FCM, private(RECEIVER), bytes_of(AUTH)).open(body) == PLAINTEXT


@pytest.mark.parametrize(
    ("push", "read"),
    [
        (RING, {"chat_id": "chat-1", "message_id": "m-7", "unread": 3}),
        (BACK, {"chat_id": "chat-1", "read": 12, "unread": 0}),
    ],
)
def test_a_browser_reads_ids_and_numbers_and_nobody_else_does(
    push: Push, read: dict[str, object]
) -> None:
    browser, other = Browser(FCM), Browser(FCM)
    body = made(push, browser).body
    assert json.loads(browser.open(body)) == read
    with pytest.raises(InvalidTag):
        other.open(body)
    with pytest.raises(InvalidTag):
        Browser(FCM, browser.private, bytes(16)).open(body)


def test_all_pushes_have_one_length() -> None:
    browser = Browser(FCM)
    long = Ring("c" * 64, "m" * 64, urgent=True, unread=999)
    assert len({len(made(push, browser).body) for push in (RING, QUIET, BACK, long)}) == 1


def test_the_headers_say_how_long_how_urgent_and_what_it_replaces() -> None:
    browser = Browser(FCM)
    headers = {push: made(push, browser).headers for push in (RING, QUIET, BACK)}
    assert [each["urgency"] for each in headers.values()] == ["high", "normal", "normal"]
    assert {each["ttl"] for each in headers.values()} == {str(28 * 86_400)}
    assert {each["content-type"] for each in headers.values()} == {"application/octet-stream"}
    assert len({each["topic"] for each in headers.values()}) == 1
    elsewhere = made(RING._replace(chat="chat-2"), browser).headers["topic"]
    (topic,) = {each["topic"] for each in headers.values()}
    assert topic != elsewhere
    assert len(topic) == 32 and "chat" not in topic


def test_safari_gets_no_push_that_may_show_nothing() -> None:
    safari = Subscription("https://web.push.apple.com/QAbc", P256DH, AUTH)
    chrome = Subscription(FCM, P256DH, AUTH)
    sent = {
        (each.origin, push): web_push.is_sent(each, push)
        for each in (safari, chrome)
        for push in (RING, BACK)
    }
    assert [at for at, is_sent in sent.items() if not is_sent] == [(safari.origin, BACK)]


@pytest.mark.parametrize(
    "endpoint",
    [
        FCM,
        "https://fcm.googleapis.com/wp/dK:APA91?x=1",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
        "https://web.push.apple.com/QAbc-_",
        "https://wns2-par02p.notify.windows.com/w/?token=BQYAAA%3d%3d",
    ],
)
def test_the_push_services_of_browsers_are_accepted(endpoint: str) -> None:
    require_subscription(Subscription(endpoint, P256DH, AUTH))


@rows(
    "endpoint",
    [
        "/push/1",
        "http://fcm.googleapis.com/fcm/send/abc",
        "https://fcm.googleapis.com:8443/fcm/send/abc",
        "https://user@fcm.googleapis.com/fcm/send/abc",
        "https://fcm.googleapis.com.example.com/fcm/send/abc",
        "https://evilfcm.googleapis.com/fcm/send/abc",
        "https://push.apple.com.evil.example/x",
        "https://evilpush.apple.com/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://[/x",
        "https://localhost/x",
        "https://fcm.googleapis.com\\@10.0.0.1/x",
        "https://fcm.googleapis.com/a b",
        "https://fcm.googleapis.com/a\r\nx: y",
        "https://fcm.googleapis.com/x#10.0.0.1",
        "https://fcm.googleapis.com/" + "x" * 1000,
        "file:///etc/passwd",
        "fcm.googleapis.com/x",
        "https://",
        "",
    ],
)
def test_no_other_address_is(endpoint: str) -> None:
    with pytest.raises(ChatError, match="https URL of a browser's push service"):
        require_subscription(Subscription(endpoint, P256DH, AUTH))


def test_an_emulators_push_service_is_accepted_where_it_is_named() -> None:
    local = Subscription("http://127.0.0.1:8086/push/1", P256DH, AUTH)
    require_subscription(local, "http://127.0.0.1:8086")
    for elsewhere in ("", "http://127.0.0.1:808", "http://127.0.0.1:9"):
        with pytest.raises(ChatError):
            require_subscription(local, elsewhere)


def test_keys_are_a_point_of_the_curve_and_sixteen_bytes() -> None:
    point = bytes_of(P256DH)
    compressed = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point).public_bytes(
        Encoding.X962, PublicFormat.CompressedPoint
    )
    off_the_curve = point[:-1] + bytes([point[-1] ^ 1])
    for wrong in (compressed, off_the_curve, point[:-1], bytes(65), b"\0", b""):
        with pytest.raises(ChatError, match="point of P-256"):
            require_subscription(Subscription(FCM, text_of(wrong), AUTH))
    for wrong in (bytes(15), bytes(17), b""):
        with pytest.raises(ChatError, match="auth is 16 bytes"):
            require_subscription(Subscription(FCM, P256DH, text_of(wrong)))
    with pytest.raises(ChatError, match="no base64url"):
        require_subscription(Subscription(FCM, P256DH[:-2], AUTH))


def test_the_name_of_a_subscription_does_not_show_its_endpoint() -> None:
    subscription = Subscription(FCM, P256DH, AUTH)
    assert web_push.is_web(subscription.name)
    assert not web_push.is_web("arn:aws:sns:us-east-1:123456789012:endpoint/GCM/app/1")
    assert subscription.name == Subscription(FCM, "", "").name
    assert base64.b16encode(FCM.encode()).decode().lower() not in subscription.name
