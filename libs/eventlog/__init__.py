"""The log of events on NATS JetStream, and the two ways to consume it: project and react."""
