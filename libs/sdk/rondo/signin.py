"""Asking a person to sign in, in a browser."""

import sys


def ask(address: str, code: str) -> None:
    """On standard error: what a program prints may be read by another."""
    print(  # noqa: T201
        f"Open {address}\nin a browser, check that it shows the code {code}, and sign in.",
        file=sys.stderr,
        flush=True,
    )
