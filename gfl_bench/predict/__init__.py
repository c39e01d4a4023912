"""A detector on pictures and videos: boxes drawn, and as JSON."""
