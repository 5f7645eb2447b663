"""A small Sentinel-1 GRD product, made by the tests as ESA lays one out: uncompressed TIFFs with a head and a tail, XML, a manifest that holds."""

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from api.scenes import amplitude
from sarcodec.products.manifest import crc16

ROWS, COLS = 540, 610  # two tiles each way
STEM = "s1a-iw-grd-{}-20260101t000000-20260101t000025-060000-077000-{:03d}"
PREFIX = "S1A_IW_GRDH_1SDV_20260101T000000_20260101T000025_060000_077000_"
TAIL = b"what ESA writes behind the pixels"
REPRESENTATIONS = {
    "measurement": "s1Level1MeasurementSchema",
    "calibration": "s1Level1CalibrationSchema",
    "noise": "s1Level1NoiseSchema",
    "annotation": "s1Level1ProductSchema",
    "preview": "s1Level1QuickLookSchema",
    "support": "s1Level1ProductSchema",
}


@dataclass(frozen=True)
class Odd:
    """What is not as usual: the type; the order of bytes, and what lies behind the pixels; the sizes of both measurements; whose checksums."""

    product_type: str = "GRD"
    order: str = "<"
    shape: tuple[int, int] = (ROWS, COLS)
    shape_vh: tuple[int, int] = (ROWS, COLS)
    tail: bytes = TAIL
    checksum: str = "MD5"


def make_product(folder: Path, odd: Odd = Odd()) -> Path:
    """Both polarisations, under the right name in `folder`."""
    files = dict(_files(odd))
    manifest = _manifest(files, odd)
    product = folder / f"{PREFIX}{crc16(manifest)}.SAFE"
    for path, data in {**files, "manifest.safe": manifest, "S1A-report.pdf": b"%PDF not listed"}.items():
        (product / path).parent.mkdir(parents=True, exist_ok=True)
        (product / path).write_bytes(data)
    return product


def pixels(band: int, shape: tuple[int, int] = (ROWS, COLS)) -> np.ndarray:
    """DN of a measurement, with a border of 0 as the product has it."""
    found = amplitude(70 + band, *shape)[0]
    found[:, :9] = 0
    return found


def _files(odd: Odd):
    for band, (polarisation, shape) in enumerate((("vv", odd.shape), ("vh", odd.shape_vh))):
        stem = STEM.format(polarisation, band + 1)
        yield f"measurement/{stem}.tiff", tiff(pixels(band, shape), odd.order, odd.tail)
        yield f"annotation/{stem}.xml", _annotation(polarisation, odd)
        yield f"annotation/calibration/calibration-{stem}.xml", calibration(band)
        yield f"annotation/calibration/noise-{stem}.xml", b"<noise>" + b"<n/>" * 200 + b"</noise>"
    yield "preview/quick-look.png", bytes(range(256))
    yield "support/s1-level-1-product.xsd", b"<xsd/>"


def tiff(image: np.ndarray, order: str = "<", tail: bytes = TAIL) -> bytes:
    """A classic TIFF with a strip a row, control points and words, as the processor of ESA writes it."""
    rows, cols = image.shape
    points = [
        v for r in (0, rows - 1) for c in (0, cols - 1) for v in (c, r, 0.0, 11.0 + c * 1e-4, 45.0 - r * 1e-4, 0.0)
    ]
    keys = (1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326)
    words = {270: b"Sentinel-1A IW GRD HR L1\0", 305: b"Sentinel-1 IPF 003.91\0", 306: b"2026:01:01 00:01:00\0"}
    plain = {256: cols, 257: rows, 258: 16, 259: 1, 262: 1, 277: 1, 278: 1, 284: 1, 339: 1}
    arrays = {code: (2, len(text), text) for code, text in words.items()}
    arrays |= {33922: (12, len(points), struct.pack(f"{order}{len(points)}d", *points))}
    arrays |= {34735: (3, len(keys), struct.pack(f"{order}{len(keys)}H", *keys))}
    arrays |= {273: (4, rows, b"\0" * 4 * rows), 279: (4, rows, struct.pack(f"{order}I", 2 * cols) * rows)}
    codes = sorted({*plain, *arrays})
    at = 8 + 2 + 12 * len(codes) + 4
    places = {}
    for code, (_, _, data) in arrays.items():
        places[code] = at
        at += len(data) + len(data) % 2
    offsets = struct.pack(f"{order}{rows}I", *(at + 2 * cols * row for row in range(rows)))
    arrays[273] = (4, rows, offsets)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(codes))
    for code in codes:
        if code in plain:
            head += struct.pack(f"{order}HHIHH", code, 3, 1, plain[code], 0)
        else:
            kind, count, _ = arrays[code]
            head += struct.pack(f"{order}HHII", code, kind, count, places[code])
    head += struct.pack(f"{order}I", 0)
    head += b"".join(data + b"\0" * (len(data) % 2) for _, _, data in arrays.values())
    assert len(head) == at
    return head + image.astype(f"{order}u2").tobytes() + tail


def calibration(band: int) -> bytes:
    """Three vectors whose lines begin before the image and end behind it, as ESA's do."""
    vectors = ""
    for line in (-20, 300, 640):
        places = np.array([0, 40, 333, COLS - 1])
        tables = {
            name: 300 + 40 * kind + 0.11 * line + 0.2 * places + band
            for kind, name in enumerate(("sigmaNought", "betaNought", "gamma", "dn"))
        }
        values = "".join(
            f"<{name} count='4'>{' '.join(f'{v:e}' for v in found)}</{name}>" for name, found in tables.items()
        )
        places_text = " ".join(map(str, places))
        vectors += (
            f"<calibrationVector><line>{line}</line><pixel count='4'>{places_text}</pixel>{values}</calibrationVector>"
        )
    return f"<?xml version='1.0'?><calibration><calibrationVectorList count='3'>{vectors}</calibrationVectorList></calibration>".encode()


def _annotation(polarisation: str, odd: Odd) -> bytes:
    grid = "".join(
        f"<geolocationGridPoint><line>{r}</line><pixel>{c}</pixel><latitude>{45 - r * 1e-4}</latitude><longitude>{11 + c * 1e-4}</longitude>"
        "<height>0</height></geolocationGridPoint>"
        for r in (0, ROWS - 1)
        for c in (0, COLS - 1)
    )
    return (
        f"<product><adsHeader><missionId>S1A</missionId><productType>{odd.product_type}</productType>"
        f"<polarisation>{polarisation.upper()}</polarisation><mode>IW</mode><swath>IW</swath><imageNumber>001</imageNumber></adsHeader>"
        f"<imageAnnotation><imageInformation><outputPixels>16 bit Unsigned Integer</outputPixels><numberOfSamples>{COLS}</numberOfSamples><numberOfLines>{ROWS}</numberOfLines>"
        f"</imageInformation></imageAnnotation><geolocationGrid><geolocationGridPointList>{grid}</geolocationGridPointList></geolocationGrid></product>"
    ).encode()


def _representation(path: str) -> str:
    name = path.rpartition("/")[2]
    kind = next((kind for kind in ("calibration", "noise") if name.startswith(kind)), path.partition("/")[0])
    return REPRESENTATIONS[kind]


def _identifier(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0].replace("-", "") + _representation(path)[8:11]


def _manifest(files: dict[str, bytes], odd: Odd) -> bytes:
    units, objects, metadata = "", "", ""
    for path, data in files.items():
        name, representation = _identifier(path), _representation(path)
        about, kind = "", "Metadata Unit"
        if representation == REPRESENTATIONS["measurement"]:
            annotation = path.replace("measurement/", "annotation/").replace(".tiff", ".xml")
            kind = "Measurement Data Unit"
            table = annotation.replace("annotation/", "annotation/calibration/calibration-")
            about = f' dmdID="{_identifier(annotation)}Annotation {_identifier(table)}Annotation "'
        units += f'<xfdu:contentUnit unitType="{kind}" repID="{representation}"{about}><dataObjectPointer dataObjectID="{name}"/></xfdu:contentUnit>\n'
        metadata += (
            f'<metadataObject ID="{name}Annotation"><dataObjectPointer dataObjectID="{name}"/></metadataObject>\n'
        )
        digest = hashlib.new({"MD5": "md5", "SHA3-256": "sha3_256"}[odd.checksum], data).hexdigest()
        objects += (
            f'<dataObject ID="{name}" repID="{representation}">\n  <byteStream mimeType="application/octet-stream" size="{len(data)}">\n'
            f'    <fileLocation locatorType="URL" href="./{path}"/>\n    <checksum checksumName="{odd.checksum}">{digest}</checksum>\n'
            "  </byteStream>\n</dataObject>\n"
        )
    return MANIFEST.format(units=units, metadata=metadata, objects=objects, product_type=odd.product_type).encode()


MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1" xmlns:safe="http://www.esa.int/safe/sentinel-1.0" xmlns:s1sarl1="http://www.esa.int/safe/sentinel-1.0/sentinel-1/sar/level-1">
<informationPackageMap><xfdu:contentUnit unitType="SAFE Archive Information Package" textInfo="Sentinel-1 IW Level-1 GRD Product">
{units}</xfdu:contentUnit></informationPackageMap>
<metadataSection>
{metadata}<metadataObject ID="processing" classification="PROVENANCE" category="PDI"><metadataWrap mimeType="text/xml" vocabularyName="SAFE"><xmlData>
  <safe:processing name="GRD Post Processing" start="2026-01-01T00:00:40" stop="2026-01-01T00:01:00"><safe:facility name="ESA"/></safe:processing>
</xmlData></metadataWrap></metadataObject>
<metadataObject ID="platform"><metadataWrap><xmlData><safe:platform><safe:familyName>SENTINEL-1</safe:familyName><safe:number>A</safe:number>
<safe:instrument><safe:familyName abbreviation="SAR">Synthetic Aperture Radar</safe:familyName><safe:extension><s1sarl1:instrumentMode>
<s1sarl1:mode>IW</s1sarl1:mode></s1sarl1:instrumentMode></safe:extension></safe:instrument></safe:platform></xmlData></metadataWrap></metadataObject>
<metadataObject ID="generalProductInformation"><metadataWrap><xmlData><s1sarl1:standAloneProductInformation>
<s1sarl1:transmitterReceiverPolarisation>VV</s1sarl1:transmitterReceiverPolarisation>
<s1sarl1:transmitterReceiverPolarisation>VH</s1sarl1:transmitterReceiverPolarisation>
<s1sarl1:productType>{product_type}</s1sarl1:productType></s1sarl1:standAloneProductInformation></xmlData></metadataWrap></metadataObject>
</metadataSection>
<dataObjectSection>
{objects}</dataObjectSection>
</xfdu:XFDU>
"""
