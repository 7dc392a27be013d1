"""A user of a test's own, and the keys that the user's devices upload."""

from lambdas.keys.decisions import DeviceKeys, SignedKey
from lambdas.keys.directory import Change, Directory
from lambdas.tables import Table
from tests.support.lambdas.rest import Phone, key, new_name

IDENTITY = DeviceKeys(key(1), Phone("any").ed25519, "signature")


class Ravi:
    """One user; the devices have the same identity unless another one is named."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.name = new_name("ravi")
        self.directory = Directory(table)

    def register(self, device: str = "phone", identity: DeviceKeys = IDENTITY) -> Change:
        return self.directory.put(self.name, device, identity)

    def upload(
        self,
        numbers: range,
        fallback: int | None = None,
        device: str = "phone",
        signer: str = IDENTITY.ed25519,
    ) -> int:
        keys = [signed(number) for number in numbers]
        last = None if fallback is None else signed(fallback)
        return self.directory.upload(self.name, device, signer, keys, last)

    def claim(self, device: str = "phone") -> str | None:
        claimed = self.directory.claim(self.name, device)
        return claimed and claimed.key.id

    def claims(self, number: int, device: str = "phone") -> list[str | None]:
        return [self.claim(device) for _ in range(number)]

    def items(self, prefix: str | None = None) -> list[str]:
        return [item["item"] for item in self.table.query_all({"user": self.name}, prefix=prefix)]


def signed(number: int) -> SignedKey:
    return SignedKey(f"id{number}", key(number), f"signed {number}")
