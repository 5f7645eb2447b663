"""Bytes by place of a file on a web server or in a bucket, by ranges: with the package obstore (the extra `remote`).

In: an address; out: bytes, of one file as it was when it was opened. Failures that may pass are tried again, with growing pauses; an answer that is cut short, and a file that
was replaced between two requests, are errors. Credentials are those of the usual environment variables. Knows nothing of what the bytes mean.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from sarcodec.errors import CorruptFile, InvalidArgument, Unreachable
from sarcodec.format.ranged import FIRST_BYTES, RangedSource

RETRIES, LONGEST_RETRY = 6, timedelta(seconds=90)
LONGEST_ANSWER = timedelta(seconds=60)
_SCHEMES = ("http", "https", "s3", "gs", "az", "abfs", "abfss")
_ADDRESS = re.compile(rf"(?:{'|'.join(_SCHEMES)})://[^/]", re.ASCII)
_GDAL_NAMES = {"/vsis3/": "s3://", "/vsigs/": "gs://", "/vsiaz/": "az://"}


def address_of(name: str) -> str | None:
    """The address that a name means: itself, or what GDAL's /vsicurl/, /vsis3/, /vsigs/, /vsiaz/ mean; None for names of local files."""
    if name.startswith("/vsicurl/"):
        name = name.removeprefix("/vsicurl/")
    for prefix, scheme in _GDAL_NAMES.items():
        if name.startswith(prefix):
            name = scheme + name.removeprefix(prefix)
    return name if _ADDRESS.match(name) else None


class RemoteSource(RangedSource):
    """A `Source` (format/source.py) at an address.

    Raises InvalidArgument where there is no such file or it may not be read, Unreachable where the server does not answer.
    """

    def __init__(self, name: str) -> None:
        super().__init__(_public(name))
        self._given = name
        address = address_of(name)
        assert address is not None, "the caller looks"
        self._store, self._path = _store(address, self.name)
        self._state: tuple[object, ...] | None = None
        self._held = ((0, self._one(0, FIRST_BYTES, whole=False)),)

    @property
    def identity(self) -> tuple[object, ...] | None:
        """The address and the entity tag that its server gave; None where it gave none, or a weak one."""
        tag = self._strong_tag()
        return None if tag is None else ("address", self._given, tag, self.size)

    def _strong_tag(self) -> str | None:
        tag = self._state[1] if self._state else None
        return tag if isinstance(tag, str) and not tag.startswith("W/") else None

    def _ask(self, offset: int, length: int) -> bytes:
        """Raises CorruptFile where the file was replaced, Unreachable."""
        import obstore

        options: Any = {"range": (offset, offset + length)}
        if (tag := self._strong_tag()) is not None:
            options["if_match"] = tag
        try:
            answer = obstore.get(self._store, self._path, options=options)
            self._check_same(answer.meta)
            return bytes(answer.bytes())
        except Exception as error:
            raise self._error(error) from error

    def _check_same(self, meta: Any) -> None:
        """Whether the answer is of the file that was opened."""
        state = (meta["size"], meta.get("e_tag"), meta.get("last_modified"))
        if self._state is None:
            self._state, self.size = state, meta["size"]
        elif self._state != state:
            raise self._replaced()

    def _replaced(self) -> CorruptFile:
        self.changed = True
        return CorruptFile(f"{self.name} was replaced while it was open; open it again")

    def _error(self, error: Exception) -> Exception:
        """In our words. obstore's errors are told apart by their names: it may be missing."""
        kind, words = type(error).__name__, _first_line(error)
        if isinstance(error, (InvalidArgument, CorruptFile)):
            return error
        if kind == "PreconditionError":
            return self._replaced()
        if kind == "NotFoundError" or isinstance(error, FileNotFoundError):
            if self._state is not None:
                return self._replaced()
            return InvalidArgument(f"{self.name} is not there; check the address")
        if kind in ("PermissionDeniedError", "UnauthenticatedError") or isinstance(error, PermissionError):
            return InvalidArgument(
                f"{self.name} may not be read with the credentials that are set; set those of its service in the environment "
                "(AWS_ACCESS_KEY_ID, GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_ACCOUNT_NAME, ...), or AWS_SKIP_SIGNATURE=true for a public bucket"
            )
        if kind == "NotSupportedError" or "range" in words.lower():
            return Unreachable(f"{self.name}: its server gives no ranges ({words}); download the file first")
        return Unreachable(f"{self.name} could not be read, after {RETRIES} retries: {words}; try again later")

    def again(self) -> str:
        """The address, for another process."""
        if self.closed:
            raise self._closed()
        return self._given


def _store(address: str, name: str) -> tuple[Any, str]:
    """obstore's store of an address, and the path in it."""
    try:
        from obstore.store import HTTPStore, from_url
    except ModuleNotFoundError as error:
        raise InvalidArgument(
            f"{name} is on the network, which needs the package obstore; pip install 'sarcodec[remote]', or '.[remote]' in a copy of the repository; or give a file object"
        ) from error
    retry: Any = {"max_retries": RETRIES, "retry_timeout": LONGEST_RETRY}
    plain: Any = {"allow_http": True, "timeout": LONGEST_ANSWER}
    try:
        if address.startswith("http"):
            return HTTPStore.from_url(address, client_options=plain, retry_config=retry), ""  # whole: it may be signed
        scheme, _, rest = address.partition("://")
        bucket, _, path = rest.partition("/")
        if not path:
            raise InvalidArgument(f"{name} names a bucket; expected a file in it")
        return from_url(f"{scheme}://{bucket}", client_options=plain, retry_config=retry), path
    except InvalidArgument:
        raise
    except Exception as error:
        raise InvalidArgument(f"{name} cannot be opened: {_first_line(error)}") from error


def _public(name: str) -> str:
    """A name without what signs it: it is said in messages."""
    return re.sub(r"(?<=://)[^/@]*@", "", name.partition("?")[0])


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
