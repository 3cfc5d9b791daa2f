"""An engine computes the steps of an epoch, and the loop around it proves and reports what it did."""

from dataclasses import replace

import pytest
import torch
from test_train import NORMS, RECIPE, make_run, make_splits
from torch.nn import functional as F

from whichnorm.training import randomness
from whichnorm.training.engines.engine import Epoch
from whichnorm.training.engines.reference import reference
from whichnorm.training.events import StepDone, ignore
from whichnorm.training.loop import train_run
from whichnorm.training.network import build_network, set_rates
from whichnorm.training.step import add_gradients

ACCUMULATED = replace(RECIPE, batch_size=32, device_batch_size=8, label_smoothing=0.1)


def by_hand(epoch, model, optimizer, sums):
    """A step from torch's functions alone: the mean over all passes of a step, backward once."""
    passes, images = epoch.run.recipe.accumulation, list(epoch.images())
    for step in range(epoch.num_steps):
        set_rates(optimizer, epoch.rates(step))
        optimizer.zero_grad()
        losses = []
        for x, labels in images[step * passes : (step + 1) * passes]:
            logits = model(x)
            losses.append(F.cross_entropy(logits, labels, label_smoothing=epoch.run.recipe.label_smoothing))
            with torch.no_grad():
                sums.loss += F.cross_entropy(logits, labels)
                sums.correct += (logits.argmax(1) == labels).sum()
        torch.stack(losses).mean().backward()
        optimizer.step()
    optimizer.zero_grad()
    yield epoch.num_steps


@pytest.mark.parametrize("norm", NORMS)
def test_an_engine_that_computes_the_same_steps_makes_the_same_run(norm):
    run = make_run(norm, recipe=ACCUMULATED)
    expected, a = train_run(run, make_splits(), None, ignore)
    told = []
    found, b = train_run(run, make_splits(), None, told.append, engine=by_hand)
    assert found.audit == expected.audit
    for x, y in zip(a.parameters(), b.parameters(), strict=True):
        torch.testing.assert_close(y, x, rtol=1e-4, atol=1e-5)
    for mine, theirs in zip(found.epochs, expected.epochs, strict=True):
        assert mine.train_loss == pytest.approx(theirs.train_loss, rel=1e-4)
        assert mine.train_accuracy == pytest.approx(theirs.train_accuracy, abs=0.05)
        assert mine.learning_rate == theirs.learning_rate
    assert [event.step for event in told if isinstance(event, StepDone)] == [2, 2]


def forgets_a_group(epoch, model, optimizer, sums):
    optimizer.register_step_pre_hook(lambda optimizer, *_: optimizer.param_groups[-1].update(lr=0.0))
    yield from reference(epoch, model, optimizer, sums)


def steps_by_itself(epoch, model, optimizer, sums):
    yield from reference(epoch, model, torch.optim.SGD(model.parameters(), lr=0.1), sums)


@pytest.mark.parametrize(
    ("engine", "words"),
    [(forgets_a_group, "did not move in the first step"), (steps_by_itself, "no step was taken by the run's")],
)
def test_an_engine_that_does_not_train_what_the_loop_gave_it_fails_the_run(engine, words):
    record, _ = train_run(make_run("gn:4"), make_splits(), None, ignore, engine=engine)
    assert record.status == "failed"
    assert words in record.reason
    assert record.audit is None


def test_the_first_step_of_a_run_is_proved_and_no_hooks_are_left_behind():
    seen = []

    def looking(epoch, model, optimizer, sums):
        yield from reference(epoch, model, optimizer, sums)
        seen.append((len(optimizer._optimizer_step_pre_hooks), len(optimizer._optimizer_step_post_hooks)))

    record, _ = train_run(make_run("gn:4"), make_splits(), None, ignore, engine=looking)
    assert seen == [(1, 1), (0, 0)]  # in the second epoch nobody looks any more
    assert record.audit.params > 0


def test_what_fails_after_the_first_step_keeps_its_proof():
    def breaks(epoch, model, optimizer, sums):
        for step in reference(epoch, model, optimizer, sums):
            yield step
            raise RuntimeError("out of memory")

    record, _ = train_run(make_run("ln"), make_splits(), None, ignore, engine=breaks)
    assert record.status == "failed"
    assert record.reason.startswith("RuntimeError: out of memory (test_engines.py, line ")
    assert record.audit.norm_layers == {"GroupNorm(1 group)": 2}


def test_an_epoch_is_a_function_of_seed_and_number_and_the_same_for_every_arm():
    splits = make_splits()
    first = Epoch.drawn(make_run("bn", recipe=ACCUMULATED), splits, 1)
    torch.manual_seed(9)
    again = Epoch.drawn(make_run("gn:4", recipe=ACCUMULATED), splits, 1)
    for (a, b), (x, y) in zip(first.images(), again.images(), strict=True):
        assert torch.equal(a, x)
        assert torch.equal(b, y)
    assert first.num_steps == 2
    assert first.num_passes == len(list(first.images())) == 8
    assert sorted(first.order.tolist()) == list(range(64))
    for other in (Epoch.drawn(make_run(seed=1), splits, 1), Epoch.drawn(make_run(), splits, 2)):
        assert not torch.equal(other.order, first.order)
        assert not torch.equal(other.draws.flip, first.draws.flip)
    expected = torch.randperm(64, generator=randomness.generator(0, "order", 1))
    assert torch.equal(first.order, expected)


@pytest.mark.parametrize("arm", ["bn", "gn:4+l1:0.01", "ln+l2:0.1"])
def test_gradients_of_a_pass_are_those_of_its_share_of_the_loss_and_the_penalty(arm):
    """Against autograd on the formula: cross-entropy plus penalty, over the number of passes per step."""
    run, splits = make_run(arm, recipe=replace(ACCUMULATED, dropout=0.0)), make_splits()
    ours, theirs = build_network(run, splits), build_network(run, splits)
    images, labels = next(iter(Epoch.drawn(run, splits, 0).images()))
    for _ in range(2):  # gradients add up
        logits, loss = add_gradients(ours, images, labels, run)
    weights = [theirs.conv1.weight, theirs.conv2.weight, theirs.head.weight]
    penalty = sum(run.arm.l1 * w.abs().sum() + run.arm.l2 * w.square().sum() for w in weights)
    for _ in range(2):
        expected = theirs(images)
        entropy = F.cross_entropy(expected, labels, label_smoothing=0.1)
        ((entropy + penalty) / 4).backward(retain_graph=True)
    torch.testing.assert_close(logits, expected)
    torch.testing.assert_close(loss, entropy)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)
