"""Events as subscribers get them: each as a CloudEvent, all of them once, in order and in time.

    async for batch in follow(source, FixedSelection(EventFilter(workspaces=frozenset({3})))):
        batch.events   # list[Recorded]: what came, in order; empty as a sign of life every 5 s
        batch.through  # all up to this sequence has been given: where to go on with `after`

One tail of the log serves all readers of a process (tail.py). A reader who begins further back, or
is slow, reads the log until it meets the tail (follow.py).
"""
