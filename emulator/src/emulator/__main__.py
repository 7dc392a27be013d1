"""The command `emulate`, also as `python -m emulator`."""

import sys


def main() -> int:
    """Ctrl-C ends it without a traceback, also while its modules are still being loaded."""
    try:
        from emulator.cli import commands

        return commands.main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
