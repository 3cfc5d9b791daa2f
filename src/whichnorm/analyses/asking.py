"""Questions asked of the trained networks of a study: each is opened once for all of them, and answers are kept."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import nn

from whichnorm.analyses.kept import FOLDER, Kept, read_kept, weights_digest, write_kept
from whichnorm.analyses.network import Subject
from whichnorm.data.splits import Splits
from whichnorm.errors import WhichnormError, in_a_line
from whichnorm.results.results import Results
from whichnorm.specs.arm import file_stem
from whichnorm.specs.study import RunSpec
from whichnorm.study.study import Study, on_cpu

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Answer(Generic[T]):
    """What was found about a finished run, or the reason why there is nothing.

    Both are there where an older answer stands because the network could not be asked again. Without either the
    question does not apply to the network. `damage` says what is wrong with a file in which an answer was kept.
    """

    arm: str
    seed: int
    found: T | None
    reason: str = ""
    damage: str = ""


@dataclass(frozen=True, kw_only=True)
class Answers(Generic[T]):
    """The answers of all runs that were asked, in the study's order."""

    runs: tuple[Answer[T], ...] = ()

    def of_arm(self, arm: str) -> list[T]:
        """Return what was found about an arm's runs, by seed."""
        return [run.found for run in self.runs if run.arm == arm and run.found is not None]

    @property
    def unanswered(self) -> list[Answer[T]]:
        """The runs that have a reason, in their order."""
        return [run for run in self.runs if run.reason]

    @property
    def damages(self) -> list[str]:
        """What is wrong with files in which answers were kept."""
        return [run.damage for run in self.runs if run.damage]


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """A finished run's network, on the CPU and in evaluation mode, with the study's images.

    Other questions see the same network later: each gives it back as it was.
    """

    run: RunSpec
    network: nn.Module
    splits: Splits  # on the study's device
    splits_on_cpu: Splits

    @property
    def subject(self) -> Subject:
        """The network with all that its images need, on the CPU."""
        return Subject(self.network, self.splits.mean, self.splits.std, on_cpu(self.run).machine)


@dataclass(frozen=True, kw_only=True, eq=False)
class Question(Generic[T]):
    """What one analysis asks the trained networks: all, or the first of every arm."""

    name: str  # of the analysis
    kind: Any  # the type of what is found, as the codec reads it
    ask: Callable[[Trained], T | None]  # None if the question does not apply to the network
    old_key: str = ""  # of its part in a file of a run that holds several answers, as earlier versions wrote them
    of_arms: bool = False
    is_enough: Callable[[T | None], bool] = lambda found: True  # else what is kept is found again

    def runs(self, finished: Sequence[RunSpec]) -> list[RunSpec]:
        """Return the runs that are asked."""
        first_of_arms = {str(run.arm): run for run in reversed(finished)}
        return [run for run in finished if not self.of_arms or run is first_of_arms[str(run.arm)]]

    def path(self, study: Study, run: RunSpec) -> Path:
        """Return where the answer is kept."""
        subject = file_stem(str(run.arm)) if self.of_arms else run.key
        return study.folder.root / FOLDER / f"{subject}.{self.name}.json"

    def kept(self, study: Study, run: RunSpec, weights: str) -> Kept | str:
        """Return the answer that the study's folder holds about these weights, or what is wrong with its file."""
        kept = read_kept(self.path(study, run), weights, self.kind)
        if kept == "" and self.old_key:
            kept = read_kept(study.folder.root / FOLDER / f"{run.key}.json", weights, self.kind, self.old_key)
        return kept


@dataclass(frozen=True, eq=False)
class _Images:
    """The images of a study, loaded if a network has to be asked; a failure is met once."""

    study: Study

    @cached_property
    def splits(self) -> tuple[Splits, Splits] | str:
        """The splits on the study's device and on the CPU, or the reason why there are none."""
        try:
            here = self.study.splits
        except WhichnormError as error:
            return str(error)
        return here, replace(here, train=here.train.to("cpu"), val=here.val.to("cpu"), test=here.test.to("cpu"))

    def opened(self, run: RunSpec) -> Trained | str:
        """Return a run's network with its images, or the reason why it cannot be asked."""
        if isinstance(self.splits, str):
            return self.splits
        try:
            network = self.study.network(run)
        except WhichnormError as error:
            return str(error)
        return Trained(run=run, network=network, splits=self.splits[0], splits_on_cpu=self.splits[1])


def finished_runs(study: Study, results: Results) -> list[RunSpec]:
    """Return the finished runs of the results' arms, in the study's order."""
    done = {(record.arm, record.seed) for record in results.records if record.status == "finished"}
    return [run for run in study.spec.runs() if (str(run.arm), run.seed) in done]


def ask_runs(study: Study, results: Results, questions: Sequence[Question[Any]]) -> dict[str, Answers[Any]]:
    """Return the answers to all questions by their names; new ones are written into the study's folder.

    Answers that are kept need neither the network nor the images. A network is opened once for all questions, and held
    only while it is asked. One that cannot be asked has a reason in place of an answer, and is tried again the next
    time.
    """
    finished = finished_runs(study, results)
    asked = {question.name: {run.key for run in question.runs(finished)} for question in questions}
    answers: dict[str, list[Answer[Any]]] = {question.name: [] for question in questions}
    images = _Images(study)
    for run in finished:
        of_run = [question for question in questions if run.key in asked[question.name]]
        for name, answer in _answers(study, run, of_run, images):
            answers[name].append(answer)
    return {name: Answers(runs=tuple(of_name)) for name, of_name in answers.items()}


def _answers(
    study: Study, run: RunSpec, questions: Sequence[Question[Any]], images: _Images
) -> Iterator[tuple[str, Answer[Any]]]:
    weights, opened = weights_digest(study.folder.weights(run)), None
    for question in questions:
        kept = question.kept(study, run, weights)
        found, damage = (kept.found, "") if isinstance(kept, Kept) else (None, kept)
        answer = Answer(arm=str(run.arm), seed=run.seed, found=found, damage=damage)
        if not isinstance(kept, Kept) or not question.is_enough(found):
            opened = opened or images.opened(run)
            answer = _asked(question, opened, answer, question.path(study, run), weights)
        yield question.name, answer


def _asked(
    question: Question[T], opened: Trained | str, before: Answer[T], path: Path, weights: str
) -> Answer[T]:  # fmt: skip
    """Ask a network and keep the answer; if that fails, return the answer before with the reason."""
    if isinstance(opened, str):
        return replace(before, reason=opened)
    answer = before
    try:
        answer = replace(before, found=question.ask(opened))
        write_kept(path, weights, answer.found)
    except WhichnormError as error:
        return replace(answer, reason=str(error))
    except Exception as error:  # out of memory, or anything that a network of the user's own raises
        named = f"{question.name.replace('-', ' ')} of {before.arm} at seed {before.seed}"
        return replace(answer, reason=f"{named} cannot be measured: {in_a_line(error, limit=300)}")
    return answer
