# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the arguments of `update` mean, said once for all metrics.

One word has one meaning, so that a `MetricCollection` can feed all of its metrics by keyword. Records are flat, N rows,
or padded, B dialogues of up to T turns; shapes below are given for both. What is said of tensors holds of numpy arrays,
columns of pandas and polars, arrays of pyarrow and lists, and of lists with one of these a dialogue, of any lengths.

Wherever a number may be unknown, NaN says so, as None does in lists and a null in columns of tables, and an infinite
number counts as NaN. Unless its argument says otherwise, such a record is expected and not scored: it is in no mean and
lowers the coverage.
"""

ARGUMENTS: dict[str, str] = {
    # What the model gave.
    "preds": "`[N]` or `[B, T]`, a tensor, or a list or one list a dialogue: what the model answered, decided or drew, "
    "in the form that the metric names; NaN, or None in a list, for an absent answer, which lowers the coverage.",
    "images": "floating-point embeddings `[N, D]` or `[B, T, D]`; with an `encoder` also images `[N, 3, H, W]` or `[B, "
    "T, 3, H, W]`, or a list or one list a dialogue of PIL images, arrays or paths, None for an absent image. An "
    "embedding that is zero or not finite has no direction and counts as absent; every other length is exact. Metrics "
    "of several samples a turn take embeddings `[N, S, D]` or `[B, T, S, D]` alone. Metrics of pixels take images "
    "alone, floating ones in [0, 1], and count one with a NaN as absent.",
    "scores": "real numbers `[N]` or `[B, T]`, higher is better; NaN where a record could not be scored, which lowers "
    "the coverage. Metrics of several candidates, strategies or repetitions take one score for each, `[N, n]` or "
    "`[B, T, n]`; NaN for one that is not there, and a record without any lowers the coverage. Of "
    "models and judges they are `[N, M, J]` or `[B, T, M, J]`.",
    "items": "real numbers `[N, P]` or `[B, T, P]`, or N lists of any length: the score of every single thing that was "
    "asked for, claimed or cited at a turn; None in place of a list for a turn that was not judged. Such a turn, and "
    "one with a point that is NaN, lowers the coverage. Of checklists they are answers: 1 or yes, 0 or no, -1 or n/a "
    "for an item that does not apply, NaN or None for one without an answer, which the score leaves out.",
    "weights": "real numbers from 0 in the form of `items`: how much each item weighs; None: all alike.",
    "categories": "in the form of `items`, the category of each item: its name, or its place among those of the "
    "metric; None or -1 for an item of none.",
    "ages": "integers from 0 in the form of `items`: how many turns ago each item was first asked for; None: all at "
    "their own turn.",
    "verdicts": "strings, `[N]` in a list or one list a dialogue: what a judge wrote of each record; None for an "
    "absent verdict.",
    "before": "the answers before self-correction or pressure, in the form of `preds`; one that is absent lowers the "
    "coverage.",
    # What was asked, and what is right.
    "target": "the right answers, in the form and shape of what they are compared with; NaN, or None in a list, where "
    "not known: such a record cannot be scored and lowers the coverage. Keys of answers in words have to be there; a "
    "candidate of a verifier without one is left out.",
    "options": "the options of each question, `[N]` in a list or one list a dialogue, or one for all: letters such as "
    '`"ABCD"`, or a mapping from letters to texts; None for those of the metric.',
    "texts": "the prompts or captions of the turns: strings, in a list or one list a dialogue, or with metrics of "
    "embeddings their embeddings, in the shape of `images`; strings need an `encoder` there.",
    "references": "what outputs are compared with where nothing is right or wrong: embeddings of reference images, or "
    "reference scores such as those of people; NaN where there is none: such a record cannot be compared and lowers "
    "the coverage.",
    "shown": "embeddings, in the shape of `images`, or with an `encoder` images, of what the model was shown and "
    "should not give back; NaN where there is none, which concerns copies of it and the copy angle alone.",
    "baseline": "real numbers in the shape of `scores`: scores of the same records in the arm that is compared with; "
    "NaN where a record could not be scored, which is then unpaired and lowers the coverage.",
    "suggested": "the wrong answers that the user suggested, in the form of `preds`; one that is absent lowers the "
    "coverage.",
    "modality": '`"text"` or `"image"`, `[N]` in a list or one list a dialogue: what each record had to be answered '
    "with; or booleans `[N]` or `[B, T]`, True for images. A record with a score, or with an output, has to have one.",
    "counts": "integers `[N]` or `[B, T]`, or one for all records: the number of points that a record's task has.",
    "masks": "bool in the form of `items`, True where the cell is an item, or `[N, S]` or `[B, T, S]`, where a sample "
    "of `images` is there; None: all are.",
    "available": "by record, the names of the items whose file is there; None, for one or for all: not checked.",
    "editable": "masks, `[N, H, W]` or `[B, T, H, W]` or in lists, of where a turn may change the image before it: "
    "bool, integers (above 0) or shares in [0, 1]; NaN or None where nothing is known: such a record is not expected "
    "to have a value.",
    "noop": "bool `[N]` or `[B, T]`: whether a turn asks for no change. A record has to say so.",
    "links": "int64 `[E, 2]`: the row of an image (in padded records b * T + t), and the row of the image that it "
    "should agree with.",
    "background": "embeddings, `[N, D]` or `[B, T, D]`, of each image without its subject; zero or not finite where "
    "there is none, which concerns the scores of backgrounds alone.",
    "whole": "embeddings, `[N, D]` or `[B, T, D]`, of each whole image; zero or not finite where there is none, which "
    "concerns the scores of whole images alone.",
    "swapped": "embeddings in the form of `whole`, of each image with another subject in place of its own; zero or not "
    "finite where there is none, which concerns the swap test alone.",
    "pixels": "real numbers `[N, 3 * S * S]` or `[B, T, 3 * S * S]` in [0, 1]: every image in colour at one small "
    "size, as `imug_metrics.media.thumbnails` makes them, to find copies among them; NaN where there is none.",
    "shown_pixels": "`shown` in the form of `pixels`; NaN where there is none, which is then judged by its embedding.",
    # Scores of parts, and what scores depend on.
    "correctness": "real numbers `[N]` or `[B, T]` on the metric's `scale`: semantic correctness of each answer; NaN "
    "where not known.",
    "quality": "real numbers `[N]` or `[B, T]` in [0, 1]: quality of the items of each answer; NaN where not known.",
    "holistic": "real numbers `[N]` or `[B, T]` on the metric's `scale`: how far each answer is of one piece; NaN "
    "where not known.",
    "style": "real numbers `[N]` or `[B, T]` on the metric's `scale`: how well the styles within each answer agree; "
    "NaN where not known.",
    "support": "real numbers `[N]` or `[B, T]` in [0, 1]: the share of each instance that the model supports; NaN "
    "where not known, which concerns the mean support and the relative scores alone; None: of none known.",
    "costs": "real numbers, at least 0, in the shape of `scores` or, where these are not asked for, `[N]` or `[B, T]`: "
    "what each output cost, in tokens, seconds or money. NaN where not known: the mean cost leaves it out, and a "
    "policy cannot choose that strategy for the record.",
    "selector": "real numbers in the shape of `scores`: what the selector thinks of each candidate; it takes the "
    "highest. NaN for a candidate that is not there; infinite ones are in order.",
    "context_lengths": "numbers `[N]` or `[B, T]`, at least 1: tokens of context at each record. A record with a "
    "score has to have one.",
    # Where a record belongs.
    "dialogue": "ids, integers or strings: flat `[N]`; padded `[B]` or `[B, T]`, by default 0 to B - 1. All turns of a "
    "dialogue come in one update, and its id in no other.",
    "turn": "integers from 1: flat `[N]`; padded `[T]` or `[B, T]`, where 0 behind the turns of a "
    "line marks padding, by default 1 to T.",
    "subject": "ids in the form of `dialogue`: who or what should stay the same; the turns of one subject within a "
    "dialogue are a segment. None: a dialogue is one segment.",
    "group": "names or integers, one a record: the group that the record belongs to. Where it may be None, -1 or NaN, "
    "the record is in no group, but among all.",
    "valid": "bool `[N]` or `[B, T]`, False where the output is absent; None: all are there, unless NaN or None. A "
    "padded line that ends with False needs `lengths` or `turn`, which say whether an output was expected there.",
    "lengths": "integers `[B]`: the number of turns of each padded dialogue; the cells behind them are padding. None: "
    "`turn` says so, or the lists that the records come in; else every line has T turns.",
}
