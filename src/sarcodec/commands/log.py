"""What the library logs, as notes on stderr."""

from __future__ import annotations

import logging
import sys


class _Notes(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        print("sarcodec: note: " + " ".join(record.getMessage().split()), file=sys.stderr, flush=True)


def show_log() -> None:
    """Show warnings of sarcodec's own loggers; those of other libraries stay where they are."""
    logger = logging.getLogger("sarcodec")
    if not any(isinstance(handler, _Notes) for handler in logger.handlers):
        logger.addHandler(_Notes(logging.WARNING))
