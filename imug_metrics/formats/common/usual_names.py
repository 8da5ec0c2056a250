# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Under which names files hold the fields of a record: the one list of them."""

from __future__ import annotations

from collections.abc import Mapping

USUAL: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "dialogue": (
        ("dialogue",),
        (
            *("dialogue_id", "dialog", "dialog_id", "conversation", "conversation_id", "conv_id", "session"),
            *("session_id", "chat_id", "thread_id"),
        ),
        ("sample_id", "sample", "doc_id", "custom_id", "question_id", "item_id", "example_id", "id", "uid", "uuid"),
    ),
    "turn": (
        ("turn",),
        ("turn_id", "turn_idx", "turn_index", "turn_number", "turn_no"),
        ("round", "round_id", "round_idx", "round_index"),
    ),
    "modality": (("modality",), ("output_modality", "answer_modality", "output_mode")),
    "prompt": (("prompt",), ("question", "instruction", "query", "user_prompt", "input")),
    "text": (
        ("text",),
        (
            *("response", "prediction", "pred", "output", "reply", "completion", "generation", "generated_text"),
            *("model_answer", "model_output", "model_response", "predicted_answer"),
        ),
    ),
    "image": (
        ("generated_image", "output_image", "predicted_image", "response_image", "answer_image"),
        ("image", "image_path", "image_file", "img"),
    ),
    "target": (
        ("target",),
        (
            *("label", "answer_key", "gold", "gold_answer", "ground_truth", "gt", "correct_answer", "expected"),
            *("expected_answer", "reference_answer"),
        ),
    ),
    "options": (("options",), ("choices",)),
    "links": (("links",),),
    "reference": (("reference_image", "ref_image", "target_image"),),
    "mask": (("mask",), ("mask_path", "subject_mask")),
    "subject": (("subject",), ("subject_id",)),
    "model": (("model",), ("model_name", "model_id")),
    "class": (("class",),),
    "domain": (("domain",),),
    "subdomain": (("subdomain",),),
    "difficulty": (("difficulty",), ("difficulty_level",)),
    "groups": (("groups",),),
    "score": (("score",),),
    "scores": (("scores",),),
    "costs": (("costs",),),
    "objects": (("objects",), ("detected_objects", "mentioned_objects", "predicted_objects")),
    "target_objects": (
        ("target_objects",),
        ("expected_objects", "reference_objects", "gold_objects", "gt_objects", "ground_truth_objects"),
    ),
}
"""Names for a field, the surest first; in tables case and everything but letters and digits do not matter."""

IN_CHATS: Mapping[str, tuple[str, ...]] = {
    **{field: tuple(name for rank in ranks for name in rank) for field, ranks in USUAL.items()},
    "dialogue": tuple(name for rank in USUAL["dialogue"] for name in rank if name != "conversation"),
    "turn": (*USUAL["turn"][0], *USUAL["turn"][1]),
    "text": USUAL["text"][1],  # `text` is often the whole chat, as a model was trained on it
    "target": (*(name for rank in USUAL["target"] for name in rank), "answer"),
    "usage": ("usage",),
}
"""Names for a field beside the messages of a chat, where the answer is a message, so that `answer` is the key."""
