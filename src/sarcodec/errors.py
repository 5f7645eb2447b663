"""One tree of errors that says whose fault it is. Imports nothing.

Every message says what was found, what was expected and what to do. `exit_code` is what the command line returns.
"""


class SarcodecError(Exception):
    """Root of every error that sarcodec raises on purpose."""

    exit_code = 1


class InvalidArgument(SarcodecError, ValueError):
    """The caller asked for something that has no meaning (a window outside the scene, two rate targets at once)."""

    exit_code = 2


class InvalidIndex(InvalidArgument, IndexError):
    """An index of an open scene lies outside it, as NumPy would say."""


class UnsupportedScene(SarcodecError):
    """The raster is readable, but not a scene that this codec takes (complex pixels, a dtype without a domain)."""

    exit_code = 3


class UnreadableScene(SarcodecError):
    """The raster cannot be opened or read."""

    exit_code = 3


class ModelError(SarcodecError):
    """A published model is missing, damaged, or does not give its known answer on this machine."""

    exit_code = 4


class UnknownModel(ModelError):
    """The file names a model (id and digest) that is not installed here."""


class FormatError(SarcodecError):
    """Root of the errors about the bytes of a compressed file."""

    exit_code = 5


class NotSarcodec(FormatError):
    """The bytes do not begin as a sarcodec file does."""


class NewerVersion(FormatError):
    """The file was written by a newer version of the format."""


class OlderVersion(FormatError):
    """The file was written before the format was frozen, by a version that is not read any more."""


class CorruptFile(FormatError):
    """A checksum or a law of the format does not hold."""


class TruncatedFile(CorruptFile):
    """The file ends before its own index says that it does."""


class OutputExists(SarcodecError):
    """The output is already there, and overwriting was not asked for."""

    exit_code = 6


class TargetNotReached(SarcodecError):
    """A size, rate or error target cannot be met on this scene."""

    exit_code = 7


class Unreachable(SarcodecError):
    """A file on the network cannot be read: its server does not answer, or gives no ranges. Later it may."""

    exit_code = 8
