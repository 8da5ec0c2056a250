# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Long captions with every family of tokenizers: the closing token stays, cuts are counted, pieces are averaged."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from imug_metrics.encoders import OpenClipEncoder, TransformersEncoder

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

WORDS = ["red", "star", "blue", "ring", "small", "big"]
CHARACTERS = sorted(set("".join(WORDS)))
SHORT, LONG = "red", "red star blue ring small big red star blue ring small big"
LENGTH = 8


def numbered(*tokens: str) -> dict[str, int]:
    return {token: row for row, token in enumerate(tokens)}


def clip():
    ends = [character + "</w>" for character in CHARACTERS]
    return transformers.CLIPTokenizer(vocab=numbered("<|startoftext|>", "<|endoftext|>", *CHARACTERS, *ends), merges=[])


def bert():
    return transformers.BertTokenizer(vocab=numbered("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS))


def roberta():
    return transformers.RobertaTokenizer(
        vocab=numbered("<s>", "<pad>", "</s>", "<unk>", "<mask>", "Ġ", *CHARACTERS), merges=[]
    )


def sentencepiece():
    """T5's, which SigLIP uses."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((f"▁{word}", -3.0) for word in WORDS)]
    return transformers.T5Tokenizer(vocab=pieces)


def gemma():
    """That of SigLIP 2."""
    from tokenizers import processors

    vocabulary = numbered("<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *CHARACTERS)
    tokenizer = transformers.Siglip2Tokenizer(vocab=vocabulary, merges=[], padding_side="right")
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        "$A <eos>", special_tokens=[("<eos>", 1)]
    )
    return tokenizer


FAMILIES = {clip: "<|endoftext|>", bert: "[SEP]", roberta: "</s>", sentencepiece: "</s>", gemma: "<eos>"}


class Reader(nn.Module):
    """What a transformers model says of itself, and the tokens' numbers as its states."""

    main_input_name = "input_ids"

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.config = SimpleNamespace(model_type=kind, max_position_embeddings=LENGTH, hidden_size=4)

    def forward(self, input_ids: torch.Tensor, **_: torch.Tensor):
        states = input_ids[..., None] * torch.tensor([1.0, 0.1, 0.01, 0.5]) + 1
        return SimpleNamespace(last_hidden_state=states * self.scale)


def encoder(family, **options) -> TransformersEncoder:
    kind = "siglip" if family in (sentencepiece, gemma) else "bert"
    return TransformersEncoder(Reader(kind), tokenizer=family(), **options)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_the_closing_token_of_a_cut_caption_stays(family):
    cutting = encoder(family)
    tokens, cut = cutting._tokenize([SHORT, LONG])
    assert cut == [False, True]
    assert tokens["input_ids"].shape == (2, LENGTH)
    closing = cutting.tokenizer.convert_tokens_to_ids(FAMILIES[family])
    assert tokens["input_ids"][1, -1] == closing
    assert closing in tokens["input_ids"][0]
    cutting.encode_texts([LONG, SHORT, LONG])
    assert cutting.truncated_texts == 2


@pytest.mark.parametrize("family", [sentencepiece, gemma], ids=lambda family: family.__name__)
def test_siglip_reads_lower_case_padded_to_its_full_context(family):
    tokens, _ = encoder(family)._tokenize(["RED", "red"])
    assert tokens["input_ids"].shape == (2, LENGTH)
    assert torch.equal(*tokens["input_ids"])
    assert "attention_mask" not in tokens


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_no_word_is_lost_when_pieces_are_averaged(family):
    averaging = encoder(family, long_text="average")
    changed = LONG[: -len("big")] + "red"  # beyond any cut
    cut = encoder(family)
    assert torch.equal(*cut.encode_texts([LONG, changed]))
    found = averaging.encode_texts([SHORT, LONG, changed])
    assert not torch.allclose(found[1], found[2])
    assert torch.allclose(found[0], cut.encode_texts([SHORT])[0], atol=1e-5)
    assert averaging.truncated_texts == 0


@pytest.mark.parametrize("family", [bert, sentencepiece], ids=lambda family: family.__name__)
def test_tokenizers_of_transformers_within_open_clip(family, tmp_path, open_clip_folder):
    open_clip = pytest.importorskip("open_clip", reason="open_clip is not installed")
    family().save_pretrained(tmp_path)
    tokenizer = open_clip.tokenizer.HFTokenizer(str(tmp_path), context_length=12)
    model = OpenClipEncoder(f"local-dir:{open_clip_folder}").model
    cutting = OpenClipEncoder(model, tokenizer=tokenizer)
    fits = " ".join(LONG.split()[: 11 if family is sentencepiece else 10])
    tokens, cut = cutting._tokenize([SHORT, fits, LONG + " red"])
    assert cut == [False, False, True]
    assert tokens[2, -1] == tokenizer.tokenizer.convert_tokens_to_ids(FAMILIES[family])
    averaging = OpenClipEncoder(model, tokenizer=tokenizer, long_text="average")
    found = averaging.encode_texts([LONG + " red", LONG + " red star"])
    assert found.isfinite().all()
    assert not torch.allclose(found[0], found[1])
    assert averaging.truncated_texts == 0


@pytest.mark.parametrize("family", [bert, roberta], ids=lambda family: family.__name__)
def test_half_a_surrogate_pair_in_one_text_stops_nothing(family):
    found = encoder(family).encode_texts([SHORT, SHORT + " \ud800"])
    assert torch.allclose(found[0], encoder(family).encode_texts([SHORT])[0], atol=1e-5)
    assert found[1].isfinite().all()
