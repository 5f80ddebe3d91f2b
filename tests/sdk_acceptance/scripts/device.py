"""Logging in as a device does. The argument is a file for what a person is shown meanwhile."""

import contextlib
import sys
from pathlib import Path

import wallaroo

shown = Path(sys.argv[1])
with shown.open("w", buffering=1) as file, contextlib.redirect_stdout(file):
    wl = wallaroo.Client()
print(wl.get_current_workspace().users()[0].email())
print("done")
