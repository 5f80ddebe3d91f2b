"""Not enough memory: how it shows, and what is said of it."""

import re

_MIB = 1 << 20
# What libraries say when they get no memory, or none for the stack of a thread.
_WORDS = re.compile(
    r"pthread_create failed|bad_alloc|bad allocation|Failed to allocate memory|can't start new"
    r" thread|Cannot allocate memory|Resource temporarily unavailable|MemoryError",
    re.IGNORECASE,
)


def is_short(problem: Exception) -> bool:
    """Whether this is for want of memory."""
    return isinstance(problem, MemoryError) or _WORDS.search(str(problem)) is not None


def replica_words(has: int, most: int | None) -> str:
    """Of a replica that had so many bytes, and may have `most`."""
    if most is None:
        return (
            f"this machine has no memory or no threads left for a replica, which had {has // _MIB}"
            " MiB; deploy fewer replicas, or with fewer cpus"
        )
    return (
        f"the memory of the deployment is too small: a replica had {has // _MIB} MiB, and may have"
        f' {most // _MIB} MiB; deploy it with more, such as memory="{_enough(has)}"'
    )


def probe_words(most: int | None) -> str:
    """Of a probe that may have `most` bytes."""
    bound = "there is" if most is None else f"the {most // _MIB} MiB that it may have"
    return (
        f"to load it takes more memory than {bound}; upload a smaller model, or let an"
        " administrator raise RONDO_PROBE_MIB"
    )


def _enough(has: int) -> str:
    """Half as much again, as a power of two."""
    mib = 1 << max(0, (has * 3 // 2 // _MIB)).bit_length()
    return f"{mib}Mi" if mib < 1024 else f"{mib // 1024}Gi"
