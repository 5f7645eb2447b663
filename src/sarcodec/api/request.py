"""What is asked of an encoder, checked, and how it is done: the part that a file and an array have in common.

In: a source of pixels, a Request, a maker of writers. Out: an Outcome, whose writer holds the whole file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sarcodec.api.asked import numbered_bands
from sarcodec.api.choices import Domain, Indexes, Progress, QualityClass
from sarcodec.decoding.workers import Workers
from sarcodec.encoding.bounded import bound_of
from sarcodec.encoding.job import Job, Rooms, Target, chosen_target
from sarcodec.encoding.meanings import UnseenFill, meanings_of
from sarcodec.encoding.pixel_source import PixelSource
from sarcodec.encoding.reaching import reach
from sarcodec.encoding.scene import SceneEncoder
from sarcodec.encoding.targets import MOST_PASSES
from sarcodec.encoding.tile import EFFORTS, TileEncoder
from sarcodec.entropy.step_index import step_of_quality
from sarcodec.errors import InvalidArgument
from sarcodec.format.bands import EXACT
from sarcodec.format.claims import Asked, Claims
from sarcodec.format.remarks import pack_remarks
from sarcodec.format.scene import pack_scene
from sarcodec.format.writer import Writer
from sarcodec.models import published
from sarcodec.raster.meaning import BandMeaning

PROMISES = ("max_error_db", "lossless")


@dataclass(frozen=True, kw_only=True)
class Request:
    """The keywords of `compress` and `encode`. Those that mean nothing together are refused here: InvalidArgument."""

    quality: float | None
    target_bpp: float | None
    target_size: int | None
    target_rmse_db: float | None
    quality_class: QualityClass | None
    max_error_db: float | None
    lossless: bool
    domain: Domain
    exact_bands: Indexes | None
    effort: int
    independent_bands: bool
    model: str | None
    progress: Progress | None

    def __post_init__(self) -> None:
        aim = self.aim
        if aim.kind in PROMISES and self.model is not None:
            raise InvalidArgument(
                f"model {self.model!r} with {aim.kind}: such files are made without a model, leave it out (--model)"
            )
        if aim.kind == "quality":
            step_of_quality(aim.value)
        if self.exact_bands is not None:
            object.__setattr__(self, "exact_bands", numbered_bands(self.exact_bands))  # once: it may be an iterator
        if isinstance(self.effort, bool) or self.effort not in tuple(EFFORTS):
            there = ", ".join(f"{level} ({name})" for level, name in EFFORTS.items())
            raise InvalidArgument(f"effort is {self.effort!r}; there are {there}")

    @property
    def aim(self) -> Target:
        """The one target that was given, or the default quality."""
        given: dict[str, float | str | None] = {
            "quality": self.quality,
            "bpp": self.target_bpp,
            "size": self.target_size,
            "rmse_db": self.target_rmse_db,
            "class": self.quality_class,
            "max_error_db": self.max_error_db,
            "lossless": 0 if self.lossless else None,
        }
        return chosen_target(given)

    @property
    def several_passes(self) -> bool:
        """Whether the step is found by trying."""
        return self.aim.kind not in ("quality", *PROMISES)

    @property
    def bound(self) -> int | None:
        """The bound in 1/1000 dB that every pixel keeps, 0 for exact ones; None where the model codes radar bands."""
        aim = self.aim
        if aim.kind not in PROMISES:
            return None
        return bound_of(aim.value) if aim.kind == "max_error_db" else 0

    @property
    def exact(self) -> tuple[int, ...] | None:
        """Numbers of exact bands, from 1; None: to be found."""
        return None if self.exact_bands is None else numbered_bands(self.exact_bands)


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """A file that was made: its writer, finished; its size in bytes, its step, how many were tried, the error that was aimed at, and what the file says
    of itself."""

    encoder: SceneEncoder
    writer: Writer
    size: int
    step: int
    passes: int
    rmse_db: float | None
    claims: Claims


def fulfil(
    request: Request,
    source: PixelSource,
    pool: Workers,
    new_writer: Callable[[], Writer],
    folder: Path | None,
    rooms: Rooms,
) -> Outcome:
    """Encode a scene. folder: where latents are kept between passes if memory has no room for them, None for the system's place."""

    def attempt(searched: bool) -> Outcome:
        meanings = meanings_of(source, request.domain, request.exact, request.bound == 0, pool.map, searched)
        return _coded(request, source, pool, new_writer, folder, rooms, meanings)

    try:
        return attempt(False)
    except UnseenFill:  # rare; to look through every scene for it would cost all of them the time of one more reading
        return attempt(True)


def _coded(
    request: Request,
    source: PixelSource,
    pool: Workers,
    new_writer: Callable[[], Writer],
    folder: Path | None,
    rooms: Rooms,
    meanings: tuple[BandMeaning, ...],
) -> Outcome:
    """Of bands that mean what was found."""
    aim, bound = request.aim, request.bound
    codec = _codec(meanings, bound, request)
    encoder = SceneEncoder(source, meanings, codec, not request.independent_bands, bound)
    tick = _ticker(request.progress, aim, len(encoder.parts()))
    remarks = pack_remarks(tuple(meaning.why for meaning in meanings))
    asked = Asked(aim.kind, aim.quality_class or aim.value, request.effort if codec else None)
    description = pack_scene(source.info)
    job = Job(encoder, pool, new_writer, folder, rooms, description, remarks, asked, _software(), tick)
    step, writer, passes, rmse = reach(job, aim)
    size = writer.finish(job.header(step))
    if request.progress:
        request.progress(1, 1)
    return Outcome(
        encoder=encoder, writer=writer, size=size, step=step, passes=passes, rmse_db=rmse, claims=job.claims(step)
    )


def _software() -> str:
    from sarcodec.version import installed_version

    return f"sarcodec {installed_version()}"


def _codec(meanings: tuple[BandMeaning, ...], bound: int | None, request: Request) -> TileEncoder | None:
    """The codec where a band needs one."""
    if bound is not None or all(meaning.kind == EXACT for meaning in meanings):
        return None
    return TileEncoder(published.load(request.model), request.effort)


def _ticker(progress: Progress | None, aim: Target, count: int) -> Callable[[], None]:
    """Counts parts; with a target the number of passes is not known beforehand, so the share ends early."""
    total, done = count * (1 if aim.kind == "quality" else 1 + MOST_PASSES), [0]

    def tick() -> None:
        done[0] += 1
        if progress:
            progress(min(done[0], total), total)

    return tick
