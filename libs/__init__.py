"""What several services share; each package is named for the one thing it owns."""
