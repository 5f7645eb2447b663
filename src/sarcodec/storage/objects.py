"""Objects in buckets, and files on web servers, with the package obstore (the extra `remote`): which there are, and their bytes as a whole.

In: addresses; out: objects that are listed, fetched, put and removed. An object appears whole or not at all, as buckets have it. Credentials are those of the usual
environment variables. What may pass is tried again, with growing pauses. Bytes by place are read in format/remote.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sarcodec.errors import CorruptFile, InvalidArgument, OutputExists, SarcodecError, Unreachable
from sarcodec.storage.refusals import is_utf8, shown, writing

RETRIES, LONGEST_RETRY = 6, timedelta(seconds=90)
LONGEST_ANSWER = timedelta(seconds=60)
BUCKETS = ("s3", "gs", "az", "abfs", "abfss")
_ADDRESS = re.compile(rf"(?:{'|'.join(('http', 'https', *BUCKETS))})://[^/]", re.ASCII)
_GDAL_NAMES = {"/vsis3/": "s3://", "/vsigs/": "gs://", "/vsiaz/": "az://"}
_AT_ONCE = 64 << 20  # bytes that are put in one request, from memory
_PART = 16 << 20
_STATUS = re.compile(r"status code: (\d{3})")
_BAD_NAME = "invalid path"
_CUTS = 3  # answers that may end too early, one after the other


def address_of(name: str) -> str | None:
    """The address that a name means: itself, or what GDAL's /vsicurl/, /vsis3/, /vsigs/, /vsiaz/ mean; None for names of local files."""
    if name.startswith("/vsicurl/"):
        name = name.removeprefix("/vsicurl/")
    for prefix, scheme in _GDAL_NAMES.items():
        if name.startswith(prefix):
            name = scheme + name.removeprefix(prefix)
    return name if _ADDRESS.match(name) else None


def is_object(name: object) -> bool:
    """Whether it is the address of an object in a bucket, or of all whose names begin so."""
    return isinstance(name, str) and name.partition("://")[0] in BUCKETS and bool(_ADDRESS.match(name))


def public(name: str) -> str:
    """A name without what signs it: it is said in messages."""
    return shown(re.sub(r"(?<=://)[^/@]*@", "", name.partition("?")[0]))


@dataclass(frozen=True)
class Object:
    """address; size in bytes; time of the last change in ns; tag: of the entity, another one for other bytes, None where the service has none."""

    address: str
    size: int
    modified_ns: int
    tag: str | None


def store_of(address: str, name: str) -> tuple[Any, str]:
    """obstore's store of an address, and the path in it, '' for all of a bucket. name: as it is said. Raises InvalidArgument."""
    try:
        from obstore.store import HTTPStore, from_url
    except ModuleNotFoundError as error:
        raise InvalidArgument(
            f"{name} is on the network, which needs the package obstore; pip install 'sarcodec[remote]', or '.[remote]' in a copy of the repository; or give a file object"
        ) from error
    if not is_utf8(address):
        raise InvalidArgument(f"{name} is not UTF-8, and names in buckets are; rename it")
    retry: Any = {"max_retries": RETRIES, "retry_timeout": LONGEST_RETRY}
    plain: Any = {"allow_http": True, "timeout": LONGEST_ANSWER}
    try:
        if address.startswith("http"):
            return HTTPStore.from_url(address, client_options=plain, retry_config=retry), ""  # whole: it may be signed
        scheme, _, rest = address.partition("://")
        bucket, _, path = rest.partition("/")
        return from_url(f"{scheme}://{bucket}", client_options=plain, retry_config=retry), path
    except Exception as error:
        raise InvalidArgument(f"{name} cannot be opened: {first_line(error)}") from error


def refusal(error: Exception, name: str) -> SarcodecError:
    """An error of obstore in our words. They are told apart by their names: it may be missing."""
    kind, words, whole = type(error).__name__, first_line(error), str(error)
    if isinstance(error, SarcodecError):
        return error
    status = (_STATUS.findall(whole) or [""])[0]  # of listings, whose errors are all of one kind
    if kind == "PreconditionError":
        return CorruptFile(f"{name} was replaced while it was read; start again")
    if kind == "AlreadyExistsError":
        return OutputExists(f"{name} is already there; ask for overwriting (--overwrite) or take another name")
    if _BAD_NAME in whole:
        return InvalidArgument(
            f"{name} holds an object whose name cannot be read ({words}); rename it, or name a folder without it"
        )
    if kind == "NotFoundError" or isinstance(error, FileNotFoundError) or (status == "404" and not _asks_who(whole)):
        return InvalidArgument(f"{name} is not there; check the address")
    forbidden = kind in ("PermissionDeniedError", "UnauthenticatedError") or status in ("401", "403")
    if forbidden or isinstance(error, PermissionError) or _asks_who(whole):
        return InvalidArgument(
            f"{name} may not be read or written with the credentials that are set; set those of its service in the environment "
            "(AWS_ACCESS_KEY_ID, GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_ACCOUNT_NAME, ...), or AWS_SKIP_SIGNATURE=true for a public bucket"
        )
    return Unreachable(f"{name} could not be read, after {RETRIES} retries: {words}; try again later")


def _asks_who(words: str) -> bool:
    """Whether what failed was to ask the machine whose it is: there are no credentials, and this is no machine of a cloud."""
    return any(place in words for place in ("169.254.169.254", "169.254.170.2", "metadata.google.internal"))


def first_line(error: Exception) -> str:
    """Of its message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def listed(address: str) -> Iterator[Object]:
    """All objects below an address, a thousand a request. Raises InvalidArgument, Unreachable."""
    store, path = store_of(address, public(address))
    import obstore  # which is there, as there is a store

    top = address[: len(address) - len(path)].rstrip("/")
    try:
        for page in obstore.list(store, path.rstrip("/") or None, chunk_size=1000):
            yield from (_object(f"{top}/{meta['path']}", meta) for meta in page)
    except Exception as error:
        raise refusal(error, public(address)) from error


def beside(address: str) -> list[Object]:
    """Objects directly below an address, without those in folders. Raises InvalidArgument, Unreachable."""
    import obstore

    store, path = store_of(address, public(address))
    top = address[: len(address) - len(path)].rstrip("/")
    try:
        answer = obstore.list_with_delimiter(store, path.rstrip("/") or None)
    except Exception as error:
        raise refusal(error, public(address)) from error
    return [_object(f"{top}/{meta['path']}", meta) for meta in answer["objects"]]


def found(address: str) -> Object | None:
    """One object, None where there is none. Raises InvalidArgument, Unreachable."""
    store, path = store_of(address, public(address))
    import obstore  # which is there, as there is a store

    try:
        return _object(address, obstore.head(store, path))
    except FileNotFoundError:
        return None
    except Exception as error:
        raise refusal(error, public(address)) from error


def fetch(address: str, target: Path) -> Object:
    """The bytes of an object into a file, which must not be there. What is cut short is fetched on from there, of the same object alone. Raises InvalidArgument, CorruptFile,
    Unreachable, SarcodecError where the disk refuses."""
    name, last = public(address), None
    store, path = store_of(address, name)
    import obstore  # which is there, as there is a store

    with open(target, "xb") as file:
        for _ in range(_CUTS):
            options: Any = {"if_match": last.tag} if last and last.tag and not last.tag.startswith("W/") else {}
            if file.tell():
                options["range"] = {"offset": file.tell()}
            try:
                answer = obstore.get(store, path, options=options)
                now = _object(address, answer.meta)
                if last not in (None, now):
                    raise CorruptFile(f"{name} was replaced while it was read; start again")
                last = now
                for part in answer.stream(min_chunk_size=1 << 20):
                    with writing(f"{name}, fetched"):
                        file.write(part)
            except Exception as error:
                if last is None or isinstance(error, SarcodecError) or type(error).__name__ == "PreconditionError":
                    raise refusal(error, name) from error
            if last is not None and file.tell() >= last.size:
                break
        else:
            raise Unreachable(f"{name}: only {file.tell()} of {last.size if last else 0} bytes came; try again later")
    assert last is not None  # else an error was raised
    return last


def put(source: Path, address: str, overwrite: bool) -> None:
    """A file as an object, which appears whole or not at all. One that is there and must not be replaced is noticed in the same request up to 64 MiB, and beyond that just
    before. Raises OutputExists, InvalidArgument, Unreachable."""
    name, size = public(address), source.stat().st_size
    store, path = store_of(address, name)
    import obstore  # which is there, as there is a store

    try:
        if not overwrite and size > _AT_ONCE and found(address):
            raise OutputExists(f"{name} is already there; ask for overwriting (--overwrite) or take another name")
        mode: Any = "overwrite" if overwrite or size > _AT_ONCE else "create"
        obstore.put(store, path, source, mode=mode, use_multipart=size > _AT_ONCE, chunk_size=_PART, max_concurrency=4)
        there = obstore.head(store, path)["size"]
    except Exception as error:
        raise refusal(error, name) from error
    if there != size:
        raise Unreachable(f"{name} has {there} bytes, and {size} were sent; send it again")


def remove(address: str) -> None:
    """Raises InvalidArgument, Unreachable; not where there is none."""
    store, path = store_of(address, public(address))
    import obstore  # which is there, as there is a store

    try:
        obstore.delete(store, path)
    except FileNotFoundError:
        return
    except Exception as error:
        raise refusal(error, public(address)) from error


def _object(address: str, meta: Any) -> Object:
    when: datetime = meta["last_modified"]
    return Object(address, meta["size"], round(when.timestamp() * 1_000_000) * 1000, meta.get("e_tag"))
