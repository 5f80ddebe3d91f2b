"""The `rondo` command where nothing can be forked: the zygote finds no such modules."""

import dataclasses
import sys

from libs.supervisor.cli import main
from libs.supervisor.services import SERVICES

if __name__ == "__main__":
    sys.exit(main(services=[dataclasses.replace(each, module="no.such") for each in SERVICES]))
