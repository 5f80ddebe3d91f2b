"""What the kernel offers and Python does not wrap: one file a facility, nothing of Rondo in it."""
