# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `merge`: parts of an evaluation that were scored apart, as one."""

from __future__ import annotations

import warnings
from argparse import Namespace

from imug_metrics.cli.exit_codes import EXIT_FINE, EXIT_PROBLEMS
from imug_metrics.cli.messages import named_as, print_note
from imug_metrics.cli.tables import print_tables
from imug_metrics.errors import ArgumentError, RepeatedDialoguesWarning
from imug_metrics.evaluation import merge_states
from imug_metrics.report.files import json_text
from imug_metrics.report.sanitize import plain


def run(options: Namespace) -> int:
    """`imug-metrics merge`: 0; 1 if dialogues are in more than one part."""
    if options.out is not None and options.out.is_dir():
        raise ArgumentError("out", f"expected a file, {options.out} is a folder")
    with named_as(parts="PART"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RepeatedDialoguesWarning)  # told below, once a model
        found = merge_states(*options.parts, model=options.model)
        repeated = found.repeated
    if options.out is not None:
        found.save(options.out)
    if options.json:
        print(json_text("merge", {"models": found.scores}, indent=None), end="")
    else:
        print_tables(found.tables())
        print_note("note: marks that single records tell, of chance and copies, stand in the tables of the parts alone")
    if options.out is not None:
        print_note(f"states: {plain(str(options.out))}")
    for model, repeats in repeated.items():
        print_note(
            f"{model}: about {max(round(repeats.repeated), 1):,} of {repeats.sightings:,} dialogues had been counted "
            "before: parts hold the same dialogues, and intervals are too narrow"
        )
    return EXIT_PROBLEMS if repeated else EXIT_FINE
