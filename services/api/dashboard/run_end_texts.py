"""How a run ended, for people: what each reason means, and what to do about it."""

from typing import NamedTuple

from libs.domain.run import Run


class Ending(NamedTuple):
    """Two sentences; `remedy` is empty if there is nothing to do."""

    means: str
    remedy: str = ""


_LOGS = "Its log tells why."
_AGAIN = "Run it again; it was not the program's fault."
_FAILED = Ending(
    "The program ended itself with an exit code that says it failed.",
    f"{_LOGS} Python ends with 1 after an exception that nothing has caught.",
)

ENDINGS = {
    "exited": Ending("The program ran to its end."),
    "signal": Ending(
        "A signal ended the program.",
        "SIGSEGV and SIGABRT come from native code: look for a library that crashes. SIGKILL from"
        " outside is mostly the machine running out of memory.",
    ),
    "timeout": Ending(
        "It was stopped because it ran longer than its task allows.",
        "Give the task a longer timeout, or have the program do less in one run.",
    ),
    "killed": Ending("Somebody killed its task, and this run with it."),
    "out_of_memory": Ending(
        "It was stopped because it needed more memory than it may use.",
        "Read data in parts, or ask who operates the platform to raise the limit.",
    ),
    "disk_quota": Ending(
        "It was stopped because its files took more disk space than it may use.",
        "Delete what is no longer needed as it runs, or keep large files in a store of your own.",
    ),
    "start_failed": Ending(
        "It could not be started, so none of the program has run.",
        "The detail below says why. Run it again if that was the platform's state of a moment;"
        " upload the orchestration again if its files or its environment are at fault.",
    ),
    "launcher_lost": Ending(
        "The process that watched over it was killed, so it was stopped too.",
        f"{_AGAIN} If it comes often, the machine is short of memory.",
    ),
    "executor_stopped": Ending(
        "The executor was shut down while it ran, as for an upgrade.",
        f"{_AGAIN} A retry policy on the task does so by itself.",
    ),
    "executor_lost": Ending(
        "The executor that ran it vanished: its machine is down, or can't reach the event log.",
        f"{_AGAIN} Its last lines of log may be missing. A retry policy on the task does so by"
        " itself.",
    ),
    "internal_error": Ending(
        "The executor itself failed while it ran. This is a fault of the platform.",
        "Tell who operates it; the executor's log says more.",
    ),
}


def ending(run: Run) -> Ending | None:
    """The sentences for a run; None until it has ended."""
    if not run.reason:
        return None
    if run.reason == "exited" and run.status != "success":
        return _FAILED
    unknown = Ending(f"It ended for the reason {run.reason!r}.", "The detail says what is known.")
    return ENDINGS.get(run.reason, unknown)
