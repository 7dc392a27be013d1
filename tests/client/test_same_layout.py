"""The Python and the TypeScript client have the same files: `client/` and `web/src/client/`.

Whoever knows one of them finds everything in the other under the same path, and in `core/` by the
same names: `ChatLog.heard_of` in `core/chat_log.py` is `ChatLog.heardOf` in `core/chat-log.ts`. The
exceptions stand here with their reasons.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
METHODS = (ast.FunctionDef, ast.AsyncFunctionDef)
PLACES = re.MULTILINE | re.DOTALL

ONLY_PYTHON = {
    "__main__": "starts the command-line client",
    "core/ledger": "the interface of the store; TypeScript's Step names store/ledger itself",
    "crypto/groups": "Megolm sessions as SQL rows; in TypeScript in crypto/sealing and opening",
    "store/membership": "one of the three parts of the ledger; TypeScript's is one file",
    "store/outgoing": "one of the three parts of the ledger",
    "store/waiting": "one of the three parts of the ledger",
}
ONLY_TYPESCRIPT = {
    "core/random": "Python has random.Random",
    "crypto/olm": "the ratchets behind one interface; Python has vodozemac, typed",
    "store/ledger": "see core/ledger",
}

# What a ChatClient is made of: the parts, and what they are made of.
PARTS = (
    *("this_device", "account", "chats", "messages", "writing", "people", "devices"),
    *("verification", "linking", "files", "chat_client"),
)
# Public methods of these that only one of the two clients has.
ONLY_ONE_PART_HAS = {
    "TypeScript has a field where Python computes it, or the other way about": {
        *("this_device.driver", "this_device.user", "this_device.device"),
    },
    "a method in one where the other has a function, or asks the API or the store by itself": {
        *("account.ticket", "files.serves", "files.waiting"),
    },
    "an HTTP client is closed in Python, `fetch` has none": {"linking.close"},
    "Python's Writing is given how to send, TypeScript's the driver": {
        *("this_device.send", "this_device.send_to_device"),
    },
    "TypeScript's driver tries once, Python's waits": {"this_device.writable"},
    "old sessions of groups are forgotten in Python alone": {"this_device.caught_up"},
    "a page asks whether to sign up, the command line does what fits": {
        *("account.sign_in", "account.sign_in_or_up", "account.sign_up"),
        *("chat_client.sign_in", "chat_client.sign_up"),
    },
    "a page connects again when it is seen, subscribes to pushes, and hides what is older than it": {
        *("chat_client.connect_now", "chat_client.connecting"),
        *("account.push_to", "devices.push_to", "devices.web_push_key", "devices.registered_at"),
    },
    "the command line shows what a page reads from its list of chats or messages": {
        *("chats.known_direct", "chats.members", "chats.others"),
        *("messages.get", "messages.unread", "messages.unaccepted", "messages.states"),
        *("devices.known", "verification.trust"),
    },
    "a page reads requests and admins from one list, the command line asks for each": {
        "people.chats",
    },
    "a page gives a subscription to pushes, the command line a token": {"devices.push_token"},
    "events are an asynchronous generator in Python, calls of a listener in TypeScript": {
        *("chat_client.events", "chat_client.wait_for", "chat_client.listen"),
    },
    "comparisons: Python cancels by `decide`, and hears of steps as events like others": {
        *("verification.cancel", "verification.comparison_with", "verification.comparisons"),
        *("verification.received", "verification.changed", "verification.happened"),
    },
    "who runs the uploads: a task of the client in Python, the files themselves in TypeScript": {
        *("files.run", "files.start"),
    },
    "only TypeScript's test opens a confirmation without a backend": {"linking.opened"},
}

# Public methods of the classes in core/ that only one of the two clients has.
ONLY_ONE_HAS = {
    "a sender who is not known: Python's log holds the message, TypeScript's connection asks first": {
        *("Arrivals.known", "ChatLog.held", "ChatLog.resume", "Cipher.knows"),
        *("Conversations.held", "Conversations.resume", "KeyRequests.look_up"),
        "Engine.may_list",
    },
    "members: Python asks again after a time, TypeScript when it is notified of a change": {
        *("Membership.changed", "Membership.next_due", "Membership.failed", "Membership.want"),
        *("Membership.all_synced", "Membership.synced", "Membership.ask", "Membership.sure"),
    },
    "Python has what is known of members in memory, TypeScript in the chat's row": {
        *("Membership.chat", "Membership.everyone", "Membership.for_others", "Membership.members"),
        *("Membership.adding", "OwnMessages.state_at"),
    },
    "an unknown kind of chat: TypeScript fetches the list of chats, Python takes it by its members": {
        *("KeyRequests.settled", "KeyRequests.want_chats"),
    },
    "reading rows costs more in a browser: a chat that waits for a response is not looked at": {
        "KeyRequests.under_way",
    },
    "which devices are registered: a column in Python, the list of this connection in TypeScript": {
        *("Cipher.forget", "Cipher.reachable", "Cipher.registered", "Cipher.audience"),
        *("Cipher.users_with_unknown_devices", "Cipher.without_key"),
        *("Engine.listed", "KeyRequests.learned"),
    },
    "Python's encryption is there for all steps, TypeScript's is made in each": {
        *("Cipher.requested", "Cipher.restore"),
    },
    "only TypeScript sends a group's key again that the server will never take": {"Cipher.failed"},
    "only Python's texts fail at once when the user has left the chat": {
        *("Cipher.leave", "Sending.left"),
    },
    "Python's sending asks the store at each step, TypeScript's remembers what there is to do": {
        *("Sending.ask_at", "Sending.look"),
    },
    "the outbox gives frames in Python, rows with their purpose in TypeScript": {
        *("Outbox.chat_of", "Outbox.frame_of", "Outbox.of", "OwnMessages.queued_in"),
        *("Outbox.row", "Outbox.rows"),
    },
    "only the command line shows how many texts are not accepted": {
        *("Engine.unaccepted", "Outbox.texts"),
    },
    "what disappears of an own text is counted by SQL in Python, with its place": {"Changes.count"},
}


def test_both_clients_have_the_same_folders_and_files() -> None:
    python = _names(ROOT / "client", "*.py") - {"__init__", "crypto/__init__", "core/__init__"}
    python -= {"store/__init__"} | {name for name in python if name.startswith("cli/")}
    typescript = _names(ROOT / "web/src/client", "*.ts") - {"index"}
    assert python - typescript == set(ONLY_PYTHON)
    assert typescript - python == set(ONLY_TYPESCRIPT)


def test_the_classes_of_both_cores_have_the_same_methods() -> None:
    python, typescript = _methods("client/core", "*.py"), _methods("web/src/client/core", "*.ts")
    both = python.keys() & typescript.keys()
    assert len(both) > 15
    different = {f"{name}.{method}" for name in both for method in python[name] ^ typescript[name]}
    assert different == set().union(*ONLY_ONE_HAS.values())


def test_the_parts_of_both_clients_are_the_same() -> None:
    assert set(PARTS) - {"this_device", "files", "chat_client"} == _attributes_in_python()
    assert _attributes_in_python() == _attributes_in_typescript()


def test_a_method_of_a_part_stands_in_the_same_file_of_both_in_the_same_order() -> None:
    """What a program calls on a ChatClient and its parts."""
    python = {part: _in_order(ROOT / f"client/{part}.py") for part in PARTS}
    typescript = {
        part: _in_order(ROOT / f"web/src/client/{part.replace('_', '-')}.ts") for part in PARTS
    }
    different: set[str] = set()
    for part in PARTS:
        both = set(python[part]) & set(typescript[part])
        in_order = [
            [name for name in found[part] if name in both] for found in (python, typescript)
        ]
        assert in_order[0] == in_order[1], part
        different |= {f"{part}.{name}" for name in set(python[part]) ^ set(typescript[part])}
    assert different == set().union(*ONLY_ONE_PART_HAS.values())


def test_no_part_uses_a_private_name_of_another() -> None:
    """TypeScript's compiler holds this for `#names`."""
    found = {
        f"{path.name}:{each.lineno} {each.attr}"
        for path in (ROOT / "client").glob("*.py")
        for each in ast.walk(ast.parse(path.read_text()))
        if isinstance(each, ast.Attribute) and each.attr.startswith("_") and each.attr[:2] != "__"
        if not (isinstance(each.value, ast.Name) and each.value.id == "self")
        if each.attr != "_asdict"  # a named tuple's public method
    }
    assert found == set()


def test_no_constructor_takes_more_than_six_arguments() -> None:
    """A group of keywords counts as one: TypeScript has an object of options for them."""
    python = (each for path in (ROOT / "client").rglob("*.py") for each in _constructors(path))
    sources = [path.read_text() for path in (ROOT / "web/src/client").rglob("*.ts")]
    typescript = [
        len(re.findall(r"^    \w+\??: ", arguments, re.MULTILINE)) or arguments.count(": ")
        for source in sources
        for arguments in re.findall(r"^  (?:private )?constructor\((.*?)\) \{$", source, PLACES)
    ]
    assert len(typescript) > 30
    assert {name for name, count in python if count > 6} == set()
    assert max(typescript) == 6


def _attributes_in_python() -> set[str]:
    """What ChatClient makes in its constructor, without what is private and its names."""
    tree = ast.parse((ROOT / "client/chat_client.py").read_text())
    (client,) = (each for each in tree.body if isinstance(each, ast.ClassDef))
    made = {
        each.attr
        for each in ast.walk(client)
        if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)
    }
    return {name for name in made if not name.startswith("_")} - {"user", "device"}


def _attributes_in_typescript() -> set[str]:
    source = (ROOT / "web/src/client/chat-client.ts").read_text()
    return set(re.findall(r"^  readonly (\w+): [A-Z]\w+;$", source, re.MULTILINE))


def _in_order(path: Path) -> list[str]:
    """The public methods of a file in Python's spelling, as they stand there."""
    read = _python_methods if path.suffix == ".py" else _typescript_methods
    return [name for _, methods in read(path.read_text()) for name in methods]


def _methods(folder: str, pattern: str) -> dict[str, set[str]]:
    """The public methods of each class and interface, in Python's spelling."""
    read = _python_methods if pattern == "*.py" else _typescript_methods
    found = (each for path in (ROOT / folder).glob(pattern) for each in read(path.read_text()))
    return {name: set(methods) for name, methods in found if methods}


def _python_methods(source: str) -> Iterator[tuple[str, list[str]]]:
    for found in (each for each in ast.parse(source).body if isinstance(each, ast.ClassDef)):
        # What Question has as methods is read from its fields in TypeScript.
        if found.name != "Question":
            names = [each.name for each in found.body if isinstance(each, METHODS)]
            yield found.name, [name for name in names if not name.startswith("_")]


def _typescript_methods(source: str) -> Iterator[tuple[str, list[str]]]:
    for name, body in re.findall(
        r"^export (?:abstract class|class|interface) (\w+)[^\n]*\{\n(.*?)^\}", source, PLACES
    ):
        names = re.findall(r"^  (?:async |get )?(\w+)(?:<.*?>)?\(", body, re.MULTILINE)
        spelled = (re.sub(r"(?=[A-Z])", "_", each).lower() for each in names)
        yield name, [each for each in spelled if each != "constructor"]


def _constructors(path: Path) -> Iterator[tuple[str, int]]:
    tree = ast.walk(ast.parse(path.read_text()))
    for found in (each for each in tree if isinstance(each, ast.ClassDef)):
        for each in found.body:
            if isinstance(each, ast.FunctionDef) and each.name == "__init__":
                of = each.args
                count = len(of.args) - 1 + len(of.kwonlyargs) + (of.kwarg is not None)
                yield found.name, count


def _names(root: Path, pattern: str) -> set[str]:
    paths = (path.relative_to(root).with_suffix("") for path in root.rglob(pattern))
    return {path.as_posix().replace("-", "_").replace(".", "_") for path in paths}
