"""What all commands do with a mistake of their user's."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hydra.errors import HydraException


@contextmanager
def one_sentence(unwritable: Callable[[str | None], str]) -> Iterator[None]:
    """Log to standard error, and leave by one sentence where something is wrong with the command line.

    Args:
        unwritable: what to say where files cannot be written, of the system's reason.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        yield
    except (ValueError, HydraException) as error:  # every mistake of a user is a ValueError
        sys.exit(str(error))
    except OSError as error:
        sys.exit(unwritable(error.strerror))
