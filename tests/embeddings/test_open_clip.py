"""Models: which there are, what is recorded of them, and what is refused."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datacat.config import Settings
from datacat.embeddings import Embeddings, open_clip
from datacat.embeddings.open_clip import Choice, loaded
from datacat.embeddings.spaces import Space
from datacat.errors import DatacatError, EmbeddingError, ExtraMissing, UsageError
from datacat.sources.location import Location
from tests.embeddings.lakes import ARCHITECTURE, lake, picture, shown, write_model
from tests.embeddings.test_nearest import Question


def test_facts_are_what_the_files_say(weights: str) -> None:
    facts = loaded(Choice(checkpoint=weights)).facts
    assert (facts.label, facts.model, facts.dimension) == ("blank", "", 32)
    assert facts.checkpoint == weights
    assert json.loads(facts.architecture) == ARCHITECTURE
    preprocessing = json.loads(facts.preprocessing)
    assert (preprocessing["mean"], preprocessing["size"]) == ([0.5, 0.5, 0.5], [32, 32])
    assert re.fullmatch("[0-9a-f]{64}", facts.digest)


def test_vectors_have_unit_length_and_do_not_depend_on_the_batch(weights: str) -> None:
    model = loaded(Choice(checkpoint=weights))
    prepared = [
        model.prepare(Image.new("RGB", (50, 20 + 5 * number), (40 * number, 9, 80))) for number in range(6)
    ]
    together = model.encode_pictures(prepared)
    assert together.shape == (6, 32)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    assert np.allclose(together[3:4], model.encode_pictures(prepared[3:4]), atol=1e-5)
    assert model.encode_texts(["roof", "a red car with an open door"]).shape == (2, 32)


def test_the_model_stays_in_memory_until_its_file_changes(tmp_path: Path) -> None:
    weights = write_model(tmp_path / "m")
    first = loaded(Choice(checkpoint=str(weights)))
    assert loaded(Choice(checkpoint=str(weights))) is first
    write_model(tmp_path / "m", seed=1)
    assert loaded(Choice(checkpoint=str(weights))).facts.digest != first.facts.digest


def test_nothing_named_means_tiny(
    embeddings: Embeddings, folder: Path, weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_clip, "_TINY_FOLDER", Path(weights).parent)
    cursor = shown(lake(folder, map(picture, range(3))))
    report = embeddings.embed(cursor)
    assert re.fullmatch("tiny-[0-9a-f]{8}", report.space)
    assert embeddings.embed(cursor, model="tiny").embedded == 0
    (row,) = embeddings.spaces().to_pylist()
    assert (row["model"], row["checkpoint"], row["metric"], row["vectors"]) == ("tiny", "", "cosine", 3)
    assert len(embeddings.nearest(cursor)(Question(text="roof"), 2, None)) == 2


def test_the_tokens_and_the_preprocessing_are_part_of_the_space(weights: str) -> None:
    facts = loaded(Choice(checkpoint=weights)).facts
    from dataclasses import replace

    changed = [
        replace(facts, digest="0"),
        replace(facts, architecture="{}"),
        replace(facts, preprocessing="{}"),
    ]
    assert len({Space.of(each).name for each in [facts, *changed]}) == 4
    assert Space.of(replace(facts, checkpoint="/elsewhere")).name == Space.of(facts).name


def test_changed_weights_answer_no_text(embeddings: Embeddings, folder: Path, tmp_path: Path) -> None:
    weights = write_model(tmp_path / "m")
    cursor = shown(lake(folder, map(picture, range(3))))
    space = embeddings.embed(cursor, checkpoint=str(weights)).space
    write_model(tmp_path / "m", seed=1)
    nearest = embeddings.nearest(cursor)
    with pytest.raises(EmbeddingError, match=f"the model of the space {space} is not what it was"):
        nearest(Question(text="roof"), 1, None)
    assert nearest(Question(asset=1), 1, None)["asset"].to_pylist() == [1]
    assert embeddings.embed(cursor, checkpoint=str(weights)).space != space


def test_changed_preprocessing_answers_no_text(embeddings: Embeddings, folder: Path, tmp_path: Path) -> None:
    weights = write_model(tmp_path / "m")
    cursor = shown(lake(folder, [picture(0)]))
    embeddings.embed(cursor, checkpoint=str(weights))
    configuration = weights.with_name("open_clip_config.json")
    configuration.write_text(configuration.read_text().replace("bicubic", "bilinear"))
    with pytest.raises(EmbeddingError, match="is not what it was"):
        embeddings.nearest(cursor)(Question(text="roof"), 1, None)


def test_a_checkpoint_that_moved_keeps_its_space(
    embeddings: Embeddings, folder: Path, tmp_path: Path
) -> None:
    weights = write_model(tmp_path / "m")
    cursor = shown(lake(folder, [picture(0)]))
    space = embeddings.embed(cursor, checkpoint=str(weights)).space
    shutil.move(tmp_path / "m", tmp_path / "elsewhere")
    with pytest.raises(EmbeddingError, match="cannot be read"):
        embeddings.nearest(cursor)(Question(text="roof"), 1, None)
    moved = embeddings.embed(cursor, checkpoint=str(tmp_path / "elsewhere" / weights.name))
    assert (moved.space, moved.embedded) == (space, 0)
    assert len(embeddings.nearest(cursor)(Question(text="roof"), 1, None)) == 1


def test_bare_weights_are_refused(tmp_path: Path, weights: str) -> None:
    bare = shutil.copy(weights, tmp_path / "bare.safetensors")
    with pytest.raises(
        EmbeddingError, match=r"(?s)bare\.safetensors: .*without open_clip_config\.json.*--model"
    ):
        loaded(Choice(checkpoint=str(bare)))
    with pytest.raises(EmbeddingError, match=r"cannot be loaded: .*width"):  # they are no ViT-B-32's
        loaded(Choice("ViT-B-32", checkpoint=str(bare)))


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('code of a checkpoint was run')",))


@pytest.mark.parametrize("damage", ["cut.safetensors", "text.safetensors", "evil.pt", "text.pt"])
def test_damaged_and_dangerous_weights_are_refused(tmp_path: Path, damage: str) -> None:
    import torch

    weights = write_model(tmp_path / "m")
    file = tmp_path / "m" / damage
    if damage == "evil.pt":
        torch.save({"state_dict": {"a": _Evil()}}, file)
    else:
        file.write_bytes(weights.read_bytes()[:5000] if damage.startswith("cut") else b"not weights")
    with pytest.raises(EmbeddingError, match=f"(?s){damage}: the model cannot be loaded"):
        loaded(Choice(checkpoint=str(file)))


def test_broken_configuration_is_refused(tmp_path: Path) -> None:
    weights = write_model(tmp_path / "m")
    weights.with_name("open_clip_config.json").write_text("{}")
    with pytest.raises(EmbeddingError, match="missing 'model_cfg'"):
        loaded(Choice(checkpoint=str(weights)))


def test_a_pickled_checkpoint_of_a_training_run_is_read(tmp_path: Path, weights: str) -> None:
    import safetensors.torch
    import torch

    shutil.copytree(Path(weights).parent, tmp_path / "run")
    state = {f"module.{name}": tensor for name, tensor in safetensors.torch.load_file(weights).items()}
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "run" / "epoch_3.pt")
    model = loaded(Choice(checkpoint=str(tmp_path / "run" / "epoch_3.pt")))
    assert model.facts.label == "run-epoch_3"
    prepared = [model.prepare(Image.new("RGB", (9, 9), "red"))]
    assert np.allclose(
        model.encode_pictures(prepared),
        loaded(Choice(checkpoint=weights)).encode_pictures(prepared),
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (("ViT-B-23",), "no model 'ViT-B-23'.*Did you mean .*ViT-B-32"),
        (("tyni",), "no model 'tyni'.*Did you mean tiny"),
        (("zzzzzz",), "There are: tiny, .* and .* more"),
        (("ViT-B-32",), "ViT-B-32 needs weights.*--checkpoint.*laion2b_s34b_b79k"),
        (("ViT-B-32", "laion2b"), "no weights 'laion2b' of the model ViT-B-32.*laion2b_"),
        (("", "", "/no/such/file.pt"), "/no/such/file.pt: .*No such file"),
        (("", "", "/"), "a folder is no weights file"),
    ],
)
def test_unknown_models_are_refused_by_near_names(choice: tuple[str, ...], message: str) -> None:
    with pytest.raises(EmbeddingError, match=f"(?s){message}"):
        loaded(Choice(*choice))


def test_without_a_network_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        EmbeddingError, match=r"(?s)laion2b_s34b_b79k of ViT-B-32 cannot be fetched.*--model tiny"
    ):
        loaded(Choice("ViT-B-32", "laion2b_s34b_b79k"))


@pytest.mark.parametrize(
    "choice", [("", "tag"), ("tiny", "tag"), ("tiny", "", "/a.pt"), ("ViT-B-32", "tag", "/a.pt")]
)
def test_what_does_not_go_together_is_refused(choice: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        Choice(*choice)


def test_an_unknown_device_is_refused(weights: str) -> None:
    with pytest.raises(EmbeddingError, match=r"(?s)device 'warp' cannot be used.*--device cpu"):
        loaded(Choice(checkpoint=weights), device="warp")


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, catalog_root: Location) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        ExtraMissing, match=r"(?s)torch is not installed.*pip install 'datacat\[clip\]'"
    ) as caught:
        Embeddings(catalog_root, Settings()).embed(shown([]))
    assert isinstance(caught.value, DatacatError)


def test_importing_loads_neither_torch_nor_lancedb() -> None:
    code = "import sys, datacat.embeddings; print({'torch', 'open_clip', 'lancedb'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
