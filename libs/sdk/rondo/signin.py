"""Asking a person to sign in, in a browser."""

import sys


def ask(address: str, code: str) -> None:
    """Show on standard error where to sign in; standard output may be read by a program."""
    print(  # noqa: T201
        f"Open {address}\nin a browser, check that it shows the code {code}, and sign in.",
        file=sys.stderr,
        flush=True,
    )
