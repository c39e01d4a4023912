"""gfl_bench: every table row of Generalized Focal Loss as a command, the paper's number beside the measured one."""

__version__ = "0.1.0"
