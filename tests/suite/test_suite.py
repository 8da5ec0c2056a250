# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One pass of the encoder for any number of metrics."""

from __future__ import annotations

import gc
import json
import tracemalloc

import pytest
import torch
from PIL import Image
from torchmetrics import MeanMetric, MetricCollection

import imug_metrics
from imug_metrics import (
    AnswerAccuracy,
    ContextDecay,
    PointScore,
    TurnAlignment,
    TurnConsistency,
    TurnDecay,
    TurnDistributionShift,
    TurnRetrieval,
)
from imug_metrics.encoders import CachedEncoder, CallableEncoder
from imug_metrics.media.images import load_image
from imug_metrics.suite import ImugSuite, Record, score_records, standard_metrics


class Counting(CallableEncoder):
    """Colours of an image's corners, letters of a text; counts both."""

    def __init__(self, **options) -> None:
        super().__init__(self.see, self.read, fingerprint="counting", name="counting", dim=6, **options)
        self.images, self.texts = [], []

    def see(self, images):
        self.images += [(image.detach() * 255).byte().numpy().tobytes() for image in images]
        return torch.stack([torch.cat([image[:, 0, 0], image[:, -1, -1]]).float() for image in images])

    def read(self, texts):
        self.texts += texts
        return torch.tensor([[1.0 + text.count(letter) for letter in "abcdef"] for text in texts])


class Reading(Counting):
    """Reads files itself: where nothing is kept, a function is given what the caller gave."""

    def see(self, images):
        return super().see([image if isinstance(image, torch.Tensor) else load_image(image, row=0) for image in images])


FIVE = (
    ("alignment", lambda: TurnAlignment(detail=True)),
    ("retrieval", TurnRetrieval),
    ("consistency", lambda: TurnConsistency(detail=True)),
    ("vbench", lambda: TurnConsistency("vbench")),
    ("shift", lambda: TurnDistributionShift(6)),
)


def five() -> dict:
    return {name: make() for name, make in FIVE}


@pytest.fixture
def encoder():
    return Counting()


@pytest.fixture
def files(tmp_path):
    """24 files in 6 dialogues of 4 turns: 13 different images, 5 different prompts."""
    noise = torch.randint(0, 256, (13, 5, 5, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for number in range(24):
        Image.fromarray(noise[number % 13].numpy()).save(tmp_path / f"{number}.png")
    return [[tmp_path / f"{4 * d + t}.png" for t in range(4)] for d in range(6)]


def prompts():
    return [["abcdef"[(d + t) % 5 :] for t in range(4)] for d in range(6)]


def drawn(files):
    """The files as records."""
    return [
        Record(f"d{d}", t + 1, "image", prompts()[d][t], image=path)
        for d, line in enumerate(files)
        for t, path in enumerate(line)
    ]


@pytest.mark.parametrize("how", ["records", "stream", "columns", "one dialogue at a time"])
def test_five_metrics_encode_each_distinct_image_and_text_once_and_a_second_epoch_none(encoder, files, how):
    suite = ImugSuite(five(), encoder=encoder)
    results = []
    for _ in range(2):
        suite.reset()
        if how == "records":
            suite.update(drawn(files))
        elif how == "stream":
            assert len(list(suite.stream(iter(drawn(files)), dialogues_per_step=2))) == 24
        elif how == "columns":
            suite.update(images=files, texts=prompts())
        else:
            for number in range(6):
                suite.update(images=files[number : number + 1], texts=prompts()[number : number + 1], dialogue=[number])
        results.append(suite.compute())
        assert (len(encoder.images), len(encoder.texts)) == (13, 5)
    assert len(set(encoder.images)) == 13
    assert set(encoder.texts) == {text for line in prompts() for text in line}
    assert results[0] == pytest.approx(results[1], nan_ok=True)


def test_scores_are_those_of_each_metric_with_an_encoder_of_its_own(encoder, files):
    suite = ImugSuite(five(), encoder=encoder)
    suite.update(images=files, texts=prompts())
    found = suite.compute()
    for name, make in FIVE:
        alone = make()
        alone.encoder = CachedEncoder(Counting())
        alone.update(*((files, prompts()) if name in ("alignment", "retrieval") else (files,)))
        value = alone.compute()
        value = value if isinstance(value, dict) else {alone.name: value}
        expected = {name + key.removeprefix(alone.name): float(v) for key, v in value.items()}
        assert {key: found[key] for key in expected} == pytest.approx(expected, nan_ok=True)
    assert all(type(value) is float for value in found.values())
    assert found["consistency_pixel_copy_rate"] is not None


def test_columns_records_and_embeddings_give_the_same_scores(encoder, files):
    given = {"columns": {"images": files, "texts": prompts()}, "records": {"records": drawn(files)}}
    cached = CachedEncoder(encoder)
    embedded = [cached.encode_images(line) for line in files], [cached.encode_texts(line) for line in prompts()]
    given["embeddings"] = {"images": torch.stack(embedded[0]), "texts": torch.stack(embedded[1])}
    found = {}
    for name, arguments in given.items():
        metrics = {name: make() for name, make in FIVE if name not in ("consistency", "shift")}  # no pixels, no ids
        suite = ImugSuite(metrics, encoder=encoder)
        suite.update(**arguments)
        found[name] = suite.compute()
    assert found["columns"] == pytest.approx(found["embeddings"], nan_ok=True)
    assert found["columns"] == pytest.approx(found["records"], nan_ok=True)


def test_lists_may_be_ragged_and_hold_absent_images(encoder, files):
    suite = ImugSuite([TurnAlignment(detail=True)], encoder=encoder)
    suite.update(images=[files[0], [files[1][0], None]], texts=[prompts()[0], prompts()[1][:2]])
    found = suite.compute()
    assert found["turn_alignment_n"] == 5
    assert found["turn_alignment_coverage"] == pytest.approx(5 / 6)
    suite.reset()
    suite.update(images=[[None, None]], texts=[["a", "b"]])
    assert suite.compute()["turn_alignment_coverage"] == 0


def test_an_unreadable_image_is_named_by_its_row_among_all_that_were_given(files, tmp_path):
    suite = ImugSuite([TurnConsistency()], encoder=Counting())
    for lines in (
        [[None, files[0][0]], [None, tmp_path / "lost.png"]],
        [None, None, files[0][0], tmp_path / "lost.png"],
    ):
        places = {} if isinstance(lines[0], list) else {"dialogue": [0, 0, 1, 1], "turn": [1, 2, 1, 2]}
        with pytest.raises(ValueError, match="at row 3: could not be opened"):
            suite.update(images=lines, **places)


def test_what_no_metric_takes_is_not_encoded(files):
    encoder = Counting()
    suite = ImugSuite([TurnConsistency(), AnswerAccuracy()], encoder=encoder)
    suite.update(images=files, texts=prompts())
    assert (len(encoder.images), encoder.texts) == (13, [])
    images = ImugSuite([TurnConsistency()], encoder=CallableEncoder(encoder.see))  # which cannot read
    images.update(images=files, texts=prompts())
    assert images.compute()["turn_consistency"] == pytest.approx(suite.compute()["turn_consistency"])


def test_a_call_feeds_the_metrics_that_its_columns_suffice_for(encoder, files):
    suite = ImugSuite([TurnAlignment(), AnswerAccuracy(), ContextDecay(), TurnDecay()], encoder=encoder)
    suite.update(preds=[["A", "B"]], target=[["A", "A"]])
    suite.update(images=files, texts=prompts())
    suite.update(scores=torch.tensor([[1.0, 0.5]]))
    assert set(suite.compute()) == {"answer_accuracy", "turn_alignment", "turn_decay"}
    with pytest.raises(ValueError, match="one of the metrics can be fed with, got dialogue, turn"):
        suite.update(dialogue=[1], turn=[1])


def test_a_misspelled_column_is_refused_and_a_metric_added_later_takes_part(encoder, files):
    suite = ImugSuite([TurnConsistency(), TurnAlignment()], encoder=encoder)
    for call in (suite.update, suite):
        with pytest.raises(TypeError, match="metrics take, got dialog"):
            call(images=files, texts=prompts(), dialog=[1] * 6)
    suite.add_metrics({"a_later_one": TurnRetrieval()})
    suite.update(images=files, texts=prompts())
    assert list(suite.compute()) == ["turn_consistency", "turn_alignment", "a_later_one"]


def test_records_refuse_a_metric_that_they_cannot_feed(encoder):
    suite = ImugSuite([TurnDecay(), ContextDecay()], encoder=encoder)
    with pytest.raises(ValueError, match="context_decay needs context_lengths, scores"):
        suite.update([Record("a", 1, "text", "Which?", text="A", target="A")])


def test_wrong_calls_say_what_was_expected(encoder, files, tmp_path):
    suite = ImugSuite([TurnAlignment()], encoder=encoder)
    for call in (suite.update, suite):
        with pytest.raises(TypeError, match="either records or columns"):
            call()
        with pytest.raises(TypeError, match="either records or columns"):
            call(drawn(files), images=files)
    with pytest.raises(ValueError, match="other items need an `encoder`"):
        ImugSuite([TurnAlignment()]).update(images=files, texts=prompts())
    with pytest.raises(ValueError, match="`encoder` of the suite"):
        ImugSuite().update(drawn(files))
    with pytest.raises(ValueError, match="row 1: could not be opened"):
        suite.update(images=[[files[0][0], tmp_path / "lost.png"]], texts=[["a", "b"]])
    with pytest.raises(ValueError, match="a mapping where two metrics are called 'turn_consistency'"):
        ImugSuite([TurnConsistency(), TurnConsistency("vbench")])
    with pytest.raises(ValueError, match="at least one metric"):
        ImugSuite([])
    with pytest.raises(ValueError, match="keep_rows"):
        suite.rows()
    with pytest.raises(ValueError, match="list, pandas or arrow"):
        ImugSuite(keep_rows=True).rows("excel")
    assert suite.compute() == {}


@pytest.mark.parametrize("method", ["update", "forward"])
def test_a_batch_that_one_metric_refuses_is_taken_by_none(method):
    images, points = torch.randn(2, 3, 8), torch.full((2, 3, 4), 5.0)
    suite = ImugSuite([TurnConsistency(), TurnDecay("theil-sen"), PointScore()])
    scores = torch.rand(2, 3)
    suite.update(images=images, items=points, scores=scores, dialogue=[1, 2])
    before = suite.compute()
    wrong = points.clone()
    wrong[1, 2] = 7
    with pytest.raises(ValueError, match=r"got 7\.0 at row \[1, 2\]"):
        getattr(suite, method)(images=-images, items=wrong, scores=-scores, dialogue=[3, 4])
    assert suite.compute() == before
    assert {suite[name].update_count for name in suite.names} == {1}


def test_rows_come_as_dicts_pandas_or_arrow(encoder, files):
    suite = ImugSuite(encoder=encoder, keep_rows=True)
    suite.update(drawn(files))
    rows = suite.rows()
    assert rows == list(ImugSuite(encoder=encoder).stream(drawn(files)))
    assert rows == suite.scores("mine").items == score_records(drawn(files), model="mine", encoder=encoder).items
    assert suite.scores("mine").scores == pytest.approx(suite.compute(), nan_ok=True)
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = suite.rows("pandas")
    assert isinstance(frame, pandas.DataFrame)
    assert frame["alignment"].tolist() == [row["alignment"] for row in rows]
    suite.reset()
    assert suite.rows() == []


def test_rows_as_an_arrow_table(encoder, files):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    suite = ImugSuite(encoder=encoder, keep_rows=True)
    suite.update(drawn(files))
    assert suite.rows("arrow").to_pylist() == suite.rows()


def test_it_is_a_metric_collection_of_scalars(encoder, files):
    suite = ImugSuite([TurnAlignment(), TurnConsistency(), MeanMetric()], encoder=encoder, prefix="val/")
    assert isinstance(suite, MetricCollection)
    values = suite(images=files, texts=prompts())
    assert set(values) == {"val/turn_alignment", "val/turn_consistency"}
    assert values == {key: pytest.approx(float(value)) for key, value in suite.compute().items()}
    other = suite.clone(prefix="test/")
    other.reset()
    other.update(images=files[:1], texts=prompts()[:1])
    assert set(other.compute()) == {"test/turn_alignment", "test/turn_consistency"}
    assert other.encoder is suite.encoder
    assert suite.state_dict() == {}
    assert list(suite.parameters()) == []
    other.update(images=files[1:], texts=prompts()[1:])
    assert list(other.compute().values()) == pytest.approx(list(suite.compute().values()))


def test_gradients_flow_through_forward_when_the_encoder_is_differentiable():
    suite = ImugSuite([TurnAlignment(variant="cosine"), TurnConsistency()], encoder=Counting(differentiable=True))
    for _ in range(2):
        images = torch.rand(2, 3, 3, 5, 5, requires_grad=True)
        values = suite(images=images, texts=[["a", "b", "cc"], ["ddd", "e", "f"]])
        (values["turn_alignment"] + values["turn_consistency"]).backward()
        assert images.grad.abs().sum() > 0
    suite.update(images=images, texts=[["a", "b", "cc"], ["ddd", "e", "f"]])
    assert not any(state.requires_grad for metric in suite.values() for state in metric.metric_state.values())
    plain = ImugSuite([TurnConsistency()], encoder=Counting())
    assert not plain(images=images)["turn_consistency"].requires_grad


def test_records_work_with_a_differentiable_encoder(files):
    records = [*drawn(files)[:4], Record("d0", 5, "image", "a")]
    plain, graph = (ImugSuite(encoder=Reading(differentiable=flag)) for flag in (False, True))
    for suite in (plain, graph):
        suite.update(records)
    found, expected = graph.compute(), plain.compute()
    styles = [name for name in expected if name.startswith("style_drift")]  # of small images, rounded to levels or not
    assert [found.pop(name) for name in styles] == pytest.approx(
        [expected.pop(name) for name in styles], nan_ok=True, rel=0.01, abs=0.01
    )
    assert found == pytest.approx(expected, nan_ok=True)


def test_a_process_without_data_takes_part_where_others_have_some(encoder, files):
    """Two processes in turn: what is gathered is faked, who computes what is not."""
    calls = []

    def gather(tensor, group=None):
        calls.append(tensor.shape)
        return [tensor, torch.ones_like(tensor) if tensor.dtype == torch.uint8 and tensor.shape == (2,) else tensor]

    options = {"distributed_available_fn": lambda: True, "dist_sync_fn": gather}
    suite = ImugSuite([TurnAlignment(**options), TurnConsistency(**options)], encoder=encoder)
    with pytest.warns(UserWarning, match="before the ``update``"):
        found = suite.compute()
    assert set(found) == {"turn_alignment", "turn_consistency"}
    assert len(calls) > 2, "the states were gathered as well"


def answers(count):
    """A stream of dialogues of four turns; every other turn asks for an image that is absent."""
    for number in range(count):
        for turn in range(1, 5):
            kind = "text" if turn % 2 else "image"
            yield Record(f"d{number}", turn, kind, f"Which {number}?", text="AB"[number % 2], target="A")


def test_memory_does_not_grow_with_a_stream():
    def peak(dialogues):
        inner = CallableEncoder(texts=lambda texts: torch.ones(len(texts), 6), fingerprint="forgetful")
        suite = ImugSuite(encoder=CachedEncoder(inner, memory=2**16))
        gc.collect()
        tracemalloc.start()
        rows = sum(1 for _ in suite.stream(answers(dialogues), dialogues_per_step=32))
        suite.compute()
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert rows == 4 * dialogues
        assert suite.encoder.memory.bytes <= 2**16
        return highest

    peak(64)  # what is made once
    assert peak(512) < 1.5 * peak(128), "rubbish that waits for the collector varies; growth would be by four"


def test_an_iterator_is_read_no_further_than_a_step():
    read = []
    suite = ImugSuite(encoder=Counting())
    stream = suite.stream((read.append(r) or r for r in answers(100)), dialogues_per_step=3)
    next(stream)
    assert len(read) == 3 * 4 + 1


def test_progress_of_a_stream_has_no_end():
    seen = []
    suite = ImugSuite(encoder=Counting())
    suite.update(answers(5), dialogues_per_step=2, progress=lambda done, total: seen.append((done, total)))
    suite.update(list(answers(2)), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2, None), (4, None), (5, None), (2, 2)]


def test_scores_can_be_written_as_json(encoder, files):
    suite = ImugSuite(encoder=encoder)
    suite.update(drawn(files))
    assert json.loads(json.dumps(suite.compute())).keys() == suite.compute().keys()


def test_a_suite_of_another_device_or_encoder_by_name():
    suite = ImugSuite([TurnAlignment()], encoder="scene", device="cpu")
    assert (suite.encoder.name, str(suite.encoder.device)) == ("scene", "cpu")
    assert ImugSuite(standard_metrics(missing="zero"), encoder=Counting(), device="cpu").encoder.device.type == "cpu"


def test_a_name_that_the_package_lacks_is_told():
    with pytest.raises(AttributeError, match="has no attribute 'ImugSweet'"):
        imug_metrics.ImugSweet  # noqa: B018


def test_an_encoder_that_cannot_be_moved_says_so():
    class Fixed:
        name, dim, fingerprint = "fixed", 2, "fixed"

        def encode_images(self, images):
            return torch.ones(len(images), 2)

        def encode_texts(self, texts):
            return torch.ones(len(texts), 2)

    assert ImugSuite([TurnAlignment()], encoder=Fixed()).encoder.name == "fixed"
    with pytest.raises(TypeError, match="'fixed' has no method `to`"):
        ImugSuite([TurnAlignment()], encoder=Fixed(), device="cpu")


def test_answers_in_columns_are_no_objects_and_no_modalities():
    suite = ImugSuite()
    suite.update(preds=["A", "B"], target=["A", "C"], modality=["text", "text"], dialogue=[1, 1], turn=[1, 2])
    found = suite.compute()
    assert found["answer_accuracy"] == 0.5
    assert not any(name.startswith(("object_hallucination", "modality_compliance")) for name in found)
