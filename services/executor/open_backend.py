"""From the settings to the backend that runs live on."""

from libs.blobs.store import BlobStore
from services.executor.backend import Backend
from services.executor.code_cache import CodeCache
from services.executor.config import Config
from services.executor.local.backend import LocalBackend
from services.executor.local_files import LocalFiles
from services.executor.subprocess_backend import SubprocessBackend


async def open_backend(config: Config, blobs: BlobStore) -> Backend:
    """Its caller closes it. Raises Unavailable if it can't start runs here."""
    files = LocalFiles(config.environments, CodeCache(blobs, config.data / "code"))
    if config.backend == "subprocess":
        return SubprocessBackend(config.data / "runs", files)
    return await LocalBackend.open(
        config.data / "runs",
        files,
        config.first_uid,
        zygotes=config.templates,
        zygote_bytes=config.template_mib << 20,
        kept_ports=config.all_kept_ports(),
    )
