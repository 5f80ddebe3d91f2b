"""A warm interpreter that runs are forked from: python -u template.py SITE NAMESPACES PADDING.

SITE is where to find msgspec, NAMESPACES is 1 if it can make pid namespaces; over PADDING runs
write the command that they are. It is started with the python of an environment and preloads what
the scripts there import. It has one thread, a frozen heap, and of Rondo's modules none that a
script could find. In a run's process this file's last statements run the script, so that there is
one frame of ours beneath it and no more; what a new interpreter does before and after them is in
services/executor/script.py.
"""

import sys

_plain = frozenset(sys.modules)  # what every new interpreter has
_places = sys.path[1:]
sys.path[:] = [__file__.rsplit("/", 3)[0], *_places, sys.argv[1]]

from services.executor import script, warm  # noqa: E402 - they were not within reach before

sys.path[:] = _places
_run = warm.serve(_plain, namespaces=sys.argv[2] == "1")
_raised = None
_code = script.begin(_run)
try:
    exec(_code, sys.modules["__main__"].__dict__)  # noqa: S102 - the point
except BaseException as _error:
    _raised = _error  # to be told of outside, where it is no other error's context
script.end(_raised)
