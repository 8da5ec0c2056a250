# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A tiny random LLaVA that answers, and a tiny random Janus that draws too."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from imug_metrics.inference.model import ImageFile, Message, ModelError, Reply
from imug_metrics.inference.models.specs import load_model
from imug_metrics.inference.models.transformers_model import TransformersModel
from tests.judges.llava import save_llava

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

TEMPLATE = (
    "{% for message in messages %}<{{ message.role }}> {% for part in message.content %}"
    "{{ '<image>' if part.type == 'image' else part.text }} {% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
SPECIAL = ["<pad>", "<unk>", "<s>", "</s>", "<image>", "<boi>", "<eoi>", "<system>", "<user>", "<assistant>"]
WORDS = ["draw", "a", "red", "leaf", "why", "green", "[image]"]


def png(colour: str) -> ImageFile:
    content = io.BytesIO()
    Image.new("RGB", (20, 30), colour).save(content, "PNG")
    return ImageFile(content.getvalue())


TALK = [
    Message("system", ("judge the first",)),
    Message("user", (png("red"), "which is better")),
    Message("assistant", (png("blue"),)),
    Message("user", ("the second one",)),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "llava"
    save_llava(path)
    return path


@pytest.fixture(scope="module")
def llava(folder: Path) -> TransformersModel:
    return TransformersModel(folder, max_new_tokens=6, temperature=3.0)


@pytest.fixture(scope="module")
def janus() -> TransformersModel:
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {word: row for row, word in enumerate([*SPECIAL, *WORDS])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens={"image_token": "<image>", "boi_token": "<boi>", "eoi_token": "<eoi>"},
    )
    images = transformers.JanusImageProcessor(size={"height": 16, "width": 16}, min_size=4)
    processor = transformers.JanusProcessor(images, tokenizer, chat_template=TEMPLATE, num_image_tokens=16)
    sizes = {"hidden_size": 32, "num_attention_heads": 2}
    config = transformers.JanusConfig(
        text_config=transformers.LlamaConfig(
            **sizes, intermediate_size=64, num_hidden_layers=2, vocab_size=len(tokenizer), max_position_embeddings=256
        ),
        vision_config=transformers.JanusVisionConfig(
            **sizes, num_hidden_layers=1, image_size=16, patch_size=4, projection_dim=32, num_image_tokens=16
        ),
        vq_config=transformers.JanusVQVAEConfig(
            embed_dim=8,
            num_embeddings=20,
            latent_channels=32,
            base_channels=32,
            channel_multiplier=[1, 1],
            num_res_blocks=1,
            num_patches=4,
            projection_dim=32,
            image_token_embed_dim=32,
        ),
        image_token_id=vocabulary["<image>"],
    )
    torch.manual_seed(3)
    model = transformers.JanusForConditionalGeneration(config)
    for parameter in model.parameters():
        parameter.data.mul_(3)
    for name, token in {"pad": "<pad>", "bos": "<s>", "eos": "</s>"}.items():
        setattr(model.generation_config, f"{name}_token_id", vocabulary[token])
    model.generation_config.generation_kwargs = {"boi_token_id": vocabulary["<boi>"]}
    model.generation_config.guidance_scale = 5.0
    return TransformersModel(model, processor, max_new_tokens=6)


def ask(model: TransformersModel, *requests: tuple[list[Message], Any, int]) -> list[Any]:
    """Replies, or errors, to requests made together."""

    async def together() -> list[Any]:
        asked = [model(history, want=want, seed=seed) for history, want, seed in requests]
        return await asyncio.gather(*asked, return_exceptions=True)

    return asyncio.run(together())


def test_a_whole_dialogue_is_read_with_its_images(llava: TransformersModel, folder: Path) -> None:
    greedy = TransformersModel(folder, max_new_tokens=6, temperature=0.0)
    [reply] = ask(greedy, (TALK, "text", 0))
    processor = transformers.AutoProcessor.from_pretrained(folder)
    prompt = "<system>judge the first <user><image> which is better <assistant><image> <user>the second one <assistant>"
    images = [Image.new("RGB", (20, 30), colour) for colour in ("red", "blue")]
    inputs = processor(text=prompt, images=images, return_tensors="pt")
    length = inputs["input_ids"].shape[1]
    [tokens] = llava.model.generate(**inputs, max_new_tokens=6, do_sample=False)[:, length:]
    assert reply.text == processor.decode(tokens, skip_special_tokens=True) != ""
    assert reply.usage == {"tokens": length + 6.0, "prompt_tokens": length, "completion_tokens": 6.0}


def test_replies_depend_on_the_seed_and_not_on_what_is_asked_beside(llava: TransformersModel) -> None:
    requests = [(TALK if seed % 2 else TALK[:2], "text", seed) for seed in range(10)]
    together = [reply.text for reply in ask(llava, *requests)]
    assert together == [reply.text for request in requests for reply in ask(llava, request)]
    assert len(set(together)) > 5


def test_a_model_of_text_cannot_draw(llava: TransformersModel) -> None:
    [error] = ask(llava, (TALK, "image", 0))
    assert isinstance(error, ModelError)
    assert (error.reason, error.is_final) == ("llava cannot draw: transformers has it as a model of text", True)


def test_an_image_that_cannot_be_decoded_has_a_reason(llava: TransformersModel) -> None:
    broken = [Message("user", (ImageFile(b"no image"), "which"))]
    error, reply = ask(llava, (broken, "text", 0), (TALK, "text", 0))
    assert isinstance(error, ModelError)
    assert "as image 0" in error.reason
    assert isinstance(reply, Reply)


def test_settings_tell_weights_and_temperature_apart(llava: TransformersModel, folder: Path) -> None:
    same = TransformersModel(folder, max_new_tokens=6, temperature=3.0)
    loaded = load_model(f"transformers:{folder}", temperature=1.0)
    assert (same.name, same.settings) == (loaded.name, llava.settings) == ("llava", llava.settings)
    assert loaded.settings != llava.settings
    next(same.model.parameters()).data.add_(1)
    changed = TransformersModel(same.model, same._generator.processor, max_new_tokens=6, temperature=3.0)
    assert changed.settings != llava.settings


def test_a_model_that_draws_says_and_draws(janus: TransformersModel) -> None:
    asked = [Message("user", ("draw a red leaf",))]
    first, again, other, said, resaid = ask(
        janus, *((asked, "image", seed) for seed in (1, 1, 2)), *((asked, "text", seed) for seed in (1, 1))
    )
    assert first.image == again.image != other.image
    assert Image.open(io.BytesIO(first.image.data)).size == (8, 8)
    assert first.usage == {"tokens": 23.0, "prompt_tokens": 7.0, "completion_tokens": 16.0, "unseen_images": 0.0}
    assert said == resaid
    assert said.text
    assert janus.concurrency == 1


def test_what_a_drawing_model_cannot_see_is_counted(janus: TransformersModel) -> None:
    talk = [Message("user", ("draw a leaf",)), Message("assistant", (png("red"),)), Message("user", ("green",))]
    drawn, other, said = ask(
        janus, (talk, "image", 1), ([*talk[:2], Message("user", ("why",))], "image", 1), (talk, "text", 1)
    )
    assert drawn.usage["unseen_images"] == 1.0
    assert drawn.image != other.image  # it reads the words
    assert said.usage["prompt_tokens"] > 16  # where it speaks it sees the image
    assert "unseen_images" not in said.usage


def test_drawing_leaves_the_random_numbers_of_others_alone(janus: TransformersModel) -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    ask(janus, ([Message("user", ("draw",))], "image", 1))
    assert torch.equal(torch.rand(3), expected)
