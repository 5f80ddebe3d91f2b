"""The plan as metrics. Each copy of the scheduler has the whole of it: take the maximum."""

from libs.telemetry.registry import Reading, Source
from services.scheduler.plan import Plan


def plan_readings(plan: Plan) -> Source:
    """The open runs by state, and the live tasks by kind."""

    async def read() -> list[Reading]:
        claimed = sum(1 for run in plan.runs.values() if run.executor)
        runs = {"requested": len(plan.runs) - claimed, "running": claimed}
        kinds = ("once", "scheduled", "continuous")
        tasks = dict.fromkeys(kinds, 0)
        for entry in plan.tasks.values():
            tasks[entry.task.kind] += 1
        return [
            *(
                Reading("rondo_runs_open", "Runs without an end.", count, {"state": state})
                for state, count in runs.items()
            ),
            *(
                Reading("rondo_tasks_live", "Tasks that may yet run.", count, {"kind": kind})
                for kind, count in tasks.items()
            ),
        ]

    return read
