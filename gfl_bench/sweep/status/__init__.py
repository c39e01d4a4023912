"""How a sweep goes, on one screen."""
