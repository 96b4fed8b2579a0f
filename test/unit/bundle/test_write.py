"""Writing bundles: shards, hashes, and what happens to what is already there."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from browser.tiny_bundles import write_integers, write_relu
from webdnn.support.diagnostic import DiagnosticError
from webdnn.targets.bundle.manifest import Backends, Manifest, Tensor
from webdnn.targets.bundle.schema import json_schema
from webdnn.targets.bundle.sections import BufferWeights, ImageWeights, Js, MemoryWeights
from webdnn.targets.bundle.write import Move, runner_files, split_weights, write_bundle

EMPTY = Manifest(name="m", producer="tests", inputs=(), outputs=(), backends=Backends())


def test_shards_cover_the_image_and_equal_ones_are_stored_once() -> None:
    image = b"\0" * 64 + b"abc"
    shards = split_weights(image, 32)
    (zeros, _), (again, _), (rest, _) = shards.places
    assert zeros == again
    assert shards.files == {zeros: b"\0" * 32, rest: b"abc"}
    assert shards.as_image() == (ImageWeights(zeros, 0), ImageWeights(zeros, 32), ImageWeights(rest, 64))


def test_parts_of_an_image_are_placed_apart_though_files_end_within_them() -> None:
    shards = split_weights(bytes(range(40)), 16)
    first, second, third = (file for file, _ in shards.places)
    assert shards.at_addresses([Move(0, 10, 200), Move(12, 22, 100)]) == (
        MemoryWeights(first, start=0, bytes=10, address=200),
        MemoryWeights(first, start=12, bytes=4, address=100),
        MemoryWeights(second, start=0, bytes=16, address=104),
        MemoryWeights(third, start=0, bytes=2, address=120),
    )
    assert shards.in_buffer("arena", [Move(30, 4, 0)]) == (
        BufferWeights(second, start=14, bytes=2, buffer="arena", offset=0),
        BufferWeights(third, start=0, bytes=2, buffer="arena", offset=2),
    )


def test_no_weights_have_no_shards() -> None:
    assert split_weights(b"").places == ()


def test_shards_are_small_by_default() -> None:
    shards = split_weights(bytearray(40 * 2**20))
    assert [offset for _, offset in shards.places] == [0, 2**24, 2**25]


def test_every_file_is_listed_with_size_and_hash(tmp_path: Path) -> None:
    manifest = write_relu(tmp_path / "bundle") / "model.json"
    listed = json.loads(manifest.read_text())["files"]
    present = {p.relative_to(manifest.parent).as_posix() for p in manifest.parent.rglob("*") if p.is_file()}
    assert present == {"model.json", *listed}
    for path, entry in listed.items():
        content = (manifest.parent / path).read_bytes()
        assert entry == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@pytest.mark.parametrize("write", [write_relu, write_integers])
def test_written_manifest_validates(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    text = (write(tmp_path / "bundle") / "model.json").read_text()
    jsonschema.validate(json.loads(text), json.loads(json_schema()))


def test_bundle_replaces_a_bundle_whole(tmp_path: Path) -> None:
    write_bundle(tmp_path / "b", EMPTY, {"old.js": b"", "weights/old.bin": b""})
    write_bundle(tmp_path / "b", EMPTY, {"new.js": b""})
    assert sorted(p.name for p in (tmp_path / "b").iterdir()) == ["model.json", "new.js"]
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


def test_bundle_fills_an_empty_directory(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    write_bundle(tmp_path / "b", EMPTY, {})
    assert (tmp_path / "b" / "model.json").is_file()


def test_other_directories_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years")
    with pytest.raises(DiagnosticError, match=r"no model\.json of ours") as caught:
        write_bundle(tmp_path, EMPTY, {})
    assert "empty directory" in caught.value.hint
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_files_of_others_in_a_bundle_are_left_alone(tmp_path: Path) -> None:
    write_bundle(tmp_path / "b", EMPTY, {})
    (tmp_path / "b" / "index.html").write_text("mine")
    with pytest.raises(DiagnosticError, match=r"no part of its bundle: index\.html"):
        write_bundle(tmp_path / "b", EMPTY, {})


def test_a_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("mine")
    with pytest.raises(DiagnosticError, match="is a file"):
        write_bundle(tmp_path / "b", EMPTY, {})


@pytest.mark.parametrize("existing", [True, False])
def test_failure_leaves_all_as_it_was(tmp_path: Path, existing: bool) -> None:
    if existing:
        write_bundle(tmp_path / "b", EMPTY, {"old.js": b"old"})
    before = sorted(tmp_path.rglob("*"))
    # A file cannot be a directory too.
    with pytest.raises(DiagnosticError, match="could not be written"):
        write_bundle(tmp_path / "b", EMPTY, {"new": b"", "new/file.js": b""})
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("path", ["../up.js", "/root.js", "a//b.js", ".hidden", "model.json", "a b.js"])
def test_paths_stay_inside_and_portable(tmp_path: Path, path: str) -> None:
    with pytest.raises(AssertionError):
        write_bundle(tmp_path / "b", EMPTY, {path: b""})


def test_manifest_refers_only_to_files_that_are_there(tmp_path: Path) -> None:
    tensors = (Tensor("x", "f32", ()),)
    manifest = Manifest(
        name="m", producer="t", inputs=tensors, outputs=(), backends=Backends(js=Js("k.js", 0, (), (), ()))
    )
    with pytest.raises(AssertionError, match=r"k\.js"):
        write_bundle(tmp_path / "b", manifest, {})


def test_runner_files_are_the_modules_and_only_those(tmp_path: Path) -> None:
    files = runner_files()
    assert {"runner/index.js", "runner/backends/wasm.js"} <= set(files)
    assert all(path.endswith(".js") for path in files)
    write_bundle(tmp_path / "b", EMPTY, files)
