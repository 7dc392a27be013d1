"""Safety numbers, QR codes and emoji against the vectors that both clients share."""

import json
from pathlib import Path
from typing import Any

import pytest
import segno
from vodozemac import Sas

from client.cli import qr
from client.crypto.emoji import EMOJI, emoji_of
from client.crypto.safety_number import SafetyNumber, fingerprint, safety_number
from client.crypto.sas import commitment

VECTORS = Path(__file__).parents[3] / "protocol" / "vectors"
NUMBERS: list[dict[str, Any]] = json.loads((VECTORS / "safety_numbers.json").read_text())["numbers"]
SAS: dict[str, Any] = json.loads((VECTORS / "emoji.json").read_text())


def number(place: int = 0) -> SafetyNumber:
    return safety_number(NUMBERS[place]["users"])


@pytest.mark.parametrize("vector", NUMBERS)
def test_a_safety_number_is_the_one_the_vectors_give(vector: dict[str, Any]) -> None:
    made = safety_number(vector["users"])
    assert made.digits == vector["number"]
    assert made.code == vector["qr"]
    for user, devices in vector["users"].items():
        assert fingerprint(user, devices) == vector["digits"][user]


def test_both_sides_see_the_same_number_whoever_comes_first() -> None:
    users = NUMBERS[0]["users"]
    turned = {user: users[user] for user in reversed(users)}
    assert safety_number(users) == safety_number(turned)


def test_one_key_more_or_another_one_changes_only_the_half_of_its_user() -> None:
    users = NUMBERS[0]["users"]
    before = safety_number(users)
    more = {**users, "ravi": {**users["ravi"], "laptop": users["raju"]["phone"]}}
    other = {**users, "ravi": {"phone": users["raju"]["phone"]}}
    for after in (safety_number(more), safety_number(other)):
        assert after.first == before.first
        assert after.second != before.second


def test_the_digits_are_read_in_twelve_groups_of_five() -> None:
    made = number()
    assert "".join(made.groups) == made.digits
    assert {len(group) for group in made.groups} == {5}
    assert len(made.groups) == 12


@pytest.mark.parametrize("users", [{}, {"ravi": {}}, {"ravi": {}, "raju": {}, "meena": {}}])
def test_a_safety_number_is_of_two_users(users: dict[str, dict[str, str]]) -> None:
    with pytest.raises(ValueError, match="two users"):
        safety_number(users)


def test_what_the_other_one_shows_may_be_typed_in_any_usual_way() -> None:
    made = number()
    spaced, lines = " ".join(made.groups), "\n".join(made.groups)
    for shown in (made.digits, spaced, f"  {lines}\n", "-".join(made.groups), f" {made.code}\n"):
        assert made.same_as(shown), shown


def test_another_number_is_another_number() -> None:
    made = number()
    last = str((int(made.digits[-1]) + 1) % 10)
    assert not made.same_as(made.digits[:-1] + last)
    assert not made.same_as(made.code[:-1] + last)


@pytest.mark.parametrize(
    "shown",
    [
        *["", "hello", "123", "1" * 59, "1" * 61, "switchboard:1:", "switchboard:2:raju:1:ravi:2"],
        *["٣" * 60, f"switchboard:1:raju:{'٣' * 30}:ravi:{'٣' * 30}"],
    ],
)
def test_what_is_no_safety_number_is_not_compared_but_rejected(shown: str) -> None:
    with pytest.raises(ValueError, match="no safety number"):
        number().same_as(shown)


def test_the_code_of_two_other_users_says_whose_it_is() -> None:
    with pytest.raises(ValueError, match="of a_b and zoe, not of raju and ravi"):
        number().same_as(number(2).code)


# -- QR codes


def modules(rows: list[str]) -> list[list[int]]:
    """The code's modules again, without the quiet around them."""
    halves = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
    lines = []
    for row in rows:
        lines += [[halves[each][half] for each in row] for half in (0, 1)]
    size = len(rows[0]) - 2 * qr.QUIET
    inner = lines[qr.QUIET : qr.QUIET + size]
    assert not any(any(line) for line in lines[: qr.QUIET] + lines[qr.QUIET + size :])
    return [line[qr.QUIET : -qr.QUIET] for line in inner]


@pytest.mark.parametrize("content", [NUMBERS[0]["qr"], NUMBERS[2]["qr"], "x" * 150])
def test_a_qr_code_in_a_terminal_has_every_module_in_its_place(content: str) -> None:
    expected = [list(row) for row in segno.make_qr(content, error="l").matrix]
    assert modules(qr.rows(content)) == expected


def test_a_safety_number_s_code_fits_on_a_terminal_of_24_rows() -> None:
    rows = qr.rows(number().code)
    assert len(rows) <= 22
    assert len({len(row) for row in rows}) == 1


def test_a_coloured_line_sets_both_colours_and_sets_them_back() -> None:
    line = qr.coloured("▀▄")
    assert line.startswith("\x1b[38;2;0;0;0;48;2;255;255;255m▀▄")
    assert line.endswith("\x1b[0m")


# -- emoji


def test_the_table_of_emoji_is_matrix_s() -> None:
    assert [list(emoji) for emoji in EMOJI] == SAS["table"]
    assert len({emoji.name for emoji in EMOJI}) == 64


def test_the_library_takes_seven_times_six_bits_from_the_first_bit_on() -> None:
    one, other = Sas(), Sas()
    shown = one.diffie_hellman(other.public_key).bytes("info")
    # the decimals are three times 13 bits of the same bytes, plus 1,000
    bits = "".join(f"{number - 1_000:013b}" for number in shown.decimals)
    chosen = list(shown.emoji_indices)
    assert len(chosen) == 7
    assert "".join(f"{index:06b}" for index in chosen).startswith(bits)
    assert [emoji.name for emoji in emoji_of([0, 36, 63])] == ["Dog", "Thumbs Up", "Pin"]


def test_a_commitment_is_the_one_the_vectors_give() -> None:
    vector = SAS["commitment"]
    assert commitment(vector["key"], vector["start"]) == vector["commitment"]
