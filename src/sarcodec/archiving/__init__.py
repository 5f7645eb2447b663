"""Many scenes at once: which there are, what became of each, who works on them, and whether what came out is what was promised."""

__all__ = [
    "cluster",
    "estimating",
    "names",
    "places",
    "report",
    "restoring",
    "reviewing",
    "running",
    "table",
    "tally",
    "tasks",
    "verb",
]
