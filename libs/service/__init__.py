"""What every service does the same way: configuration, start, health, drain."""
