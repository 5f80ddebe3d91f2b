"""Seals and reads pipeline logs, until nobody has asked for a while: started by on_demand.py, with
the pid of the service."""

import os
import resource
import shutil
import signal
import sys
from collections.abc import Mapping

from libs.blobs.open import open_store
from libs.linux import syscalls
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.service.config import load
from libs.service.http import serving
from libs.service.main import run
from services.inference import pyarrow_alone
from services.inference.logs.config import RECORDS, Config
from services.inference.logs.read import Reader
from services.inference.logs.retention import Retention
from services.inference.logs.seal import Sealer
from services.inference.logs.unsealed import Unsealed
from services.inference.logs.worker import SCHEMA, Worker

_NICE = 5  # inferences go first
_MAX_MEMORY = 4 << 30  # bytes: what a body unpacks to is not ours to say


async def main(environ: Mapping[str, str]) -> None:
    syscalls.die_with_parent(signal.SIGTERM)
    if os.getppid() != int(sys.argv[1]):  # it was killed while we began
        return
    os.nice(_NICE)
    pyarrow_alone.look()
    resource.setrlimit(resource.RLIMIT_DATA, (_MAX_MEMORY, _MAX_MEMORY))
    config = load(Config, environ)
    folder, scratch = config.data / RECORDS, config.data / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)  # what one left that was killed
    for each in (folder, scratch):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with (
        pool.connect(config.postgres_dsn, SCHEMA, durable=True, size=4) as database,
        open_store(config.blobs_url) as blobs,
    ):
        await migrate(database, "services.inference.logs")
        worker = Worker(
            Reader(folder, database, blobs, scratch),
            Sealer(folder, database, blobs, scratch),
            Retention(database, blobs, config.log_retention_days, config.log_max_bytes),
            Unsealed(folder),
        )
        async with serving(worker.app, "", config.listen_fds):
            await worker.run(config.log_idle_seconds)


if __name__ == "__main__":
    run("inference-logs", main)
