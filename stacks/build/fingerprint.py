"""A short hash of everything that the templates are made from."""

from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from stacks.config.environments import Environment

ROOT = Path(__file__).parents[2]
DIGITS = 12


def fingerprint(config: Environment, root: Path = ROOT) -> str:
    """Hexadecimal digits over the configuration, the sources of the stacks, and the CDK.

    Equal fingerprints mean equal templates. The reverse does not hold: a changed comment changes it
    too.
    """
    digest = sha256(f"{config!r}\0{version('aws-cdk-lib')}\0".encode())
    for path in (root / "cdk.json", *sorted((root / "stacks").rglob("*.py"))):
        content = path.read_bytes()
        name = path.relative_to(root).as_posix()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:DIGITS]
