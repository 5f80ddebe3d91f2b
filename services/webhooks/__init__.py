"""Webhooks and subscribers on NATS: what comes of a subscription (libs/domain/subscription.py).

    lease_holder       which webhooks this copy delivers for
    delivery_worker    one webhook's events, one after the other, each until it is taken or given up
    retry_policy       when an event that was not taken is sent again, and when it is given up
    sender             one attempt: a signed POST (signature), to public addresses only (egress)
    delivery_store     cursors, attempts and dead letters in Postgres; delivery_writer batches them
    manual_delivery    a ping, and a dead letter sent again, by hand
    reconciler         makes true on NATS, in the vault and in our tables what a subscription says
    owner_rights       ends a subscription whose owner may not see its workspace any more
    nats_consumers, nats_auth_callout    the same events for those who read on NATS
    resources          opens all of this; background runs it

This package calls the internet, so it knows nothing of the api: the api passes in what it needs.
"""
