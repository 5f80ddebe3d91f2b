"""The log of events for subscribers: as pages, as a live stream, and as a contract to read.

In this process, for what shows events as they come (neither polls nor loses one):

    from services.api.events.asked import Asked
    from services.api.events.follow import follow
    from services.api.events.permit import Permit, live

    async for piece in follow(call.store, Asked(workspaces=frozenset({3})), after=None):
        piece.events   # list[Recorded]: what came, in order; empty as a sign of life every 5 s
        piece.through  # all up to this sequence has been given: where to go on with `after`

`after` None means from now on. Reads show what an event says by the time that it is given. `follow`
asks nobody; `live(Permit(call, asked), after)` gives the same pieces, with only what the caller
may see, and raises Rejected once they may not go on (I8). One tail of the log serves them all.
"""
