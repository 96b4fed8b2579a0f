"""The files generated from the manifest's dataclasses."""

import json
from pathlib import Path
from typing import get_args

import jsonschema
import pytest

from webdnn.passes.kernel.mapping.map_groups import GROUPS
from webdnn.passes.kernel.mapping.subgroups import SUBGROUPS
from webdnn.passes.kernel.mapping.variants import ALONE
from webdnn.support.element_type import ELEMENT_TYPES
from webdnn.support.scheduling.tiles import TILES
from webdnn.targets.bundle import schema
from webdnn.targets.bundle.manifest import Backends, Manifest, Tensor, to_json
from webdnn.targets.bundle.names import ElementTypeName, VariantName
from webdnn.targets.bundle.sections import Js, MemoryRange

MANIFEST = Manifest(
    name="m",
    producer="tests",
    inputs=(Tensor("x", "f32", (2, 3)),),
    outputs=(),
    backends=Backends(js=Js("a/b.js", 64, (), (MemoryRange(0, 24),), ())),
)


@pytest.mark.parametrize(("path", "text"), [pytest.param(p, t, id=p.name) for p, t in schema.generated().items()])
def test_committed_file_is_up_to_date(path: Path, text: str) -> None:
    assert path.read_text(encoding="utf-8") == text, "run python -m webdnn.targets.bundle.schema"


def test_element_types_are_those_of_the_compiler() -> None:
    assert set(get_args(ElementTypeName)) == set(ELEMENT_TYPES)


def test_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema.json_schema()))


def test_manifest_has_camel_case_keys_and_no_absent_ones() -> None:
    assert json.loads(to_json(MANIFEST))["backends"] == {
        "js": {
            "module": "a/b.js",
            "memoryBytes": 64,
            "weights": [],
            "inputs": [{"address": 0, "bytes": 24}],
            "outputs": [],
        }
    }


def test_manifest_validates() -> None:
    jsonschema.validate(json.loads(to_json(MANIFEST)), json.loads(schema.json_schema()))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"memoryBytes":64', '"memoryBytes":-1'),
        ('"memoryBytes":64', '"memoryBytes":64,"surprise":0'),
        ('"memoryBytes":64,', ""),
        ('"version":1', '"version":2'),
        ('"f32"', '"float"'),
        ('"a/b.js"', '"../b.js"'),
        ('"a/b.js"', '"/b.js"'),
    ],
)
def test_schema_rejects(right: str, wrong: str) -> None:
    text = to_json(MANIFEST)
    assert right in text
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(text.replace(right, wrong)), json.loads(schema.json_schema()))


def test_every_variant_of_a_kernel_has_a_word() -> None:
    assert set(get_args(VariantName)) == {tile.name for tile, _ in TILES} | {GROUPS, SUBGROUPS, ALONE}
