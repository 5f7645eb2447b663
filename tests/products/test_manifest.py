"""A manifest is read by the rules of XML, whatever its prefixes and its encoding, and brought up to date in them; nothing else of it changes."""

import re
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

import sarcodec
from products.small_safe import make_product
from sarcodec.errors import UnsupportedScene
from sarcodec.products.acquisition import read_acquisition
from sarcodec.products.layout import Product
from sarcodec.products.manifest import crc16, read_manifest
from sarcodec.products.updating import Processing, updated

XFDU, SAFE = "urn:ccsds:schema:xfdu:1", "http://www.esa.int/safe/sentinel-1.0"
STEP = Processing("Try & error", "sarcodec", "1", "Größe_€.SAFE", (("with <care>", "how"),))
OWN = "informationPackageMap|metadataSection|metadataObject|metadataWrap|xmlData|dataObjectSection|dataObject|byteStream|fileLocation|checksum|dataObjectPointer"


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> str:
    """The manifest of a product as ESA writes it."""
    product = make_product(tmp_path_factory.mktemp("plain"))
    return (product / "manifest.safe").read_text()


def prefixed(text: str, prefix: str = "xfdu") -> str:
    """With a prefix before all names of the package."""
    found = re.sub(rf"<(/?)({OWN})\b", rf"<\1{prefix}:\2", text)
    return re.sub("(</?)xfdu:", rf"\1{prefix}:", found).replace("xmlns:xfdu", f"xmlns:{prefix}")


def by_default(text: str) -> str:
    """With its namespace as the one of names without a prefix."""
    return re.sub("(</?)xfdu:", r"\1", text).replace("xmlns:xfdu", "xmlns")


def steps_without_prefix(text: str) -> str:
    """The step of processing declares the namespace of its names itself."""
    return (
        text.replace("<safe:processing", f'<processing xmlns="{SAFE}"')
        .replace("safe:processing", "processing")
        .replace('<safe:facility name="ESA"', '<facility name="ESA"')
    )


def another_safe(text: str) -> str:
    """The prefix `safe` stands for something else where a step is to be put in."""
    return (
        steps_without_prefix(text)
        .replace('"metadataSection"', "")
        .replace("<metadataSection>", '<metadataSection xmlns:safe="urn:other" xmlns:safe0="urn:more">')
        .replace("<safe:platform>", f'<safe:platform xmlns:safe="{SAFE}">')
    )


FORMS = {
    "as ESA writes it": lambda text: text,
    "prefixed": prefixed,
    "another prefix": lambda text: prefixed(text, "p"),
    "by default": by_default,
    "steps without a prefix": steps_without_prefix,
    "steps in no namespace": lambda text: re.sub("(</?)safe:(processing|facility)", r"\1\2", text),
    "safe is another": another_safe,
    "apostrophes and spaces": lambda text: (
        text.replace(' size="', '\n size\t=  "').replace('="', "='").replace('"', "'")
    ),
}
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-be": "utf-16",
    "latin-1": "ISO-8859-1",
    "cp1252": "windows-1252",
}


def encoded(text: str, encoding: str) -> bytes:
    """As a file says it of itself, with the mark of the order of bytes where it has one."""
    declared = re.sub("encoding=(.)UTF-8", rf"encoding=\1{ENCODINGS[encoding]}", text)
    return (b"\xfe\xff" if encoding == "utf-16-be" else b"") + declared.encode(encoding)


def check(before: bytes, after: bytes, path: str) -> None:
    """Size and checksum of one file are new, and there is one more step around the others, in their namespace; all else is as it was."""
    old, new = ElementTree.fromstring(before), ElementTree.fromstring(after)
    for element in new.iter():
        place = element.find("{*}fileLocation")
        if place is not None and place.get("href") == f"./{path}":
            assert (element.get("size"), element.findtext("{*}checksum")) == ("12345", "abc")
    data = new.find(".//{*}metadataObject[@ID='processing']/{*}metadataWrap/{*}xmlData")
    (step,) = data
    source = step[-1]
    assert step.get("name") == STEP.name and source.get("name") == STEP.source
    assert {e.tag.rpartition("}")[0] for e in step.iter()} == {source[0].tag.rpartition("}")[0]}
    data[:] = list(source)
    for root in (old, new):
        for element in root.findall(".//{*}byteStream"):
            if element.find("{*}fileLocation").get("href") == f"./{path}":
                element.set("size", ""), element.remove(element.find("{*}checksum"))
        for element in root.iter():
            element.text, element.tail = (element.text or "").strip(), (element.tail or "").strip()
    assert ElementTree.canonicalize(ElementTree.tostring(old)) == ElementTree.canonicalize(ElementTree.tostring(new))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read_and_brought_up_to_date(plain, form, encoding):
    before = encoded(FORMS[form](plain), encoding)
    found = read_manifest(before, "x.SAFE")
    assert found == read_manifest(plain.encode(), "x.SAFE") and len(found.objects) == 10
    about = Product("S1A_X.SAFE", "S1A", "IW", "GRD", ())
    assert read_acquisition(before, about) == read_acquisition(plain.encode(), about)
    path = found.objects[0].path
    after = updated(before, {path: (12345, "abc")}, STEP)
    check(before, after, path)
    assert after[:4] == before[:4] and after.decode(ENCODINGS[encoding]).count(STEP.version) > 0


def test_the_manifest_of_esa_changes_in_three_places_alone(plain):
    path = read_manifest(plain.encode(), "x").objects[3].path
    after = updated(plain.encode(), {path: (7, "00ff")}, STEP).decode()
    listed = re.search(rf'size="(\d+)">\s*<fileLocation[^>]*{re.escape(path)}"/>\s*<checksum [^>]*>(\w+)<', plain)
    undone = re.sub(r"<safe:processing name=\"Try.*?GRD Product\">", "", after).replace(
        "</safe:resource></safe:processing>", ""
    )
    undone = undone.replace('size="7"', f'size="{listed[1]}"').replace(">00ff<", f">{listed[2]}<")
    assert undone == plain


def test_a_product_whose_manifest_is_prefixed_and_in_utf_16_goes_the_whole_way(lossy, tmp_path):
    product = Path(shutil.copytree(lossy.product, tmp_path / "in" / lossy.product.name))
    manifest = product / "manifest.safe"
    manifest.write_bytes(encoded(prefixed(manifest.read_text()), "utf-16"))
    sarcodec.compress(product, tmp_path / "p.sarc", quality=30, effort=0)
    assert sarcodec.info(tmp_path / "p.sarc").product.polarisations == ("VV", "VH")
    back = Path(sarcodec.decompress(tmp_path / "p.sarc", tmp_path).path)
    found = (back / "manifest.safe").read_bytes()
    assert back.stem[-4:] == crc16(found) and found.startswith(b"\xff\xfe")
    assert "SAR Compression" in found.decode("utf-16")
    sarcodec.compress(
        back, tmp_path / "again.sarc", quality=30, effort=0
    )  # refuses a file that is not as the manifest says


def test_what_is_in_another_namespace_lists_no_files(plain):
    strange = (
        '<o:dataObject xmlns:o="urn:other"><o:byteStream><o:fileLocation href="../out"/></o:byteStream></o:dataObject>'
    )
    text = plain.replace("</dataObjectSection>", f"{strange}</dataObjectSection>")
    assert read_manifest(text.encode(), "x") == read_manifest(plain.encode(), "x")
    with pytest.raises(UnsupportedScene, match=r"names '\.\./out', which lies outside"):
        read_manifest(text.replace("urn:other", XFDU).encode(), "x")


LAUGHS = '<!DOCTYPE a [<!ENTITY l0 "ha">{}]>'.format(
    "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("doctype", [LAUGHS, "<!DOCTYPE a>", '<!DOCTYPE a SYSTEM "file:///etc/passwd">'])
def test_words_of_its_own_are_refused_in_every_encoding(plain, encoding, doctype):
    text = plain.replace("?>", f"?>{doctype}", 1).replace(
        "SENTINEL-1<", "&l9;<" if doctype is LAUGHS else "SENTINEL-1<"
    )
    with pytest.raises(
        UnsupportedScene, match=r"x\.SAFE is no sound XML.*defines words of its own.*fetch the product again"
    ):
        read_manifest(encoded(text, encoding), "x.SAFE")


@pytest.mark.parametrize(
    "data, words",
    [
        (b'<?xml version="1.0" encoding="none-such"?><a/>', "unknown encoding"),
        (b'<?xml version="1.0" encoding="shift_jis"?><a/>', "multi-byte encodings"),
        (b'<?xml version="1.0" encoding="UTF-16"?><a/>', "encoding"),
        ("<a/>".encode("utf-32"), "invalid token"),
        (b"<p:a/>", "unbound prefix"),
        (b"<a>" * 270_000, "more than 262144 elements"),
        (b" " * (17 << 20), "bytes, expected 16777216 at most"),
    ],
    ids=["unknown", "many bytes", "denied", "utf-32", "unbound", "deep", "large"],
)
def test_what_no_parser_reads_is_refused_in_words(data, words):
    with pytest.raises(UnsupportedScene, match=f"the manifest of x.SAFE .*{words}.*; fetch the product again"):
        read_manifest(data, "x.SAFE")


@pytest.mark.parametrize("name", ["a\udcff.SAFE", "a\x01.SAFE", "a\uffff.SAFE"])
def test_a_name_that_xml_cannot_hold_is_refused(plain, name):
    with pytest.raises(UnsupportedScene, match="has characters that no manifest can hold.*another name"):
        updated(plain.encode(), {}, replace(STEP, source=name))


@pytest.mark.parametrize(
    "old, new",
    [('<byteStream mimeType="application/octet-stream" size=', "<byteStream length="), ("<checksum ", "<sum ")],
)
def test_a_list_that_cannot_be_changed_is_refused(plain, old, new):
    text = plain.replace(old, new).replace("</checksum>" if "sum" in new else "\0", "</sum>")
    path = read_manifest(plain.encode(), "x").objects[0].path
    with pytest.raises(UnsupportedScene, match=f"does not list {path} in a way that can be changed.*one at a time"):
        updated(text.encode(), {path: (1, "a")}, STEP)
