"""The command `emulate`, also as `python -m emulator`."""

import sys

from emulator.cli import commands


def main() -> int:
    try:
        return commands.main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
