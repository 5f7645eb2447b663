"""Which scenes there are, and what their outputs are called."""

import os

import pytest

from sarcodec.archiving.names import Listing, Scene, Shard, output_of
from sarcodec.errors import InvalidArgument


def touched(folder, *names):
    for name in names:
        path = os.path.join(os.fsencode(folder), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb"):
            pass
    return folder


@pytest.mark.parametrize(
    "name, output",
    [
        ("a/b.tif", "a/b.sarc"),
        ("b.TIFF", "b.sarc"),
        ("a/b.c.tiff", "a/b.c.sarc"),
        ("a/b.img", "a/b.img.sarc"),
        ("/data/a/b.tif", "data/a/b.sarc"),
        ("../../x/./b.tif", "x/b.sarc"),
    ],
)
def test_outputs_mirror_names(name, output):
    assert output_of(name) == output


def test_a_folder_is_searched_for_scenes_alone(tmp_path):
    folder = touched(
        tmp_path / "in",
        "b.tif",
        "a/c.TIF",
        "a/d/e.tiff",
        "b.tif.aux.xml",
        "notes.txt",
        ".sarcodec-0123456789ab.part/part.tif",
    )
    assert [scene.output for scene in Listing(folder)] == ["a/c.sarc", "a/d/e.sarc", "b.sarc"]
    assert next(iter(Listing(folder))) == Scene(str(folder / "a/c.TIF"), "a/c.sarc")


def test_more_names_than_a_page_holds(tmp_path):
    names = tmp_path / "list.txt"
    names.write_text("\n".join(f"s{number:05}.tif" for number in range(2503)) + "\n\n")
    listing = Listing(names)
    assert listing.count == 2503
    assert [scene.output for scene in listing] == [f"s{number:05}.sarc" for number in range(2503)]


@pytest.mark.parametrize("folder", ["c.sarc/e.tif", "c.sarc/deep/e.tif", "c.sarc/p.SAFE/manifest.safe"])
@pytest.mark.parametrize("scene", ["c.tif", "c.SAFE/manifest.safe"])
def test_a_scene_whose_output_would_be_a_folder_of_others_is_refused_before_any_work(tmp_path, folder, scene):
    found = touched(tmp_path / "in", folder, scene, "d.sarc.tif", "x.sarc/e.tif")
    with pytest.raises(
        InvalidArgument, match=r"in/c\.(tif|SAFE) would become c\.sarc, which is also the name of a folder.*rename"
    ):
        Listing(found)
    for number in (1, 2, 3):
        with pytest.raises(InvalidArgument, match="would become c.sarc"):
            Listing(found, Shard(number, 3))


def test_a_folder_that_is_called_as_an_output_is_no_harm_alone(tmp_path):
    found = touched(tmp_path / "in", "c.sarc/e.tif", "d.tif")
    assert [scene.output for scene in Listing(found)] == ["c.sarc/e.sarc", "d.sarc"]


def test_a_list_is_relative_to_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_bytes(b"a/b.tif\r\n/else/where.tif\n")
    assert list(Listing("list.txt")) == [
        Scene(str(tmp_path / "a/b.tif"), "a/b.sarc"),
        Scene("/else/where.tif", "else/where.sarc"),
    ]


def test_a_list_as_windows_writes_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbfa.tif\r\n\r\nb.tif\r\n")
    assert [scene.source for scene in Listing("list.txt")] == [str(tmp_path / "a.tif"), str(tmp_path / "b.tif")]


def test_a_list_with_the_names_that_gdal_has_for_buckets(tmp_path):
    (tmp_path / "list.txt").write_text("/vsis3/bucket/a/b.tif\n")
    assert list(Listing(tmp_path / "list.txt")) == [Scene("s3://bucket/a/b.tif", "bucket/a/b.sarc")]


@pytest.mark.parametrize(
    "name, says",
    [
        (".", "line 2 of .* a folder"),
        ("../..", "line 2 of .* a folder"),
        ("/", "line 2 of .* a folder"),
        (
            "https://example.org/a.tif?signature=secret",
            r"line 2 of \S+ names https://example.org/a.tif; .* Download it",
        ),
        ("/vsicurl/https://example.org/a.tif", "Download it first"),
        ("/vsizip/a.zip/a.tif", "Download it first"),
    ],
)
def test_names_of_a_list_that_can_be_no_scene(tmp_path, name, says):
    (tmp_path / "list.txt").write_text(f"a.tif\n{name}\n")
    with pytest.raises(InvalidArgument, match=says):
        Listing(tmp_path / "list.txt")


@pytest.mark.parametrize("names", [("a.tif", "a.tiff"), ("a.TIF", "a.tif")])
def test_two_scenes_of_one_output_are_refused(tmp_path, names):
    with pytest.raises(InvalidArgument, match="would both become a.sarc; rename one"):
        Listing(touched(tmp_path, *names))


def test_a_name_that_is_listed_twice_is_one_scene(tmp_path):
    (tmp_path / "list.txt").write_text("a.tif\na.tif\n./a.tif\n")
    assert Listing(tmp_path / "list.txt").count == 1


def test_names_that_are_no_text_stay_what_they_are(tmp_path):
    folder = touched(tmp_path, b"sc\xe8ne.tif")
    (scene,) = Listing(folder)
    assert os.fsencode(scene.output) == b"sc\xe8ne.sarc" and os.path.exists(scene.source)


def test_shards_share_the_scenes(tmp_path):
    names = [f"{number}.tif" for number in range(100)]
    touched(tmp_path, *names)
    parts = [{scene.output for scene in Listing(tmp_path, Shard(number, 3))} for number in (1, 2, 3)]
    assert all(len(part) > 20 for part in parts)
    assert sum(map(len, parts)) == 100 and len(set.union(*parts)) == 100


@pytest.mark.parametrize("shard", [(0, 3), (4, 3), (1, 0)])
def test_shards_that_are_none(shard):
    with pytest.raises(InvalidArgument, match="expected I/N"):
        Shard(*shard)


def test_sources_without_scenes(tmp_path):
    with pytest.raises(InvalidArgument, match="holds no scene"):
        Listing(tmp_path)
    with pytest.raises(InvalidArgument, match="is not there"):
        Listing(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"a\0b\n")
    with pytest.raises(InvalidArgument, match="is no text"):
        Listing(tmp_path / "binary")
