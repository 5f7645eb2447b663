"""Where bytes come from and where they go on this machine: names, links, pipes, temporary files, free space."""

from sarcodec.storage.bucket_output import check_output
from sarcodec.storage.output import Output, require_different
from sarcodec.storage.spooled import input_for, local_input, local_inputs

__all__ = [
    "Output",
    "bucket_output",
    "check_output",
    "fetched",
    "folder",
    "forms",
    "input_for",
    "local_input",
    "local_inputs",
    "names",
    "objects",
    "output",
    "recognised",
    "refusals",
    "require_different",
    "spool",
    "standard",
    "workspace",
]
