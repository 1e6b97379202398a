"""`fazt` and `python -m fazt`."""

import sys


def main() -> None:
    """Run the command line; `--version` alone is answered before anything is imported."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from fazt import __version__  # noqa: PLC0415

        print(f"fazt {__version__}")
        return
    from fazt.cli import cli  # noqa: PLC0415

    cli()


if __name__ == "__main__":
    main()
