"""How a run of the local backend ended, from what its shim said and what we asked for. Pure."""

from libs.domain import run_end
from libs.domain.run_end import Verdict
from services.executor import process_outcome
from services.executor.backend import Outcome
from services.executor.local.protocol import Ended

KILLED, TIMED_OUT = process_outcome.KILLED, process_outcome.TIMED_OUT
DISK_QUOTA = run_end.disk_quota()


def outcome(ended: Ended | None, failed: str, asked: Verdict | None) -> Outcome:
    """`ended` is what the shim said, `failed` the child; `asked` is why we told it to stop."""
    if failed:
        return process_outcome.start_failed(failed)
    if ended is None:
        return process_outcome.bare(asked or run_end.launcher_lost())
    if ended.cause == "lost":
        return process_outcome.bare(run_end.launcher_lost())
    verdict = process_outcome.by_itself(ended.status)
    if ended.cause == "stop" and asked:
        verdict = asked
    elif verdict.status == "failure" and ended.oom_kills:
        verdict = run_end.out_of_memory()
    return process_outcome.outcome(verdict, ended.status, ended.cpu_seconds, ended.max_rss_bytes)
