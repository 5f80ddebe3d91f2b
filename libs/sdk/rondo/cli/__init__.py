"""The `rondo` command.

Exit status: 0 done; 1 it failed; 2 wrong usage; 3 not found; 4 refused, or not logged in; 5 the
platform can't be reached; 130 interrupted.
"""

import json
import os
import sys
from collections.abc import Sequence

from rondo.cli import plugins
from rondo.cli.output import harmless
from rondo.cli.parser import NAMES, parser
from rondo.errors import RequestRefused, RondoError, Unavailable


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; another package's command gets all of `argv`."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given and not given[0].startswith("-") and given[0] not in NAMES:
        plugin = plugins.find(given[0])
        if plugin is not None:
            return plugin(given)
    arguments = parser().parse_args(given)
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # who reads us has seen enough; Python would complain at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (RondoError, OSError, ValueError) as error:
        _print_error(error, getattr(arguments, "json", False))
        return exit_status(error)


def exit_status(error: Exception) -> int:
    """The exit status for an error."""
    match error:
        case RondoError(status=404):
            return 3
        case RequestRefused():
            return 4
        case Unavailable():
            return 5
        case RondoError() | TimeoutError():
            return 1
    return 2


def _print_error(error: Exception, as_json: bool) -> None:
    code = getattr(error, "code", "") or type(error).__name__
    if as_json:
        print(json.dumps({"code": code, "message": str(error)}), file=sys.stderr)
    else:
        print(f"rondo: {harmless(str(error))}", file=sys.stderr)
