"""The error of the timing."""


class SpeedError(ValueError):
    """There is nothing that could be timed, or not as it was asked for."""
