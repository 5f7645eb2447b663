"""The verbs of the command line, one small module each: `add(verbs)` declares its options, `run(options)` works.

`run` returns the exit code and imports what is heavy itself: help is quick, and `__main__` can set the environment of
numeric libraries before they start. Other distributions bring verbs of their own through entry points of the group `sarcodec.verbs`.
"""

__all__ = ["log", "options", "parser"]
