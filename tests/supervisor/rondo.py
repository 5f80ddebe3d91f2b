"""The `rondo` command with stand-ins for the services: all else of it is the real thing."""

import dataclasses
import sys
from pathlib import Path

from libs.supervisor.cli import main
from libs.supervisor.services import SERVICES

_STANDIN = str(Path(__file__).with_name("standin.py"))

if __name__ == "__main__":
    services = [
        dataclasses.replace(service, command=(sys.executable, _STANDIN, service.name), module=None)
        for service in SERVICES
    ]
    sys.exit(main(services=services))
