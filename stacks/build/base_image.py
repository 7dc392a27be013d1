"""`make base-image`: writes the digest of the container's base image into lambdas/Dockerfile.

A tag can move to another image, a digest can't. Run it again for fixes published under the same
tag, or after you changed the tag. It asks the registry through Docker.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

DOCKERFILE = Path(__file__).parents[2] / "lambdas" / "Dockerfile"
BASE = re.compile(r"^ARG BASE=(?P<image>[^\s@]+:[^\s@]+)(?:@(?P<digest>\S+))?$", re.MULTILINE)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# The digest of the index, which lists the images of all architectures.
INSPECT = ("docker", "buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}")

Run = Callable[[Sequence[str]], str]


def main() -> None:
    text = DOCKERFILE.read_text()
    pinned, image = with_digest(text, _output)
    DOCKERFILE.write_text(pinned)
    report = f"{image} is what {DOCKERFILE.name} names already" if pinned == text else image
    sys.stdout.write(f"{report}\n")


def with_digest(dockerfile: str, run: Run) -> tuple[str, str]:
    """The Dockerfile's text with the digest that its base image has now, and the image's name.

    `run` starts a command and returns what it prints. Raises SystemExit with a sentence if the
    output has no digest.
    """
    found = BASE.search(dockerfile)
    if found is None:
        raise SystemExit("lambdas/Dockerfile has no line ARG BASE=<repository>:<tag>.")
    image = found["image"]
    digest = run((*INSPECT, image)).strip()
    if not DIGEST.fullmatch(digest):
        raise SystemExit(f"Docker gave no digest of {image}, but '{digest}'. Nothing was changed.")
    pinned = f"{image}@{digest}"
    return f"{dockerfile[: found.start()]}ARG BASE={pinned}{dockerfile[found.end() :]}", pinned


def _output(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except FileNotFoundError:
        raise SystemExit(
            "The digest is asked for through Docker with buildx, and there is no docker here. "
            "Nothing was changed."
        ) from None
    except subprocess.CalledProcessError as failure:
        reason = (failure.stderr.strip().splitlines() or ["nothing"])[0]
        raise SystemExit(
            f"Docker could not ask for the digest of {command[-1]}; it printed: {reason}. "
            "Nothing was changed."
        ) from None
    return done.stdout


if __name__ == "__main__":
    main()
