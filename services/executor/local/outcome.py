"""How a run of the local backend ended, from what its shim said and what we asked for. Pure."""

from libs.domain import run_end
from libs.domain.run_end import Verdict
from services.executor import process_outcome
from services.executor.backend import Outcome
from services.executor.local.protocol import Ended

KILLED, TIMED_OUT = process_outcome.KILLED, process_outcome.TIMED_OUT
DISK_QUOTA = run_end.disk_quota()
SHIM_STOPPED = run_end.launcher_lost(
    "its program ended, but the process that watches over it was stopped by somebody and said"
    " nothing, so it was ended by force; how the program ended is not known"
)


def outcome(ended: Ended | None, failure: str, stop_reason: Verdict | None) -> Outcome:
    """`ended` is the shim's last message, `failure` the child's; `stop_reason` is why we ended it.

    Without `ended` the shim was killed. A failure to start counts before all else.
    """
    if failure:
        return process_outcome.start_failed(failure)
    if ended is None:
        return process_outcome.bare(stop_reason or run_end.launcher_lost())
    if ended.cause == "lost":
        return process_outcome.bare(run_end.launcher_lost())
    verdict = process_outcome.by_itself(ended.status)
    if ended.cause == "stop" and stop_reason:
        verdict = stop_reason
    elif verdict.status == "failure" and ended.oom_kills:
        verdict = run_end.out_of_memory()
    return process_outcome.outcome(verdict, ended.status, ended.cpu_seconds, ended.max_rss_bytes)
