"""The rooms of the code, drawn from what is there: the order is that of the contract in pyproject.toml, an arrow is a real import.

A room stands above all that it imports. An import that follows from others (a imports b, b imports c) is left out of the drawing.
Rooms of which `sarcodec.open` imports a module are shaded.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from charts import WIDTH_PX, svg, text

ROOT = Path(__file__).parents[2]
SOURCES = (ROOT / "src", ROOT / "lab" / "src")
_BOX_PX, _BOX_HEIGHT_PX, _ROW_PX, _TOP_PX = 158, 46, 76, 40
_PLACES = {  # the column of each room, from the left, and the few words that say what it is for
    "sarcodec_lab": (0, "training, study"),
    "__main__": (1, "exit codes"),
    "cli": (1, "arguments, reports"),
    "doors": (2, "other tools"),
    "archiving": (1, "many scenes, a table"),
    "viewer": (2, "a page of one file"),
    "api": (1, "public verbs"),
    "encoding": (1, "pixels to payloads"),
    "decoding": (0, "payloads to pixels"),
    "simulate": (2, "made-up scenes"),
    "quality": (2, "figures, verdicts"),
    "products": (1, "SAFE folders"),
    "raster": (1, "GeoTIFF and pixels"),
    "models": (0, "weights, tables"),
    "signal": (0, "levels and latents"),
    "entropy": (0, "integers and bytes"),
    "format": (1, "bytes and parts"),
    "storage": (1, "names, outputs"),
    "native": (0, "the C library"),
    "errors": (1, "one tree"),
}
_LEFT_OUT = frozenset(("rio", "xarray", "rasterio", "stac", "vrt", "zarr", "titiler", "arrays", "version"))
"""Files that are no rooms: public names of `doors`, names of types, the number of the version."""
_STYLE = """.box{fill:#f2f6f6;stroke:#8a979f;stroke-width:1}.lab{stroke-dasharray:5 4}.read{fill:#d5ebe8;stroke:#00695c}.tip{fill:#5b6a75;stroke:none}
path.edge{stroke:#7a8790;stroke-width:1.4}text.small{font-size:14px;fill:#5b6a75}text.strong{font-size:15px}
@media(prefers-color-scheme:dark){text.small{fill:#a3b0b8}.box{fill:#263238;stroke:#7c8890}.read{fill:#123b37;stroke:#4db6a6}.tip{fill:#a3b0b8}path.edge{stroke:#a7b3bb}}"""


@dataclass(frozen=True)
class Rooms:
    """Rooms in the order of the contract, uppermost first, and which of them each imports."""

    names: tuple[str, ...]
    imports: Mapping[str, frozenset[str]]

    def height(self, room: str) -> int:
        """0 for a room that imports none, else one more than the highest that it imports."""
        return 1 + max((self.height(other) for other in self.imports[room]), default=-1)

    def reached(self, room: str) -> frozenset[str]:
        """All that a room imports, by others too."""
        direct = self.imports[room]
        return direct.union(*(self.reached(other) for other in direct))

    def drawn(self, room: str) -> list[str]:
        """The imports that do not follow from others."""
        direct = self.imports[room]
        return sorted(one for one in direct if not any(one in self.reached(other) for other in direct - {one}))


def read_rooms() -> Rooms:
    """Raises ValueError where a room imports one that stands above it: then there is no picture of it."""
    names = tuple(name for name in (layer.removeprefix("sarcodec.") for layer in _layers()) if name not in _LEFT_OUT)
    if unknown := sorted(set(names) - set(_PLACES)):
        raise LookupError(f"found no place for {', '.join(unknown)}; say in tools/site/rooms.py where they are drawn")
    imports: dict[str, set[str]] = {name: set() for name in names}
    for source in SOURCES:
        for path in sorted(source.rglob("*.py")):
            room = _room(".".join(path.relative_to(source).with_suffix("").parts), names)
            for module in _imported(path):
                other = _room(module, names)
                if room is None or other is None or room == other:
                    continue
                if names.index(other) < names.index(room):
                    raise ValueError(f"{path.relative_to(ROOT)} imports {module}: {other} stands above {room}")
                imports[room].add(other)
    return Rooms(names, {name: frozenset(found) for name, found in imports.items()})


def draw_rooms() -> str:
    rooms = read_rooms()
    top = max(map(rooms.height, rooms.names))
    places = {room: _place(room, top - rooms.height(room)) for room in rooms.names}
    parts = [
        f"<style>{_STYLE}</style>",
        text(0, 17, "Who imports whom (shaded: what a reader loads)", "start", "title"),
    ]
    read = {_room(module, rooms.names) for module in loaded(home_of("open"))}
    parts += [
        _arrow(places[room], places[other], 0.1 + 0.8 * rooms.height(other) / top)
        for room in rooms.names
        for other in rooms.drawn(room)
    ]
    for room, (x, y) in places.items():
        parts += _box(room, x, y, "box lab" if room == "sarcodec_lab" else "box read" if room in read else "box")
    return svg("Rooms and their imports", parts, _TOP_PX + (top + 1) * _ROW_PX - (_ROW_PX - _BOX_HEIGHT_PX) + 4)


def loaded(module: str) -> frozenset[str]:
    """A module and all modules of sarcodec that importing it loads: their packages too, not what functions import later."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _path(name)
        if path is not None and name not in found:
            found.add(name)
            waiting += [name.rpartition(".")[0], *_imported_at_once(path)]
    if module not in found:
        raise FileNotFoundError(
            f"found no {module}, where reading begins; say in tools/site/rooms.py where it begins now"
        )
    return frozenset(found)


def home_of(verb: str) -> str:
    """The module that a public verb comes from, by the table of names in `sarcodec/__init__.py`."""
    for node in ast.walk(ast.parse((SOURCES[0] / "sarcodec" / "__init__.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if key is not None and ast.unparse(key) == repr(verb):
                    return ast.literal_eval(value)
    raise LookupError(f"found no {verb!r} in the table of sarcodec/__init__.py; tools/site/rooms.py looks there")


def _layers() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [one.strip() for layer in layers for one in layer.split("|")]


def _room(module: str, names: tuple[str, ...]) -> str | None:
    """`sarcodec.format.reader` is of format; the package itself, which only names the public verbs, is of none."""
    parts = module.split(".")
    room = parts[0] if parts[0] != "sarcodec" else parts[1] if len(parts) > 1 else ""
    return room if room in names else None


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _imported_at_once(path: Path) -> Iterator[str]:
    """What a module imports at its top: modules, and names that may be modules."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _path(module: str) -> Path | None:
    """The file of a module of sarcodec, None for what is none."""
    place = SOURCES[0].joinpath(*module.split("."))
    files = (place.with_suffix(".py"), place / "__init__.py")
    return next((path for path in files if module and path.is_file()), None)


def _place(room: str, row: int) -> tuple[float, float]:
    """The upper left corner of a room's box."""
    return _PLACES[room][0] * (WIDTH_PX - _BOX_PX - 2) / 2 + 1, _TOP_PX + row * _ROW_PX


def _box(room: str, x: float, y: float, kind: str) -> list[str]:
    middle = x + _BOX_PX / 2
    return [
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{_BOX_PX}" height="{_BOX_HEIGHT_PX}" rx="6"/>',
        text(middle, y + 19, room, "middle", "strong"),
        text(middle, y + 37, _PLACES[room][1], "middle", "small"),
    ]


def _arrow(begin: tuple[float, float], end: tuple[float, float], gap: float) -> str:
    """From the bottom of a box to the top of one below it. Where that stands far below in another column, from side to side, down
    through the gap between the columns; gap: how far into it, 0 to 1."""
    across = (end[0] > begin[0]) - (end[0] < begin[0])
    x, y = end[0] + _BOX_PX / 2 - across * _BOX_PX / 4, end[1] - 7
    bottom = begin[1] + _BOX_HEIGHT_PX
    if not across:
        return _edge(f"M{x:.1f} {bottom:.1f}V{y:.1f}", (x, y + 7), (0, 1))
    if end[1] - begin[1] > _ROW_PX:
        side, middle = begin[0] + _BOX_PX * (across > 0), begin[1] + _BOX_HEIGHT_PX / 2
        x, y = end[0] + _BOX_PX * (across < 0), end[1] + _BOX_HEIGHT_PX / 2
        lane = side + gap * (x - side)
        line = f"M{side:.1f} {middle:.1f}Q{lane:.1f} {middle:.1f} {lane:.1f} {middle + 16:.1f}V{y - 16:.1f}"
        return _edge(f"{line}Q{lane:.1f} {y:.1f} {x - 7 * across:.1f} {y:.1f}", (x, y), (across, 0))
    from_x, middle = begin[0] + _BOX_PX / 2 + across * _BOX_PX / 4, (bottom + y) / 2
    line = f"M{from_x:.1f} {bottom:.1f}C{from_x:.1f} {middle + 4:.1f} {x:.1f} {middle - 4:.1f} {x:.1f} {y:.1f}"
    return _edge(line, (x, y + 7), (0, 1))


def _edge(line: str, tip: tuple[float, float], towards: tuple[int, int]) -> str:
    """A line with its arrowhead; towards: the direction in which it points."""
    (x, y), (right, down) = tip, towards
    back, wide = (x - 7 * right, y - 7 * down), (4 * down, 4 * right)
    corners = ((back[0] - wide[0], back[1] - wide[1]), (back[0] + wide[0], back[1] + wide[1]), tip)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in corners)
    return f'<path class="edge" d="{line}"/><polygon class="tip" points="{points}"/>'
