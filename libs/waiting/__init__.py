"""How we wait: again and again while something is away, or for a fact at most so long."""
