"""The log of events on NATS JetStream, and the two runners that consume it: project and react."""
