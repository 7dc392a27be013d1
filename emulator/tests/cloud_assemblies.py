"""Writes small cloud assemblies, laid out as the CDK lays out a stage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Template = Mapping[str, Any]


def write(
    directory: Path,
    stacks: Mapping[str, Template],
    *,
    depends_on: Mapping[str, list[str]] | None = None,
    files: Mapping[str, Path] | None = None,
    images: Mapping[str, Path] | None = None,
    metadata: Mapping[str, list[tuple[str, str]]] | None = None,
) -> Path:
    """A cdk.out with one stage; `files` maps S3 object keys and `images` tags to directories,
    `metadata` a stack to (type, data) of its metadata."""
    stage = directory / "assembly-Dev"
    stage.mkdir(parents=True, exist_ok=True)
    _json(
        directory / "manifest.json",
        {
            "artifacts": {
                "assembly-Dev": {
                    "type": "cdk:cloud-assembly",
                    "properties": {"directoryName": "assembly-Dev"},
                }
            }
        },
    )
    artifacts: dict[str, Any] = {}
    for name, template in stacks.items():
        _json(stage / f"{name}.template.json", template)
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/unknown-region",
            "properties": {"templateFile": f"{name}.template.json", "stackName": f"my-{name}"},
            "dependencies": [*(depends_on or {}).get(name, []), "Assets"],
        }
        if name in (metadata or {}):
            entries = [{"type": kind, "data": data} for kind, data in (metadata or {})[name]]
            _json(stage / f"{name}.metadata.json", {f"/Dev/{name}/Part": entries})
            artifacts[name]["additionalMetadataFile"] = f"{name}.metadata.json"
    _json(stage / "Assets.assets.json", _assets(files or {}, images or {}))
    artifacts["Assets"] = {
        "type": "cdk:asset-manifest",
        "properties": {"file": "Assets.assets.json"},
    }
    _json(stage / "manifest.json", {"artifacts": artifacts})
    return directory


def _assets(files: Mapping[str, Path], images: Mapping[str, Path]) -> dict[str, Any]:
    return {
        "files": {
            key: {
                "source": {"path": str(path), "packaging": "zip"},
                "destinations": {"here": {"bucketName": "bucket", "objectKey": key}},
            }
            for key, path in files.items()
        },
        "dockerImages": {
            tag: {
                "source": {"directory": str(path)},
                "destinations": {"here": {"repositoryName": "images", "imageTag": tag}},
            }
            for tag, path in images.items()
        },
    }


def _json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
