"""What a scene says in words of what its bands are: units, band names, and metadata under keys that are known to mean it.

Words count as wholes only: letters inside a product id, sentences and formulas are no evidence. In: a SceneInfo; out: the domains
that a declaration leaves possible, and names of bands that are no radar. Knows no pixels.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass

from sarcodec.format.scene import SceneInfo

AMPLITUDE, POWER, DB = frozenset({"amplitude"}), frozenset({"power"}), frozenset({"db"})
LINEAR, SIGMA = AMPLITUDE | POWER, POWER | DB  # of a ratio without a unit; of sigma nought, on whatever scale

_WORDS = {
    DB: "db decibel decibels dbm dbsm",
    AMPLITUDE: "amplitude amplitudes amp ampl dn dns digitalnumber digitalnumbers counts magnitude",
    POWER: "power pwr intensity linear lin linearpower m2m2",
    SIGMA: "sigma0 gamma0 beta0 sigmanought sigmanaught gammanought gammanaught betanought betanaught "
    "sigma0rtc gamma0rtc sigmazero gammazero betazero nrcs",
}
_DOMAINS = {word: domains for domains, words in _WORDS.items() for word in words.split()}
# Words that may stand beside those in a name without making it a sentence.
_NEUTRAL = set(
    "vv vh hh hv rh rv lh lv rr rl lr ll dual quad pol polarization polarisation polarized polarised channel band image data layer "
    "backscatter backscattering coefficient coefficients radar sar sentinel s1 s1a s1b s1c s1d sentinel1 iw ew sm wv grd grdh grdm slc "
    "rtc nrb gtc elp erp tnr tc ml norm normalized normalised calibrated terrain corrected flattened flattening flat filtered filter "
    "spk speckle lee refined sigma gamma beta map mst slv mean median min max asc desc ascending descending in scale scaled unit units value "
    "values scattering cross section radiometric raw detected expression convention pixel ground range multilooked nought naught".split()
)
_EXACT = set(
    "angle angles incidence incangle incidenceangle localincidenceangle lia inc ia theta mask masks layover shadow layovershadow "
    "layovershadowmask datamask validmask quality qa qc flag flags class classes classification label labels landcover landuse lulc "
    "lat latitude lon long lng longitude latlon elevation elev dem dsm dtm height altitude slope aspect azimuth heading geometry area "
    "distance watermask water flood category categories segment segments id count looks coherence coh phase ratio rvi entropy "
    "anisotropy alpha index valid validity nodata easting northing topography incmap anglemap offnadir ls lsm lsmap hgt srtm scl unw ifg "
    "time date doy anf noise nesz nesn maske winkel einfallswinkel inzidenzwinkel masque mascara angolo angulo incidencia incidenza "
    "ang eia theta grazing zenith landmask seamask cloudmask snowmask icemask foreshortening ndvi ndpi coh12 cc coherency obs "
    "observation observations nobs los psi".split()
)
_CORRECTED = set("corrected normalized normalised norm flattened".split())  # VV that was freed of its slope is radar
_POLARISATIONS = set("vv vh hh hv rh rv".split())
_WEAK = set("time date index id valid azimuth".split())  # VV beside one of these is VV
_QUALIFIERS = set(
    "local projected ellipsoid ellipsoidal from look direction ground surface sea level wgs84 egm96 egm2008 srtm copernicus deg degree "
    "degrees de di del della rad radian radians m meter meters metre metres of the and number no x y z geo map bit bits reference ref scattering "
    "contributing normal vegetation cloud land use cover type water body bodies incident ell off nadir border edge pixels "
    "nominal view i satellite sensor sun solar orthorectified acquisition acq lokaler factor normalization normalisation to permanent urban forest".split()
)
_EXACT_UNITS = set(
    "deg degree degrees rad radian radians m meter meters metre metres class classes flag flags bit bits mask label".split()
) | {"°"}
_LENGTHS = {"m", "meter", "meters", "metre", "metres"}  # GDAL gives that of a vertical CRS to every band
_KEYS = set(
    "unit units unittype pixelunits pixelunit dataunits backscatterunits backscatterunit radiometryunits scale scaling datascale "
    "outputscale radiometricscale backscatterscale amplitudescale radiometry calibration calibrationtype radiometriccalibration "
    "radiometriccalibrationtype backscatterexpression backscatterexpressionconvention outputbackscatterexpressionconvention "
    "backscatterconvention backscattermeasurement domain pixelvalue pixelvalues valuetype backscattercoefficient".split()
)
_NAME_KEYS = set("name bandname layername netcdfvarname shortname longname standardname varname description".split())
_MOST_WORDS = 8


@dataclass(frozen=True)
class Declaration:
    """The domains that some words leave possible, and where they stand ('unit dB'). own: they stand at the band itself; what
    stands at the file often tells of the product that it was made from."""

    domains: frozenset[str]
    where: str
    own: bool = True


def declarations(info: SceneInfo, band: int) -> list[Declaration]:
    """All that is declared of the domain of a band (from 0)."""
    unit = info.units[band]
    found = [Declaration(domains, f"unit {unit!r}") for domains in [unit_domains(unit or "")] if domains]
    found += [Declaration(d, f"band name {text!r}") for text in _names(info, band) if (d := text_domains(text))]
    for tags, own in ((info.band_tags[band], True), (info.tags, False)):
        known = ((key, value) for _, items in tags for key, value in items if _plain(key) in _KEYS)
        found += [Declaration(d, f"metadata {key}={value}", own) for key, value in known if (d := unit_domains(value))]
    return found


def declared_exact(info: SceneInfo, band: int) -> str | None:
    """Why a band (from 0) is declared to be no radar; None where it is not."""
    colour = info.colorinterp[band]
    if colour in ("alpha", "palette"):
        return f"colour interpretation {colour}"
    unit = (info.units[band] or "").strip().lower().strip("[]()")
    if unit in _EXACT_UNITS and not (unit in _LENGTHS and re.search("VERT_?(CS|CRS)", info.crs_wkt or "")):
        return f"unit {info.units[band]!r}"
    return next((f"band name {name!r}" for name in _names(info, band) if is_exact_name(name)), None)


def is_radar_name(info: SceneInfo, band: int) -> bool:
    """Whether a band (from 0) bears the name of a polarisation or of a radar quantity."""
    radar = set(_DOMAINS) | _POLARISATIONS
    return any(set(tokens(name) or ()) & radar and not is_exact_name(name) for name in _names(info, band))


def unit_domains(text: str) -> frozenset[str] | None:
    """What a unit, or the value of a known key, leaves possible; None where it says nothing."""
    squeezed = re.sub(r"[\s^*._/()\[\]-]", "", text.lower())
    if squeezed == "1":
        return LINEAR
    if squeezed in _DOMAINS:
        return _DOMAINS[squeezed]
    if squeezed in ("dbm2m2", "m2m2db"):
        return DB
    return None if re.search(r"(?<![A-Za-z])\d", text) else text_domains(text)


def text_domains(text: str) -> frozenset[str] | None:
    """What a name leaves possible, if it is made of known words only; None where it is a sentence or says nothing."""
    words = tokens(text)
    if words is None or not all(word in _DOMAINS or word in _NEUTRAL or _is_number(word) for word in words):
        return None
    named = {_DOMAINS[word] for word in words if word in _DOMAINS} | _spelled(words)
    if DB in named and (AMPLITUDE in named or POWER in named or SIGMA in named):
        return None if "linear" in words or "lin" in words else DB  # Intensity_VV_db: dB of an intensity
    if AMPLITUDE in named and named - {AMPLITUDE}:
        return AMPLITUDE if not named & {DB} else None
    for domains in (DB, AMPLITUDE, POWER, SIGMA):
        if domains in named:
            return domains
    return None


def _spelled(words: list[str]) -> set[frozenset[str]]:
    """Quantities that are written in two words: sigma nought, digital number."""
    return {_DOMAINS[pair] for pair in _pairs(words) if pair in _DOMAINS}


def _pairs(words: list[str]) -> set[str]:
    return {first + second for first, second in itertools.pairwise(words)}


def is_exact_name(name: str) -> bool:
    """Whether a band name says that the band is geometry, a mask, classes or the like."""
    words = tokens(name)
    if not words or len(words) > _MOST_WORDS:
        return False
    if "anf" in words or "areanormalization" in _pairs(words):  # rtc_anf_gamma0_to_beta0
        return True
    if any(word in _DOMAINS for word in words) or _spelled(words) or set(words) & _CORRECTED:
        return False
    known = _EXACT | _QUALIFIERS | _NEUTRAL
    exact = _EXACT - _WEAK if _POLARISATIONS & set(words) else _EXACT
    return bool(exact & {*words, *_pairs(words)}) and all(word in known or _is_number(word) for word in words)


def tokens(text: str) -> list[str] | None:
    """Words of a name in lower case, camel case split; None where it is no name: too long, or with signs of a formula."""
    if not re.fullmatch(r"[\w\s.,:/()\[\]°-]+", text):
        return None
    text = "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
    pieces = [word for piece in re.split(r"[^A-Za-z0-9°]+", text) if piece for word in _split(piece)]
    return pieces if len(pieces) <= _MOST_WORDS else None


def _split(piece: str) -> list[str]:
    whole = piece.lower()
    if whole in _DOMAINS or whole in _NEUTRAL or whole in _EXACT or whole in _QUALIFIERS:
        return [whole]
    if match := re.fullmatch(r"([A-Z]{2})d[bB]|([a-z]{2})db", piece):  # VVdB
        return [(match[1] or match[2]).lower(), "db"]
    parts = re.findall(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+", piece)
    if re.search(r"[0-9][A-Za-z]", piece) and not re.match(r"(?i)(sigma|gamma|beta)0", piece):
        return [whole]  # part of an id or a date
    return [part.lower() for part in parts]


def _is_number(word: str) -> bool:
    """A number, or a date as SNAP writes it."""
    return re.fullmatch(r"\d+|\d{1,2}[a-z]{3}\d{4}|\d{8}t\d{6}|(mst|slv)\d+", word) is not None


def _names(info: SceneInfo, band: int) -> list[str]:
    names = [info.descriptions[band]] + [
        value for _, items in info.band_tags[band] for key, value in items if _plain(key) in _NAME_KEYS
    ]
    return [name for name in names if name]


def _plain(key: str) -> str:
    """A key without its prefixes (S1:UNITS, abstracted_metadata#units) and without what is no letter or digit."""
    return re.sub(r"[^a-z0-9]", "", re.split(r"[:#|]", key)[-1].lower())
