"""Trains the CLIP model that datacat ships, on drawn scenes, and says how good it is on scenes it never saw.

    python scripts/train_tiny.py                  # about 12 minutes on two cores
    python scripts/train_tiny.py --steps 0        # only measure the model that is there

Captions name only part of what a picture shows, so one caption is true of many pictures of a batch. The loss
is therefore the contrastive one of CLIP (Radford et al. 2021) with every true pair as a positive, as in
supervised contrastive learning (Khosla et al. 2020). From scratch that is slow to find small things, so a linear
head that names them all is trained along and thrown away.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import open_clip
import torch
import torch.nn.functional as nn
from PIL import Image
from safetensors.torch import save_file

from datacat.demo.captions import PHRASES, caption, tags
from datacat.demo.scenes import draw

HOME = Path(__file__).resolve().parents[1] / "datacat" / "embeddings" / "tiny"
SIDE = 128
_RATE = 2e-3
HELD_OUT = 1_000_000  # first seed of the scenes that are only measured on
CONFIG = {
    "model_cfg": {
        "embed_dim": 128,
        "vision_cfg": {"image_size": SIDE, "layers": [1, 1, 1, 1], "width": 16},
        # The width of the text tower is what the size of the file hangs on: 49,408 tokens.
        "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 48, "heads": 4, "layers": 2},
    },
    "preprocess_cfg": {
        "mean": [0.45, 0.45, 0.45],
        "std": [0.25, 0.25, 0.25],
        "interpolation": "bicubic",
        "resize_mode": "squash",  # a centre crop would cut off what stands at the edge
    },
}


def main() -> None:
    """Draws, trains, saves, measures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=8000)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--to", type=Path, default=HOME)
    chosen = parser.parse_args()
    torch.manual_seed(chosen.seed)
    random.seed(chosen.seed)
    torch.set_num_threads(
        1
    )  # with two, and anything else at work on the machine, a step takes ten times as long
    chosen.to.mkdir(parents=True, exist_ok=True)
    if chosen.steps:
        (chosen.to / "open_clip_config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
        images, truths = drawn(range(chosen.scenes))
        model = _train(images, truths, chosen=chosen)
        _save(model, chosen.to)
    _measure(chosen.to)


def drawn(seeds: range) -> tuple[np.ndarray, list[frozenset[str]]]:
    """Draws scenes: pictures (n, SIDE, SIDE, 3) uint8, and what is true of each."""
    with get_context("spawn").Pool(2) as pool:
        found = pool.map(_drawn, seeds, chunksize=64)
    return np.stack([picture for picture, _ in found]), [truth for _, truth in found]


def _drawn(seed: int) -> tuple[np.ndarray, frozenset[str]]:
    scene = draw(seed, "aerial" if seed % 5 < 3 else "street", detail=1)
    small = scene.picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(small), tags(scene)


def _train(images: np.ndarray, truths: list[frozenset[str]], *, chosen: argparse.Namespace) -> open_clip.CLIP:
    model = open_clip.CLIP(**CONFIG["model_cfg"]).to(memory_format=torch.channels_last)
    tokenizer = open_clip.SimpleTokenizer(context_length=CONFIG["model_cfg"]["text_cfg"]["context_length"])
    namer = torch.nn.Linear(CONFIG["model_cfg"]["embed_dim"], len(PHRASES))
    parameters = [*model.parameters(), *namer.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=_RATE, weight_decay=0.02)
    known = torch.tensor([[tag in truth for tag in PHRASES] for truth in truths]).float()
    rng = random.Random(chosen.seed)
    seen: set[int] = set()
    began = time.monotonic()
    for step in range(chosen.steps):
        for group in optimizer.param_groups:
            group["lr"] = _RATE * _pace(step, chosen.steps)
        picked = rng.sample(range(len(images)), chosen.batch)
        wanted = [_some(truths[number], rng) for number in picked]
        texts = tokenizer([caption(some, rng) for some in wanted])
        seen.update(texts.unique().tolist())
        matches = torch.tensor([[set(some) <= truths[number] for some in wanted] for number in picked])
        with torch.autocast("cpu", dtype=torch.bfloat16):  # halves the time of a step
            pictured = model.encode_image(_augmented(images[picked]))
        pictured = pictured.float()
        contrast = _contrast(model, pictured, texts, matches)
        naming = nn.binary_cross_entropy_with_logits(namer(pictured), known[picked])
        loss = contrast + 4 * naming
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 2.0)
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(50))
        if step % 50 == 0:
            seconds = time.monotonic() - began
            print(f"step {step:5} contrast {contrast:.3f} naming {naming:.3f} {seconds:6.0f} s", flush=True)
    with torch.no_grad():  # a word that was never seen says nothing, rather than something random
        unseen = torch.ones(len(model.token_embedding.weight), dtype=torch.bool)
        unseen[list(seen)] = False
        model.token_embedding.weight[unseen] = 0
    return model


def _pace(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / 60) * 0.5 * (1 + math.cos(math.pi * step / steps)) + 1e-3


def _some(truth: frozenset[str], rng: random.Random) -> tuple[str, ...]:
    """One to three things that are true; what few pictures show is named as often as what most show."""
    ordered = sorted(truth)
    weights = [0.35 if tag in _COMMON else 1.0 for tag in ordered]
    return tuple(dict.fromkeys(rng.choices(ordered, weights, k=rng.choice((1, 1, 1, 2, 2, 3)))))


_COMMON = frozenset({"aerial", "street", "car", "tree", "day", "person"})


def _augmented(batch: np.ndarray) -> torch.Tensor:
    pixels = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255
    if random.random() < 0.5:
        pixels = pixels.flip(3)
    pixels = pixels * (1 + 0.16 * (torch.rand(len(pixels), 3, 1, 1) - 0.5))
    left, top = random.randint(0, 8), random.randint(0, 8)
    pixels = nn.interpolate(
        pixels[:, :, top : top + SIDE - 8, left : left + SIDE - 8], size=SIDE, mode="bilinear"
    )
    config = CONFIG["preprocess_cfg"]
    mean, std = (torch.tensor(config[name])[:, None, None] for name in ("mean", "std"))
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)


def _contrast(
    model: open_clip.CLIP, pictured: torch.Tensor, texts: torch.Tensor, matches: torch.Tensor
) -> torch.Tensor:
    said = model.encode_text(texts, normalize=True)
    logits = model.logit_scale.exp() * nn.normalize(pictured, dim=-1) @ said.T
    truth = matches.float()
    to_text = (logits.log_softmax(1) * truth).sum(1) / truth.sum(1)
    to_picture = (logits.log_softmax(0) * truth).sum(0) / truth.sum(0)
    return -(to_text.mean() + to_picture.mean()) / 2


def _save(model: open_clip.CLIP, home: Path) -> None:
    weights = {name: value.detach().half().contiguous() for name, value in model.state_dict().items()}
    save_file(weights, home / "open_clip_model.safetensors")


def _measure(home: Path) -> None:
    """Prints, for each thing that can be asked, how many of the first ten are right, on held-out scenes."""
    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{home}", precision="fp32")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{home}")
    model.eval()
    truths: list[frozenset[str]] = []
    vectors = []
    for seed in range(HELD_OUT, HELD_OUT + 500):
        scene = draw(seed, "aerial" if seed % 5 < 3 else "street")
        truths.append(tags(scene))
        with torch.no_grad():
            vectors.append(model.encode_image(preprocess(scene.picture)[None], normalize=True))
    pictures = torch.cat(vectors)
    print(f"{'asked':42} {'true of':>8} {'right in 10':>12} {'recall@n':>9}")
    totals = []
    for tag, phrases in PHRASES.items():
        relevant = torch.tensor([tag in truth for truth in truths])
        count = int(relevant.sum())
        for phrase in phrases[:3]:
            with torch.no_grad():
                text = model.encode_text(tokenizer([phrase]), normalize=True)
            order = (pictures @ text.T)[:, 0].argsort(descending=True)
            right = int(relevant[order[:10]].sum())
            recall = float(relevant[order[:count]].float().mean()) if count else math.nan
            totals.append((right / min(10, max(count, 1)), recall))
            print(f"{phrase:42} {count:8} {right:12} {recall:9.2f}")
    mean_right, mean_recall = np.nanmean(np.array(totals), axis=0)
    print(
        f"mean over {len(totals)} questions: {mean_right:.1%} of the first ten right; recall@n {mean_recall:.3f}"
    )
    size = (home / "open_clip_model.safetensors").stat().st_size
    print(f"{size / 1e6:.1f} MB of weights; 500 held-out scenes")


if __name__ == "__main__":
    main()
