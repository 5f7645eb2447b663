"""Published models: found by id, told apart by digest, tried by their known answer; damage is named, nothing is unpickled."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from sarcodec.errors import ModelError, UnknownModel
from sarcodec.models import published
from sarcodec.models.published import CARD, DEFAULT_MODEL, FILES, digest_of


def shipped() -> Path:
    return next(f / DEFAULT_MODEL for f in published.folders() if (f / DEFAULT_MODEL / CARD).exists())


@pytest.fixture
def copied(tmp_path, monkeypatch) -> Path:
    """A copy of the shipped model under another id, in a folder that SARCODEC_MODELS names first."""
    home = tmp_path / "models" / "copy"
    shutil.copytree(shipped(), home)
    monkeypatch.setenv("SARCODEC_MODELS", f"{home.parent}:{shipped().parent}")
    seal(home)
    return home


def seal(home: Path, **changes) -> bytes:
    """Write a card that fits the folder's files; gives the digest."""
    digest = digest_of({name: (home / name).read_bytes() for name in FILES})
    card = json.loads((shipped() / CARD).read_text()) | {"id": "copy", "digest": digest.hex()} | changes
    (home / CARD).write_text(json.dumps(card))
    return digest


def test_the_shipped_model_is_what_its_card_says():
    model, card = published.load(), next(c for c in published.available() if c.default)
    assert (model.id, model.digest.hex()) == (card.id, card.digest_hex) == (DEFAULT_MODEL, card.text["digest"])
    assert card.bytes == sum((shipped() / name).stat().st_size for name in FILES) < 20_000_000
    assert card.description and card.text["licence"] and card.text["trained_on"]
    assert model.hyper_analysis(np.zeros((2, 4, 1041), np.float32)).shape == (1, 2, 24)
    assert published.load(DEFAULT_MODEL, model.digest[:8]) is model


def test_digest_counts_every_byte_and_name():
    contents = {name: name.encode() for name in FILES}
    found = {digest_of(contents)}
    for name in FILES:
        found |= {digest_of(contents | {name: value}) for value in (b"", contents[name] + b"\0", contents[name][::-1])}
    swapped = contents | {FILES[0]: contents[FILES[1]], FILES[1]: contents[FILES[0]]}
    assert len(found | {digest_of(swapped)}) == 3 * len(FILES) + 2


def test_a_copy_is_found_beside_the_shipped_one(copied):
    assert {c.id for c in published.available()} >= {"copy", DEFAULT_MODEL}
    assert published.load("copy").digest == published.load().digest


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_noticed(copied, name):
    data = bytearray((copied / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copied / name).write_bytes(data)
    with pytest.raises(ModelError, match="digest") as found:
        published.load("copy")
    assert not isinstance(found.value, UnknownModel)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_noticed(copied, name):
    (copied / name).unlink()
    with pytest.raises(ModelError, match=name):
        published.load("copy")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"id": "copy"}', "null"])
def test_a_damaged_card_is_noticed(copied, text):
    (copied / CARD).write_text(text)
    for call in (published.available, lambda: published.load("copy")):
        with pytest.raises(ModelError, match="copy"):
            call()


@pytest.mark.parametrize("answer", ["00000000", None])
def test_another_known_answer_is_refused(copied, answer):
    seal(copied, known_answer=answer)
    with pytest.raises(ModelError, match="known"):
        published.load("copy")


def rewrite(path: Path, **arrays) -> None:
    with np.load(path) as archive:
        kept = {k: archive[k] for k in archive.files}
    np.savez_compressed(path, **(kept | arrays))


def test_one_weight_more_changes_the_known_answer(copied):
    with np.load(copied / "prior.npz") as archive:
        weight = archive["head0.bias"].astype(np.int64)
    weight[0] += 1 << 12
    rewrite(copied / "prior.npz", **{"head0.bias": weight})
    seal(copied)
    with pytest.raises(ModelError, match="known"):
        published.load("copy")


@pytest.mark.parametrize("name", ["transform.npz", "prior.npz"])
def test_nothing_is_unpickled_and_damaged_archives_are_named(copied, name):
    stream = io.BytesIO()
    np.savez(stream, analysis=np.array([print], object), synthesis=np.zeros(1))
    for data in (stream.getvalue(), b"PK\3\4 not a zip", b"", b"\x80\x04N."):
        (copied / name).write_bytes(data)
        seal(copied)
        published._load_folder.cache_clear()
        with pytest.raises(ModelError, match="cannot be read"):
            published.load("copy")


def test_unknown_ids_and_digests_say_what_is_here(copied):
    with pytest.raises(UnknownModel, match=f"copy,.* {DEFAULT_MODEL}"):
        published.load("another")
    with pytest.raises(UnknownModel, match="0102030405060708"):
        published.load(DEFAULT_MODEL, bytes(range(1, 9)))


def test_of_two_versions_the_digest_decides(tmp_path, monkeypatch):
    """An older version of the default model, in a folder of the user's, beside the newer one."""
    older = tmp_path / DEFAULT_MODEL
    shutil.copytree(shipped(), older)
    rewrite(older / "transform.npz", extra=np.zeros(1, np.float32))
    newest = published.load()
    monkeypatch.setenv("SARCODEC_MODELS", f"{tmp_path}:{shipped().parent}")
    digest = seal(older, id=DEFAULT_MODEL)
    assert digest != newest.digest
    assert published.load(None, digest[:8]).digest == digest
    assert published.load(None, newest.digest[:8]).digest == newest.digest
