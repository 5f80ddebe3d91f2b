"""A run's output on its way from its pipes to the store: stamped lines, cut into chunks."""
