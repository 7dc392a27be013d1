"""The command `emulate`, also as `python -m emulator`."""

import sys

from emulator import cli


def main() -> int:
    try:
        return cli.main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
