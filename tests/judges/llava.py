# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A tiny random LLaVA."""

from __future__ import annotations

from pathlib import Path

import torch

# fmt: off
WORDS = [
    "judge", "which", "image", "is", "better", "the", "first", "second", "red", "blue", "one", "two", "three", "four",
    "five",
]
# fmt: on
TEMPLATE = (
    "{% for message in messages %}<{{ message.role }}>"
    "{% for part in message.content %}{{ '<image>' if part.type == 'image' else part.text }} {% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)
SPECIAL = ["<pad>", "<unk>", "<s>", "</s>", "<image>", "<system>", "<user>", "<assistant>"]


def save_llava(path: Path) -> None:
    """Save the model, its processor and its chat template."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {word: row for row, word in enumerate([*SPECIAL, *WORDS])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": SPECIAL[4:]})
    processor = transformers.LlavaProcessor(
        transformers.CLIPImageProcessor(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}),
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.LlavaConfig(
        text_config=transformers.LlamaConfig(**sizes, vocab_size=len(tokenizer), max_position_embeddings=256),
        vision_config=transformers.CLIPVisionConfig(**sizes, image_size=16, patch_size=8),
        image_token_id=vocabulary["<image>"],
    )
    torch.manual_seed(3)
    model = transformers.LlavaForConditionalGeneration(config)
    for parameter in model.parameters():
        parameter.data.mul_(8)  # sharp enough for replies that differ from one request to the next
    model.generation_config.eos_token_id = vocabulary["</s>"]
    model.generation_config.pad_token_id = vocabulary["<pad>"]
    model.save_pretrained(path)
    processor.save_pretrained(path)
