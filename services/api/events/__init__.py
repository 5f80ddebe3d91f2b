"""The log of events for subscribers: as pages, as a live stream, and as a contract to read.

What shows events as they come calls `live(Permit(call, filter), after)`. It gives the batches of
`follow` (libs/eventfeed), with only what the caller may see, and raises Rejected once they may not
go on (I8).
"""
