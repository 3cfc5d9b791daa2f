"""Events are values: equal after a journey to another process, and without anything alive in them."""

import dataclasses
import pickle
import typing
from pathlib import Path

import pytest

from whichnorm.study import events
from whichnorm.study.events import (
    EpochDone,
    Event,
    FollowUpStarted,
    PartStarted,
    ReportStarted,
    RunEvent,
    RunFailed,
    RunFinished,
    RunStarted,
    SeedsAdded,
    StepDone,
    StudyStarted,
    StudyStopped,
    WeightsWritten,
    together,
)
from whichnorm.training.record import EpochRow

ROW = EpochRow(
    epoch=1, learning_rate=0.1, seconds=1.25, train_loss=None, train_accuracy=1 / 3, val_loss=0.5, val_accuracy=0.9,
    test_loss=0.25, test_accuracy=0.8,
)  # fmt: skip
WHO = {"arm": "gn:8+l1:0.001", "seed": 3}
EVENTS = [
    PartStarted(title="batch 8, point 1 of 2"),
    StudyStarted(num_runs=4, done=(("bn", 0),)),
    SeedsAdded(num_before=3, num_now=5, arms=("bn", "ln")),
    RunStarted(**WHO, num_epochs=20, num_steps=390, split="val"),
    StepDone(**WHO, step=7),
    WeightsWritten(**WHO, num_epochs=1, path=Path("runs") / "a.safetensors"),
    EpochDone(**WHO, row=ROW),
    RunFinished(**WHO, warnings=("at chance",)),
    RunFailed(**WHO, status="diverged", reason="not finite", warnings=()),
    StudyStopped(),
    FollowUpStarted(title="at the tuned learning rates:"),
    ReportStarted(),
]
PLAIN = (str, int, float, type(None), Path)


def kinds(union):
    """Return the classes of a union, those of a run in place of their base."""
    return {kind for one in typing.get_args(union) for kind in (one.__subclasses__() or [one])}


def test_there_is_one_of_every_kind_here_and_every_kind_is_offered():
    assert {type(event) for event in EVENTS} == kinds(Event)
    assert {kind.__name__ for kind in kinds(Event)} <= set(events.__all__)
    assert {kind for kind in kinds(Event) if issubclass(kind, RunEvent)} == set(RunEvent.__subclasses__())


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_a_small_frozen_value_that_can_be_sent(event):
    data = pickle.dumps(event)
    assert pickle.loads(data) == event
    assert len(data) < 1000
    hash(event)
    for field in dataclasses.fields(event):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(event, field.name, None)


def parts(value):
    """Yield what a value is made of."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from parts(getattr(value, field.name))
    elif isinstance(value, tuple):
        for one in value:
            yield from parts(one)
    else:
        yield value


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_holds_numbers_texts_and_paths_alone(event):
    assert all(isinstance(part, PLAIN) for part in parts(event))


def test_listeners_together_hear_everything_in_their_order_and_one_that_raises_ends_it():
    heard = []

    def stop(event):
        raise KeyboardInterrupt

    both = together(lambda event: heard.append(("a", event)), lambda event: heard.append(("b", event)))
    for event in EVENTS[:2]:
        both(event)
    assert heard == [("a", EVENTS[0]), ("b", EVENTS[0]), ("a", EVENTS[1]), ("b", EVENTS[1])]
    with pytest.raises(KeyboardInterrupt):
        together(heard.append, stop, heard.append)(EVENTS[2])
    assert heard[4:] == [EVENTS[2]]
