# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A whole run as one call: from a model and a benchmark to outputs in the official layout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imug_metrics._event_loops import run_to_end
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.model_outputs import ModelOutputs
from imug_metrics.evaluation.settings import Progress, check_folders
from imug_metrics.inference.arms import Arm, run_arm
from imug_metrics.inference.contexts import ContextPadding
from imug_metrics.inference.fillers import filler_pool
from imug_metrics.inference.histories import HistoryChoice, References, parse_history
from imug_metrics.inference.limits import Spending, SpendLimits
from imug_metrics.inference.model import Model
from imug_metrics.inference.models.specs import default_name, load_model
from imug_metrics.inference.questions import read_questions
from imug_metrics.inference.roles import load_roles
from imug_metrics.inference.settings import Settings, model_concurrency, model_name
from imug_metrics.inference.strategies.direct import Direct
from imug_metrics.inference.strategies.spec import parse_strategy
from imug_metrics.inference.tokens import TokenCounter, token_counter
from imug_metrics.inference.turn import Strategy
from imug_metrics.protocols.imug.samples import SAMPLES
from imug_metrics.reading.files import Problem, Problems, as_name


@dataclass(frozen=True)
class Inference(ModelOutputs):
    """What `infer` left: outputs that `evaluate` takes.

    Attributes:
        arms: the same by folder where there are several runs ("sample_1", "context_4096"); each is taken by itself.
        problems: dialogues that could not be answered, turns that failed, images that cannot be opened.
        spent: what the new requests cost, by kind.
        stopped: why the run ended before all was asked; None: all was.
    """

    arms: Mapping[str, ModelOutputs] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    spent: Mapping[str, float] = field(default_factory=dict)
    stopped: str | None = None


def infer(
    model: Model | str,
    benchmark: Path | str,
    out: Path | str,
    *,
    name: str | None = None,
    history: str | HistoryChoice = "own",
    references: Path | str | None = None,
    isolated: bool = False,
    strategy: Strategy | str | None = None,
    samples: int = 1,
    seed: int = 0,
    contexts: Sequence[int] = (),
    counter: TokenCounter | None = None,
    concurrency: int | None = None,
    limits: SpendLimits | None = None,
    retry_errors: bool = False,
    overwrite: bool = False,
    limit: int | None = None,
    progress: Progress | None = None,
    roles: Mapping[str, Model | str] | None = None,
) -> Inference:
    """Lead a model through the dialogues of a benchmark and write what it answers, for `evaluate` and the commands.

    Order, requests and files are those of the loop that IMUG-Bench released: turn by turn, each after the model's own
    earlier outputs; a turn that fails is recorded as such, and the dialogue goes on. Every reply is recorded before it
    is used: after an interruption of whatever kind the same call goes on, and asks nothing twice that was answered.

    Args:
        model: a function or an object that can be called, see `Model`; or a text that names a server, a file or a
            program, see `load_model`.
        benchmark: folder in the layout of IMUG-Bench.
        out: folder that receives `NAME/<domain>/<subdomain>/question_<id>/`, and in `.NAME` the record of replies and
            costs.
        name: of the model's folder; None: the model's own.
        history: which earlier turns the model is shown: its `"own"` outputs, the `"reference"`'s, or a mixture, see
            `parse_history`.
        references: folder of one model's outputs that are the reference; None: the answers and images which the
            benchmark states.
        isolated: ask each turn without the earlier ones.
        strategy: how a turn is answered, or its name, see `parse_strategy`; None: by the model's first reply.
        samples: how many runs with seeds of their own; more than one go to `out/sample_1` and so on.
        seed: of everything that is drawn.
        contexts: numbers of tokens up to which histories are filled with turns of other dialogues, each a run in
            `out/context_<tokens>`.
        counter: counts these tokens; None: an approximation, `token_counter()`.
        concurrency: requests at a time; None: as many as the model takes.
        limits: what may be spent.
        retry_errors: ask again where an earlier run failed.
        overwrite: forget what an earlier run under this name has left.
        limit: only the first so many dialogues.
        progress: called with what is being done, how much is done and how much there is.
        roles: models, or texts that name them, in the place of the model where the strategy asks in these roles, such
            as `{"checker": "openai:gpt-4o"}`; each takes as many requests at a time as it says itself.

    Returns:
        The outputs, with what went wrong and what was spent.

    Raises:
        ArgumentError: if an argument is not as expected, or the folder holds outputs of other settings.
        JournalLockedError: if another process writes to the same outputs.
        OSError: if a file cannot be read or written.
    """
    if isinstance(model, str):
        name = default_name(model) if name is None else name
        model = load_model(model)
    if isinstance(strategy, str):
        strategy = parse_strategy(strategy)
    found = Settings(
        model,
        Path(benchmark),
        Path(out),
        _usable_name(model) if name is None else name,
        history if isinstance(history, HistoryChoice) else parse_history(history),
        None if references is None else Path(references),
        isolated,
        Direct() if strategy is None else strategy,
        samples,
        seed,
        model_concurrency(model) if concurrency is None else concurrency,
        SpendLimits() if limits is None else limits,
        tuple(contexts),
        retry_errors,
        overwrite,
        limit,
        load_roles(roles or {}),
    )
    return run_to_end(_Run(found, token_counter() if counter is None else counter).all(progress))


class _Run:
    """One call: the questions are read once, what is spent is counted over all arms."""

    def __init__(self, settings: Settings, counter: TokenCounter) -> None:
        self.settings = settings
        self.problems = Problems()
        self.spending = Spending(settings.limits)
        check_folders(settings.benchmark, {}, settings.out)
        self.questions = read_questions(settings.benchmark, self.problems, settings.limit)
        if not self.questions:
            path = settings.benchmark / SAMPLES
            why = self.problems.first_error(path)
            raise ArgumentError("benchmark", f"found no dialogue that can be read in {path}{why}")
        self.arms = list(self._arms(self._paddings(counter)))

    async def all(self, progress: Progress | None) -> Inference:
        """Every arm, one after the other."""
        settings, unread = self.settings, tuple(self.problems)
        try:
            for arm in self.arms:
                if self.spending.stopped is None:
                    self.problems += await run_arm(arm, self.questions, settings, self.spending, unread, progress)
        finally:
            parts = (settings.model, settings.strategy, *settings.roles.values())
            for part in {id(part): part for part in parts}.values():
                if hasattr(part, "aclose"):
                    await part.aclose()
        named = {arm.name: self._outputs(arm.model.parent) for arm in self.arms if arm.name}
        told = (tuple(self.problems), dict(self.spending.spent), self.spending.stopped)
        return Inference(settings.benchmark, settings.out, (settings.name,), named, *told)

    def _arms(self, paddings: Sequence[ContextPadding | None]) -> Iterator[Arm]:
        samples = self.settings.samples
        for sample in range(samples):
            for padding in paddings:
                parts = [f"sample_{sample + 1}"] if samples > 1 else []
                parts += [] if padding is None else [f"context_{padding.budget}"]
                model = self.settings.out.joinpath(*parts, self.settings.name)
                yield Arm("/".join(parts), model, sample, padding)

    def _paddings(self, counter: TokenCounter) -> list[ContextPadding | None]:
        """What fills up histories, by number of tokens; checked before anything is asked."""
        if not self.settings.contexts:
            return [None]
        questions = read_questions(self.settings.benchmark, Problems())
        pool = filler_pool(questions, References(self.settings.references))
        return [ContextPadding(budget, counter, pool, self.settings.seed) for budget in self.settings.contexts]

    def _outputs(self, folder: Path) -> ModelOutputs:
        return ModelOutputs(self.settings.benchmark, folder, (self.settings.name,))


def _usable_name(model: Model) -> str:
    name = model_name(model).replace("/", "-").strip(".")
    return name if as_name(name) == name else "model"
