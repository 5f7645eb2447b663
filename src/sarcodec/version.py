"""The version of what is installed: written into files and shown on pages. It is looked up slowly, and so only where it is asked for."""

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """Such as 0.2.0."""
    try:
        return version("sarcodec")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0.2.0"
