"""Where bytes come from and where they go on this machine: names, links, pipes, temporary files, free space."""

from sarcodec.storage.output import Output
from sarcodec.storage.standard import local_input

__all__ = ["Output", "local_input"]
