"""The version: here and nowhere else. pyproject.toml and the recipes take it from here; what names it besides is held to it by tests/packages."""

VERSION = "0.2.0"


def installed_version() -> str:
    """Such as 0.2.0."""
    return VERSION
