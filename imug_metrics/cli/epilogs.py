# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the help of each command says of its exit codes."""

EXIT_CODES = """exit codes:
  0    finished
  1    finished, but data were missing or malformed: OUT/problems.jsonl lists them
  2    the command line is not as expected; nothing was written
  3    could not finish: a package is missing, an encoder does not load, a file cannot be written
  70   an error of this program; please report it
  130  interrupted; models that were finished are kept, and the same command goes on from there
"""

INFER_CODES = """exit codes:
  0    every dialogue was answered; turns that failed are recorded as such
  1    finished, but a dialogue cannot be answered: an image is missing, a turn has no modality
  2    the command line is not as expected, or the folder holds outputs of other settings
  3    stopped by a limit, by a model that does not answer, or because something cannot be loaded or written
  70   an error of this program; please report it
  130  interrupted; the same command goes on from there
"""

WITH_OUT = EXIT_CODES.replace("OUT/problems.jsonl lists them", "with --out problems.jsonl lists them")

CHECK_CODES = """exit codes:
  0    nothing is wrong, or nothing worse than warnings
  1    there are errors: something cannot be scored on its merits
  2    the command line is not as expected
"""

PLAN_CODES = """exit codes:
  0    finished
  1    finished, but a pair shares too few scores to be planned, or its difference is the same in every dialogue
  2    the command line is not as expected, or the results cannot be read
"""

COMPARE_CODES = """exit codes:
  0    finished
  2    the command line is not as expected, or a folder holds nothing to compare
"""

MERGE_CODES = """exit codes:
  0    finished
  1    finished, but dialogues are in more than one part
  2    the command line is not as expected, or a file holds no states that can be added
  3    a file cannot be opened or written
"""

READ_CODES = """exit codes:
  0    letters, a number or words were read
  1    nothing was read, and the reason is told
  2    the command line is not as expected, or a text is not UTF-8
  3    a file cannot be opened
"""

CONVERT_CODES = """exit codes:
  0    all was read
  1    written, but some of the data could not be read and is told
  2    the command line is not as expected, or the format is not known; nothing was written
  3    a file cannot be written, or a package is missing
"""
