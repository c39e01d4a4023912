"""An error in words, with what can be done about it where its cause is memory or the disk."""

from __future__ import annotations

import errno
import re

DISK = "free some space or choose another paths.runs; the same command continues"
ADVICE_BY_NUMBER = {
    errno.ENOSPC: DISK,
    errno.EDQUOT: DISK,
    errno.EROFS: "make it writable or choose another paths.runs; the same command continues",
    errno.EACCES: "make it writable or choose another paths.runs; the same command continues",
}
GPU = (
    "the GPU has too little memory: set machine.images_at_once to fewer images than schedule.batch_size, or use one "
    "with more; the run continues from its checkpoint"
)
HOST = (
    "this machine has too little memory, or the scheduler allows too little: ask for more, lower machine.workers, or "
    "set machine.images_at_once to fewer images than schedule.batch_size; the run continues from its checkpoint"
)
_GPU_WORDS = re.compile(r"CUDA.*out of memory", re.DOTALL)
_HOST_WORDS = re.compile(  # of a tensor, of a process that did not start or was killed, of a library not loaded
    r"can't allocate memory|Cannot allocate memory|is killed by signal: Killed|terminated abruptly|"
    r"failed to map segment from shared object"
)


def explained(error: BaseException) -> str:
    """``Kind: message: what to do``; what else the error says follows in lines of its own."""
    first, *rest = str(error).splitlines() or [""]
    said = ": ".join(filter(None, (type(error).__name__, first, advice_on(error))))
    return "\n".join([said, *rest])


def advice_on(error: BaseException) -> str | None:
    """What to do about ``error``; None where it is not the machine's fault."""
    if type(error).__name__ == "OutOfMemoryError" or _GPU_WORDS.search(str(error)):  # torch's, without importing it
        return GPU
    if isinstance(error, MemoryError) or _HOST_WORDS.search(str(error)):
        return HOST
    return ADVICE_BY_NUMBER.get(error.errno or 0) if isinstance(error, OSError) else None
