"""Signposts: readers find what they look for one hop from docs/architecture.md."""

import re
from pathlib import Path

from emulator.iam.authority import ENFORCE, MODES
from tests.support.rows import rows

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
TABLE = PAGE.read_text().partition("## Where things are")[2].partition("\n## ")[0]
# question -> file -> what stands in it
SIGNPOSTS = {
    "when a tick becomes blue": {
        "client/core/ticks.py": r"def stage\(",
        "web/src/client/core/ticks.ts": r"function stage\(",
        "client/cli/bubbles.py": r"^TICK_STYLES = .*State\.READ: \"class:tick\.read\"",
        "client/cli/screen.py": r"\"tick\.read\": \"#",
        "web/src/app/style/colours.css": r"^  --read: #",
        "web/src/app/style/messages.css": r"^\.state-4 \{\n  color: var\(--read\)",
    },
    "where a pool gets its weight": {
        "stacks/config/environments.py": r"ContainerPool\(name=\"small\".*weight=\d",
        "stacks/config/pools.py": r"weight: int",
        "stacks/constructs/load_balancer.py": r"def _weighted\(",
    },
    "where a refresh token is checked": {
        "lambdas/api/accounts.py": r"^def refresh\(",
        "lambdas/api/cognito.py": r"    def refresh\(",
        "lambdas/api/sign_ins.py": r"    def require\(",
    },
    "where a frame is limited to 32 KB": {
        "lambdas/sockets/server.py": r"^FRAME_BYTES = 32 \* 1024",
        "emulator/src/emulator/gateway/listener.py": r"max_size=\(.*FRAME_BYTES\)",
        "emulator/src/emulator/gateway/limits.py": r"^FRAME_BYTES = 32 \* 1024",
        "client/core/frames.py": r"^SEND_LIMIT_BYTES = ",
        "web/src/client/core/frames.ts": r"^export const SEND_LIMIT_BYTES = ",
    },
    "where a push is decided: who is rung, what is taken back": {
        "lambdas/notifications/push_jobs.py": r"^def wake\(",
        "lambdas/delivery/ringing.py": r"^def plan\(",
        "lambdas/notifications/quiet.py": r"^def is_quiet\(",
        "decisions/0021-what-rings.md": r"",
    },
    "where a push's text is decided": {
        "lambdas/notifications/message.py": r"^TEXT_KEY = ",
        "web/src/worker/device.ts": r"^export function noticeOf\(",
        "web/src/worker/words.ts": r"^const FALLBACK = ",
    },
    "where a queue's deduplication is set": {
        "stacks/notifications.py": r"deduplication_scope=",
        "lambdas/notifications/push_jobs.py": r"    def deduplication_id\(",
        "decisions/0020-push-jobs-name-no-message.md": r"",
    },
    "where a stranger's request begins and is ended": {
        "lambdas/messages/direct.py": r"    def begin\(",
        "lambdas/people/consent.py": r"    def allows\(",
        "lambdas/messages/append.py": r"^def answer_request\(",
        "lambdas/messages/send.py": r"append\.answer_request\(",
        "lambdas/api/groups.py": r"^def decline\(",
        "lambdas/api/chats.py": r"chats\.accept\(",
    },
    "where a device is removed": {
        "lambdas/api/devices.py": r"^def remove\(",
        "lambdas/api/removal.py": r"^def remove_device\(",
        "lambdas/keys/directory.py": r"    def remove\(",
    },
    "where a user's name is reserved": {
        "lambdas/api/accounts.py": r"^def sign_up\(",
        "lambdas/api/cognito.py": r"    def create\(",
        "lambdas/api/sign_ins.py": r"    def is_deleted\(",
    },
    "where a group's admin is checked": {
        "lambdas/messages/roles.py": r"^def require\(",
        "lambdas/messages/membership.py": r"roles\.require\(",
    },
    "where the retention of messages is set: their TTL": {
        "stacks/config/environments.py": r"    message_ttl_days: int",
        "lambdas/settings.py": r"    def message_ttl_seconds\(",
        "lambdas/messages/send.py": r"expires_at=.*message_ttl_seconds",
        "stacks/data.py": r"time_to_live_attribute=\"expires_at\"",
    },
    "where the safety number is computed": {
        "client/crypto/safety_number.py": r"^def safety_number\(",
        "web/src/client/crypto/safety-number.ts": r"^export async function safetyNumber\(",
        "encryption.md": r"",
    },
    "where a file's size is limited": {
        "lambdas/api/files.py": r"size > settings\.file_mib \* MIB",
        "stacks/config/settings.py": r"    max_mib: int = ",
        "lambdas/files.py": r"\"content-length-range\", size, size",
    },
    "where a table is added": {
        "stacks/config/tables.py": r"^TABLES",
        "stacks/data.py": r"    def _table\(",
        "extending.md#a-table": r"",
    },
    "where an alarm is defined": {
        "stacks/monitoring/alarms.py": r"^class Alarms\(",
        "stacks/monitoring/balancer_alarms.py": r"^class BalancerAlarms\(",
        "stacks/monitoring/symptoms.py": r"^def alarm_of\(",
        "runbooks/README.md": r"",
        "tests/stacks/test_alarms.py": r"^def test_each_alarm_names_a_page_that_names_it\(",
    },
}


@rows("question", SIGNPOSTS)
def test_a_question_has_one_row_and_its_links_lead_to_the_thing(question: str) -> None:
    (row,) = (line for line in TABLE.splitlines() if line.startswith(f"| {question} |"))
    linked = [link.removeprefix("../") for link in re.findall(r"\]\(([^)]+)\)", row)]
    assert list(dict.fromkeys(linked)) == list(SIGNPOSTS[question])
    for file, what in SIGNPOSTS[question].items():
        if what:  # a page of docs/ is the answer by itself
            assert re.search(what, (ROOT / file).read_text(), re.MULTILINE), file


def test_the_readme_leads_to_the_table_and_the_examples() -> None:
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    assert {"docs/architecture.md#where-things-are", "docs/extending.md", "docs/testing.md"} <= {
        *links
    }
    assert len((ROOT / "README.md").read_text().splitlines()) <= 140


def test_the_tests_of_the_page_on_testing_are_tests_of_the_project() -> None:
    blocks = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "testing.md").read_text(), re.DOTALL
    )
    texts = [file.read_text() for file in (ROOT / "tests").rglob("test_*.py")]
    assert len(blocks) == 3
    for block in blocks:
        assert any(block.rstrip() in text for text in texts), block


def test_the_readme_names_each_way_to_do_without_permissions() -> None:
    limits = (ROOT / "README.md").read_text().partition("## What it does not do")[2]
    missing = [mode for mode in MODES if mode != ENFORCE and f"--iam {mode}" not in limits]
    assert missing == [] and "no IAM" not in limits
