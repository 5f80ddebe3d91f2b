"""`python -m rondo` is `rondo`."""

import sys

from rondo.cli import main

sys.exit(main())
