"""Where bytes come from and where they go on this machine: names, links, pipes, temporary files, free space."""

from sarcodec.storage.output import Output, check_output, require_different
from sarcodec.storage.spooled import input_for, local_input, local_inputs

__all__ = [
    "Output",
    "check_output",
    "folder",
    "forms",
    "input_for",
    "local_input",
    "local_inputs",
    "names",
    "output",
    "recognised",
    "refusals",
    "require_different",
    "spool",
    "standard",
    "workspace",
]
