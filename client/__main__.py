"""The command `python -m client`."""


def run() -> int:
    """Ctrl-C ends it without an error message, also while its modules are still being loaded."""
    try:
        from client.cli.main import main

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(run())
