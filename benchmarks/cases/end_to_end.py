# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From image files and prompts to scores: one encoder in each case, random weights, the same files for everybody.

Images and prompts all differ, so that nobody gains by encoding each once; what is gained comes from asking the
encoder once for several questions, and from what happens before it. On a CPU processor time counts: threads that decode
ahead are not free there.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from imug_metrics import TurnAlignment, TurnConsistency
from imug_metrics.encoders import CachedEncoder, OpenClipEncoder, TransformersEncoder
from imug_metrics.media.images import load_image
from imug_metrics.suite import ImugSuite

from ..machine import DEVICE, ON_GPU
from ..registry import Answer, Case, Job, Provider, Setup, absent
from ..runner import races

TURNS = 4


@dataclass(frozen=True)
class Dialogues:
    """Image files and prompts by dialogue and turn."""

    files: list[list[Path]]
    prompts: list[list[str]]

    def __iter__(self) -> Iterator[tuple[list[Path], list[str]]]:
        return iter(zip(self.files, self.prompts))

    def __len__(self) -> int:
        """Number of images."""
        return sum(map(len, self.files))


def end_to_end(setup: Setup) -> Iterator[Job]:
    for side in (64,) if setup.quick else (512, 1024) if ON_GPU else (512,):
        with tempfile.TemporaryDirectory() as folder:
            dialogues = _dialogues(Path(folder), 64 if ON_GPU and not setup.quick else 2, side)
            for package, cases in (("transformers", _against_torchmetrics), ("open_clip", _against_loops)):
                if find_spec(package) is None:
                    yield absent(package, f"end to end, {side} x {side}")
                else:
                    yield from races(setup, cases(dialogues, side, setup.quick))


def _case(name: str, side: int, quick: bool, *providers: Provider) -> Case:
    sizes: dict[str, int | str] = {
        "image": f"{side} x {side} JPEG",
        "turns": TURNS,
        "model": "tiny" if quick else "ViT-B/32",
    }
    return Case(f"end to end: {name}", sizes, providers, bytes_per_row=3 * side**2, repeats=1 if quick else 3)


def _against_torchmetrics(dialogues: Dialogues, side: int, quick: bool) -> Iterator[Case]:
    """One transformers CLIP for both; alignment alone, then with the agreement of each image with the one before."""
    encoder = _transformers_clip(quick)
    cosine = F.cosine_similarity(encoder.encode_images(dialogues.files[0]), encoder.encode_texts(dialogues.prompts[0]))
    if cosine.mean() < 0:  # random weights; CLIPScore would be 0, and agree with anything
        encoder.model.text_projection.weight.data.neg_()
    rows = len(dialogues)
    one, two = [("turn_alignment", 100.0)], [("turn_alignment", 100.0), ("turn_consistency", 1.0)]

    def suite(encoder: TransformersEncoder) -> ImugSuite:
        return ImugSuite([TurnAlignment(variant="torchmetrics")], encoder=CachedEncoder(encoder))

    def both(keep: CachedEncoder | None = None) -> ImugSuite:
        metrics = [TurnAlignment(variant="torchmetrics"), TurnConsistency("consecutive")]
        return ImugSuite(metrics, encoder=keep or CachedEncoder(encoder))

    alone = [
        Provider("torchmetrics CLIPScore", lambda: _clip_score(dialogues, encoder), rows),
        Provider("imug_metrics suite", lambda: _ours(suite(encoder), dialogues, one), rows),
    ]
    if not quick:  # a quick run is asked for equal answers, and these are rounded
        half = TransformersEncoder(encoder.model, encoder.processor, encoder.tokenizer, dtype="bf16")
        in_half = Provider("imug_metrics suite, encoder in bfloat16", lambda: _ours(suite(half), dialogues, one), rows)
        alone.append(in_half)
    yield _case("alignment", side, quick, *alone)
    yield _case(
        "alignment, and the value of each batch",
        side,
        quick,
        Provider("torchmetrics CLIPScore, forward", lambda: _clip_score(dialogues, encoder, forward=True), rows),
        Provider("imug_metrics suite, forward", lambda: _ours(suite(encoder), dialogues, one, forward=True), rows),
    )
    seen = CachedEncoder(encoder)
    _ours(both(seen), dialogues, two)
    yield _case(
        "alignment, agreement with the turn before",
        side,
        quick,
        Provider("torchmetrics CLIPScore, twice", lambda: _clip_score(dialogues, encoder, with_pairs=True), rows),
        Provider("imug_metrics suite", lambda: _ours(both(), dialogues, two), rows),
        Provider("imug_metrics suite, second epoch", lambda: _ours(both(seen), dialogues, two), rows),
    )


def _against_loops(dialogues: Dialogues, side: int, quick: bool) -> Iterator[Case]:
    """One open_clip model for all; alignment, and agreement with the first and the previous turn as VBench has it."""
    encoder, transform = _open_clip(quick)
    rows = len(dialogues)
    names = [("turn_alignment", 1.0), ("turn_consistency", 1.0)]

    def suite() -> ImugSuite:
        metrics = [TurnAlignment(variant="cosine"), TurnConsistency("vbench")]
        return ImugSuite(metrics, encoder=CachedEncoder(encoder))

    yield _case(
        "alignment, subject consistency",
        side,
        quick,
        Provider("VBench-style loop, image by image", lambda: _loop(dialogues, encoder, transform, 1), rows),
        Provider(
            "open_clip transform and cosine, by dialogue", lambda: _loop(dialogues, encoder, transform, TURNS), rows
        ),
        Provider("imug_metrics suite", lambda: _ours(suite(), dialogues, names), rows),
    )
    yield _case("what it is spent on", side, quick, *_stages(dialogues, encoder, suite, names))


def _ours(
    suite: ImugSuite, dialogues: Dialogues, names: Sequence[tuple[str, float]], *, forward: bool = False
) -> Answer:
    """All dialogues at once; or one by one, with the value of each, as a training loop logs it."""
    if forward:
        for files, prompts in dialogues:
            suite(images=[files], texts=[prompts])
    else:
        suite.update(images=dialogues.files, texts=dialogues.prompts)
    scores = suite.compute()
    return Answer(torch.tensor([scores[name] / scale for name, scale in names]))


def _clip_score(
    dialogues: Dialogues, encoder: TransformersEncoder, *, with_pairs: bool = False, forward: bool = False
) -> Answer:
    """What torchmetrics offers: a mean over pairs of image and text, and another over pairs of images.

    Its `forward` calls `update` twice, so that it encodes everything twice.
    """
    from torchmetrics.multimodal import CLIPScore
    from transformers import CLIPProcessor

    processor = CLIPProcessor(encoder.processor, encoder.tokenizer)

    def score() -> CLIPScore:
        return CLIPScore(model_name_or_path=lambda: (_Features(encoder.model), processor))

    alignment, pairs = score(), score()
    for files, prompts in dialogues:
        images = [torch.from_numpy(np.array(Image.open(file).convert("RGB"))).permute(2, 0, 1) for file in files]
        images = [image.to(DEVICE) for image in images]
        (alignment if forward else alignment.update)(images, prompts)
        if with_pairs:
            pairs.update(images[1:], images[:-1])
    return Answer(torch.stack([metric.compute() / 100 for metric in (alignment, pairs)[: 1 + with_pairs]]).cpu())


def _loop(dialogues: Dialogues, encoder: OpenClipEncoder, transform: Callable[..., Tensor], batch: int) -> Answer:
    """An evaluation script: open_clip's own transform, `batch` images at a time, cosines by dialogue."""
    sums = torch.zeros(2, dtype=torch.float64)
    for files, prompts in dialogues:
        with torch.inference_mode():
            parts = [
                encoder.model.encode_image(
                    torch.stack(
                        [transform(Image.open(file).convert("RGB")) for file in files[start : start + batch]]
                    ).to(DEVICE)
                )
                for start in range(0, len(files), batch)
            ]
            images = F.normalize(torch.cat(parts), dim=1)
            texts = F.normalize(encoder.model.encode_text(encoder.tokenizer(prompts).to(DEVICE)), dim=1)
            before, first = (images[1:] * images[:-1]).sum(1), (images[1:] * images[:1]).sum(1)
            agreement = (before.clamp_min(0) + first.clamp_min(0)) / 2
            sums += torch.stack([(images * texts).sum(1).mean(), agreement.mean()]).double().cpu()
    return Answer(sums / len(dialogues.files))


def _stages(
    dialogues: Dialogues, encoder: OpenClipEncoder, suite: Callable[[], ImugSuite], names: Sequence[tuple[str, float]]
) -> Iterator[Provider]:
    """The whole, and each stage alone on what the one before it gives: a stage's share is one over its ratio."""
    files, prompts = ([item for line in lines for item in line] for lines in (dialogues.files, dialogues.prompts))
    loaded = [load_image(file, row=0) for file in files]
    pixels = encoder.preprocessing(loaded, encoder.device)
    kept = CachedEncoder(encoder)
    images = kept.encode_images(loaded).view(-1, TURNS, encoder.dim)
    texts = kept.encode_texts(prompts).view(-1, TURNS, encoder.dim)

    def encode() -> Tensor:
        with torch.inference_mode():
            return encoder.model.encode_image(pixels)

    def score() -> None:
        metrics = suite()
        metrics.update(images=images, texts=texts)
        metrics.compute()

    def stage(name: str, run: Callable[[], Any]) -> Provider:
        def timed() -> Answer:
            run()
            return whole

        return Provider(name, timed, len(files))

    whole = _ours(suite(), dialogues, names)
    yield Provider("the whole", lambda: _ours(suite(), dialogues, names), len(files))
    yield stage("decode", lambda: [load_image(file, row=0) for file in files])
    yield stage("preprocess", lambda: encoder.preprocessing(loaded, encoder.device))
    yield stage("encode loaded", encode)
    yield stage("encode prompts", lambda: encoder.encode_texts(prompts))
    yield stage("metrics", score)


class _Features(nn.Module):
    """The model as torchmetrics 1.9 knows it: transformers 5 wraps features in an object."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model, self.config = model, model.config

    def get_image_features(self, *inputs: Tensor) -> Tensor:
        found = self.model.get_image_features(*inputs)
        return getattr(found, "pooler_output", found)

    def get_text_features(self, *inputs: Tensor) -> Tensor:
        found = self.model.get_text_features(*inputs)
        return getattr(found, "pooler_output", found)


def _dialogues(folder: Path, dialogues: int, side: int) -> Dialogues:
    """Smooth images, saved as JPEG, and prompts of a dozen words."""
    generator, numbers, files, prompts = torch.Generator().manual_seed(0), count(), [], []
    for _ in range(dialogues):
        coarse = torch.rand(TURNS, 3, 24, 24, generator=generator) * 255
        smooth = F.interpolate(coarse, size=(side, side), mode="bicubic").clamp(0, 255).byte().permute(0, 2, 3, 1)
        some = [folder / f"{next(numbers)}.jpg" for _ in range(TURNS)]
        for file, image in zip(some, smooth.numpy()):
            Image.fromarray(image).save(file, quality=90)
        files.append(some)
        prompts.append([f"{_PROMPT} {word} {file.stem}" for word, file in zip(_WORDS, some)])
    return Dialogues(files, prompts)


_PROMPT = "now draw the same thing a little more to left , in"
_WORDS = ("red", "green", "blue", "small")


@cache
def _transformers_clip(quick: bool) -> TransformersEncoder:
    """OpenAI's ViT-B/32 with random weights, and a tokenizer of whole words."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, PreTrainedTokenizerFast

    words = ["<pad>", "<unk>", "<s>", "</s>", *_WORDS, *_PROMPT.split()]
    words += [str(number) for number in range(1000)]
    tokens = Tokenizer(models.WordLevel({word: row for row, word in enumerate(words)}, unk_token="<unk>"))
    tokens.pre_tokenizer = pre_tokenizers.Whitespace()
    tokens.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 2), ("</s>", 3)])
    special = {"pad_token": "<pad>", "unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokens, model_max_length=77, **special)
    text: dict[str, Any] = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    vision: dict[str, Any] = {}
    if quick:
        small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
        text |= {"vocab_size": len(words), **small}
        vision |= {"image_size": 224, "patch_size": 32, **small}
    torch.manual_seed(0)
    model = CLIPModel(CLIPConfig(text_config=text, vision_config={"patch_size": 32, **vision})).eval()
    processor = CLIPImageProcessor()
    return TransformersEncoder(model, processor, tokenizer, device=DEVICE)


@cache
def _open_clip(quick: bool) -> tuple[OpenClipEncoder, Callable[..., Tensor]]:
    """open_clip's ViT-B-32 with random weights, and its own transform."""
    import open_clip

    small: dict[str, Any] = {
        "vision_cfg": {"image_size": 224, "patch_size": 32, "layers": 1, "width": 64},
        "text_cfg": {"context_length": 77, "vocab_size": 49_408, "layers": 1, "width": 64, "heads": 2},
    }
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, _, transform = open_clip.create_model_and_transforms(
            "ViT-B-32", pretrained=None, **(small if quick else {})
        )
    tokenizer = open_clip.get_tokenizer("ViT-B-32")
    return OpenClipEncoder(model.eval(), tokenizer=tokenizer, device=DEVICE), transform
