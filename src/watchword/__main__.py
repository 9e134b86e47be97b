"""`python -m watchword` and the `watchword` command."""


def main() -> None:
    """Run the command line."""
    from watchword.entrypoints.cli.app import app

    app()


if __name__ == "__main__":
    main()
