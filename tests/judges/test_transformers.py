# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A tiny random LLaVA as a judge."""

from __future__ import annotations

import asyncio
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from imug_metrics.judges import ImagePart, JudgeError, JudgeRequest, Question, ReplyError, TransformersJudge, judge_all
from tests.judges.llava import save_llava

transformers = pytest.importorskip("transformers", reason="transformers is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("llava")
    save_llava(path)
    return path


@pytest.fixture(scope="module")
def judge(folder: Path) -> TransformersJudge:
    return TransformersJudge(folder, batch_size=4, max_new_tokens=6)


def png(colour: str, size: tuple[int, int] = (20, 30)) -> ImagePart:
    content = io.BytesIO()
    Image.new("RGB", size, colour).save(content, "PNG")
    return ImagePart(content.getvalue())


def bomb() -> ImagePart:
    """A PNG whose header claims 50,000 x 50,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return ImagePart(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


REQUESTS = [
    JudgeRequest("judge the first", (png("red"), "which is better")),
    JudgeRequest(None, (png("blue"), png("white", (50, 9)), "which image is the second")),
    JudgeRequest("judge", ("which one",)),
    JudgeRequest(None, ("the first two three four five is blue", png("green"), "the red one")),
    JudgeRequest("judge", ("is the second one better",)),
]


def ask(judge: TransformersJudge, *requests: JudgeRequest) -> list[Any]:
    async def together() -> list[Any]:
        return await asyncio.gather(*map(judge.ask, requests), return_exceptions=True)

    return asyncio.run(together())


def text(reply: Any) -> str:
    """The text of a reply, cut off or not."""
    return reply if isinstance(reply, str) else reply.reply


def test_replies_are_those_of_the_librarys_own_pipeline(judge: TransformersJudge):
    request = REQUESTS[0]
    content = [{"type": "image"}, {"type": "text", "text": "which is better"}]
    messages = [
        {"role": "system", "content": [{"type": "text", "text": "judge the first"}]},
        {"role": "user", "content": content},
    ]
    prompt = judge.processor.apply_chat_template(messages, add_generation_prompt=True)
    assert prompt == "<system>judge the first <user><image> which is better <assistant>"
    inputs = judge.processor(text=prompt, images=Image.new("RGB", (20, 30), "red"), return_tensors="pt")
    tokens = judge.model.generate(**inputs, max_new_tokens=6, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    [reply] = ask(judge, request)
    assert text(reply) == judge.processor.decode(tokens, skip_special_tokens=True) != ""


def test_a_reply_does_not_depend_on_its_batch(judge: TransformersJudge):
    alone = [text(reply) for request in REQUESTS for reply in ask(judge, request)]
    assert [text(reply) for reply in ask(judge, *REQUESTS)] == alone
    assert len(set(alone)) > 2  # it sees and reads


def test_it_sees_the_images_in_their_order(judge: TransformersJudge):
    images = png("red"), png("white")
    replies = ask(judge, *(JudgeRequest(None, (*order, "which")) for order in (images, images[::-1])))
    assert text(replies[0]) != text(replies[1])
    inputs = judge.processor(
        text="<user><image> <image> which <assistant>",
        images=[Image.new("RGB", (20, 30), colour) for colour in ("red", "white")],
        return_tensors="pt",
    )
    tokens = judge.model.generate(**inputs, max_new_tokens=6, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    assert text(replies[0]) == judge.processor.decode(tokens, skip_special_tokens=True)


def test_requests_that_wait_together_share_a_batch(judge: TransformersJudge, monkeypatch: pytest.MonkeyPatch):
    sizes, generate = [], judge.generator._generate
    monkeypatch.setattr(judge.generator, "_generate", lambda batch: sizes.append(len(batch)) or generate(batch))
    ask(judge, *[REQUESTS[0]] * 8)
    assert sizes == [4, 4]


def test_draws_depend_on_seed_request_and_repeat_and_on_nothing_else(judge: TransformersJudge, folder: Path):
    def drawn(request: JudgeRequest, temperature: float = 3.0, repeat: int = 0) -> JudgeRequest:
        return JudgeRequest(request.system, request.parts, temperature, repeat=repeat)

    requests = [drawn(request, repeat=repeat) for request in REQUESTS for repeat in range(4)]
    together = [text(reply) for reply in ask(judge, *requests)]
    backwards = [text(reply) for reply in ask(judge, *reversed(requests))]
    assert together == backwards[::-1]
    assert all(len(set(together[row : row + 4])) > 1 for row in range(0, 20, 4))
    other = TransformersJudge(folder, batch_size=4, max_new_tokens=6, seed=1)
    assert [text(reply) for reply in ask(other, *requests)] != together
    greedy = [text(reply) for reply in ask(judge, *REQUESTS)]
    assert [text(reply) for reply in ask(judge, *(drawn(request, 0.0) for request in REQUESTS))] == greedy
    assert [text(reply) for reply in ask(judge, *(drawn(request, 1e-4) for request in REQUESTS))] == greedy


def test_draws_follow_the_softmax_of_the_logits():
    from imug_metrics.judges.generation import GumbelSampler, Sampling

    logits = torch.tensor([2.0, 1.0, 0.0, -1.0])
    draws = GumbelSampler([Sampling(0.7, seed) for seed in range(20_000)], torch.device("cpu"))
    picked = draws(torch.zeros(20_000, 1), logits.expand(20_000, 4).clone()).argmax(1)
    shares = picked.bincount(minlength=4) / 20_000
    assert shares.tolist() == pytest.approx((logits / 0.7).softmax(0).tolist(), abs=0.012)


def test_the_end_of_a_reply_is_told_from_the_limit(folder: Path):
    short = TransformersJudge(folder, max_new_tokens=2)
    [reply] = ask(short, REQUESTS[0])
    assert isinstance(reply, ReplyError)
    assert reply.kind == "cut"
    assert reply.reply
    model = transformers.AutoModelForImageTextToText.from_pretrained(folder)
    ending = TransformersJudge(model, short.processor, max_new_tokens=50)
    first = ending.processor.tokenizer.convert_tokens_to_ids(reply.reply.split()[0])
    ending.model.generation_config.eos_token_id = [first, 3]
    assert isinstance(ask(ending, REQUESTS[0])[0], str)


def test_images_that_cannot_be_decoded_fail_alone(judge: TransformersJudge):
    bad = [bomb(), ImagePart(b"no image"), ImagePart(b"")]
    requests = [*REQUESTS[:2], *(JudgeRequest(None, (image, "which")) for image in bad), REQUESTS[2]]
    replies = ask(judge, *requests)
    assert [getattr(reply, "kind", None) for reply in replies[2:5]] == ["image"] * 3
    assert "50000 x 50000" in str(replies[2]) or "exceeds limit" in str(replies[2])
    expected = [text(reply) for request in REQUESTS[:3] for reply in ask(judge, request)]
    assert [text(replies[row]) for row in (0, 1, 5)] == expected


def test_a_batch_that_fails_is_halved_until_the_guilty_one_is_alone(
    judge: TransformersJudge, monkeypatch: pytest.MonkeyPatch
):
    generate = judge.generator._generate

    def out_of_memory(batch: Any) -> Any:
        if any("guilty" in str(one.prompt.messages) for one in batch):
            raise RuntimeError("out of memory")
        return generate(batch)

    monkeypatch.setattr(judge.generator, "_generate", out_of_memory)
    guilty = JudgeRequest(None, (png("red"), "guilty"))
    replies = ask(judge, REQUESTS[0], guilty, REQUESTS[1], REQUESTS[3])
    assert isinstance(replies[1], JudgeError)
    assert (replies[1].kind, str(replies[1])) == ("generation", "RuntimeError: out of memory")
    monkeypatch.undo()
    assert [text(replies[row]) for row in (0, 2, 3)] == [
        text(reply) for row in (0, 1, 3) for reply in ask(judge, REQUESTS[row])
    ]


def test_it_serves_a_run_with_journal_and_repeats(judge: TransformersJudge, tmp_path: Path):
    def parse(reply: str) -> int:
        return len(reply.split())

    questions = [
        Question((row,), lambda row=row: JudgeRequest(None, (REQUESTS[row].parts), 5.0), parse) for row in range(5)
    ]
    path = tmp_path / "journal.jsonl"
    first = judge_all(questions, judge, journal=path, repeats=1, reask=False)
    both = judge_all(questions, judge, journal=path, repeats=2, reask=False)
    assert both[::2] == first
    assert judge_all(questions, judge, repeats=2, reask=False) == both  # as if nothing had been interrupted


def test_the_name_tells_weights_and_settings_apart(judge: TransformersJudge, folder: Path):
    same = TransformersJudge(folder, batch_size=2, max_new_tokens=6)
    assert same.name == judge.name
    model = transformers.AutoModelForImageTextToText.from_pretrained(folder)
    next(model.parameters()).data.add_(1)
    changed = TransformersJudge(model, same.processor, max_new_tokens=6)
    names = {judge.name, changed.name, TransformersJudge(folder, max_new_tokens=7).name}
    assert len(names) == 3
    assert TransformersJudge(model, same.processor, name="mine").name.startswith("mine ")


def test_a_model_is_loaded_in_the_type_asked_for(judge: TransformersJudge, folder: Path):
    half = TransformersJudge(folder, dtype=torch.bfloat16, max_new_tokens=6)
    assert (judge.model.dtype, half.model.dtype) == (torch.float32, torch.bfloat16)
    assert text(ask(half, REQUESTS[0])[0])
    assert half.name != judge.name


def test_whatever_happens_whoever_waits_hears_of_it(judge: TransformersJudge, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: Any) -> Any:
        raise MemoryError("no room")

    monkeypatch.setattr("imug_metrics.judges.generation.load_image", fail)
    replies = ask(judge, REQUESTS[0], REQUESTS[2])
    assert isinstance(replies[0], JudgeError)
    assert text(replies[1])


def test_a_processor_without_chat_template_is_refused(judge: TransformersJudge):
    with pytest.raises(ValueError, match="`processor` to have a chat template"):
        TransformersJudge(judge.model)
    with pytest.raises(ValueError, match="`batch_size`"):
        TransformersJudge(judge.model, judge.processor, batch_size=0)
