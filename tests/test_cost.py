"""Memory and time of a training step, and latency of the exported network."""

import itertools
import shutil
import sys
from dataclasses import replace

import networks
import pytest
import torch
from answers import arm_cost, cost_of, results_of, step_times
from torch import nn

from whichnorm.analyses.cost import Cost
from whichnorm.analyses.cost import measure as under_test
from whichnorm.analyses.cost import step_times as step_times_module
from whichnorm.analyses.cost.measure import NUM_CALLS, measure_cost, measure_latency, step_memory
from whichnorm.analyses.cost.memory import peak_bytes
from whichnorm.analyses.cost.section import cost_in_a_line
from whichnorm.analyses.cost.step_times import interleaved, step_seconds, step_times_or_reason, times_the_first
from whichnorm.analyses.cost.steps import Steps
from whichnorm.api import compare, prepare
from whichnorm.errors import MissingExtraError, SpecError, WhichnormError
from whichnorm.models import build_model
from whichnorm.norms import parse_norm
from whichnorm.specs.arm import ArmSpec
from whichnorm.study.study import reopen
from whichnorm.training.network import build_network

FLOAT = 4


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return prepare(
        "digits", norms=["bn", "gn:8", "none"], model=None, model_options=None, seeds=1, recipe=None, epochs=1,
        batch_size=32, val=0.1, train_limit=300, image_size=None, data_dir=None, download=False, device="cpu",
        threads=1, precision="float32", out=tmp_path_factory.mktemp("cost"),
    )  # fmt: skip


def run_of(study, norm="bn", **recipe):
    run = next(run for run in study.spec.runs() if str(run.arm) == norm)
    return replace(run, recipe=replace(run.recipe, **recipe))


def test_the_peak_is_that_of_allocations_known_by_hand():
    def work():
        a = torch.empty(1000, dtype=torch.float32)
        b = torch.empty(3000, dtype=torch.float32)
        del b
        c = torch.empty(500, dtype=torch.float32)
        del a, c

    assert peak_bytes(work, "cpu") == 4000 * FLOAT


def test_what_was_there_before_is_not_counted():
    before = torch.ones(10_000)
    assert peak_bytes(lambda: before.sum().item(), "cpu") < 1000


def test_the_profiler_writes_nothing_and_the_error_stream_is_given_back(capfd):
    peak_bytes(lambda: torch.ones(10).sum().item(), "cpu")
    assert capfd.readouterr() == ("", "")
    print("after", file=sys.stderr)
    assert capfd.readouterr().err == "after\n"


def test_the_error_stream_is_given_back_after_a_failure_too(capfd):
    with pytest.raises(ZeroDivisionError):
        peak_bytes(lambda: 1 / 0, "cpu")
    print("after", file=sys.stderr)
    assert capfd.readouterr().err.endswith("after\n")


def test_memory_is_the_same_every_time_and_grows_with_the_batch(study):
    network = build_network(run_of(study), study.splits)
    step_memory(run_of(study), study.splits, network)
    peaks = {size: step_memory(run_of(study, batch_size=size), study.splits, network) for size in (8, 32, 128)}
    assert peaks[32] == step_memory(run_of(study, batch_size=32), study.splits, network)
    assert peaks[8] < peaks[32] < peaks[128]
    per_image = (peaks[128] - peaks[32]) / 96
    activations = FLOAT * 8 * 8 * 16  # of one layer of one image
    assert activations < per_image < 40 * activations


def test_memory_holds_parameters_gradients_and_the_optimizers_state(study):
    """A network that is nearly all parameters: with AdamW it needs these, their gradients, and two values each."""

    class Wide(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(64, 20_000)
            self.out = nn.Linear(20_000, 10)

        def forward(self, x):
            return self.out(self.fc(x.flatten(1)))

    network = Wide()
    size = FLOAT * sum(p.numel() for p in network.parameters())
    sgd = step_memory(run_of(study, "none", batch_size=1, momentum=0.0, nesterov=False), study.splits, network)
    momentum = step_memory(run_of(study, "none", batch_size=1, nesterov=False), study.splits, network)
    adamw = step_memory(run_of(study, "none", batch_size=1, optimizer="adamw", nesterov=False), study.splits, network)
    assert momentum - sgd == pytest.approx(size, rel=0.05)
    assert adamw - sgd >= 2 * size * 0.95
    assert sgd >= 2 * size


def test_accumulation_keeps_gradients_beside_the_activations_of_its_smaller_passes(study):
    network = build_network(run_of(study), study.splits)
    whole, parts, small = (
        step_memory(run_of(study, **sizes), study.splits, network)
        for sizes in ({"batch_size": 128}, {"batch_size": 128, "device_batch_size": 16}, {"batch_size": 16})
    )
    assert small < parts < whole
    size = FLOAT * sum(p.numel() for p in network.parameters())
    assert parts - small <= 1.1 * size


def test_batchnorm_keeps_more_for_the_backward_pass_than_no_norm(study):
    bn, none = (
        step_memory(run_of(study, n), study.splits, build_network(run_of(study, n), study.splits))
        for n in ("bn", "none")
    )
    assert bn > none


def test_the_network_is_left_as_it_was(study):
    run = run_of(study)
    network = build_network(run, study.splits).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.get_rng_state()
    measure_cost(run, study.splits, network, latency=False)
    assert not any(module.training for module in network.modules())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())
    assert torch.equal(torch.get_rng_state(), random)


def test_the_penalty_of_an_arm_is_part_of_its_step(study):
    run = run_of(study, batch_size=2)
    network = build_network(run, study.splits)
    penalized = replace(run, arm=ArmSpec(norm=parse_norm("bn"), l2=0.1))
    assert step_memory(penalized, study.splits, network) > step_memory(run, study.splits, network)


def test_latency_is_that_of_many_calls_on_one_thread_with_ordered_quartiles():
    pytest.importorskip("onnxruntime")
    network = build_model(networks.small, "bn", num_classes=4, image_size=8).train()
    found = measure_latency(network, "small", (3, 8, 8))
    assert found.num_calls == NUM_CALLS >= 50
    assert 0 < found.lower_quartile_seconds <= found.median_seconds <= found.upper_quartile_seconds
    assert found.threads == 1
    assert found.device.startswith("cpu")
    assert network.training


def test_median_and_quartiles_are_those_of_the_calls(monkeypatch):
    monkeypatch.setattr(under_test, "checked_onnx", lambda *_, **__: (b"", None))
    monkeypatch.setattr(under_test, "_session_call", lambda *_: None)
    monkeypatch.setattr(under_test, "_timed", lambda call: [5.0, 1.0, 2.0, 3.0, 4.0])
    found = measure_latency(nn.Identity(), "x", (1, 8, 8))
    assert (found.lower_quartile_seconds, found.median_seconds, found.upper_quartile_seconds) == (2, 3, 4)
    assert found.num_calls == 5


def test_every_call_is_timed_but_those_that_warm_up():
    calls = []
    seconds = under_test._timed(lambda: calls.append(1))
    assert len(calls) == under_test.NUM_WARM_UP + len(seconds)
    assert len(seconds) == NUM_CALLS


def test_a_missing_extra_is_a_reason_and_the_memory_is_there(study, monkeypatch):
    monkeypatch.setattr(under_test, "measure_latency", measure_latency)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    run = run_of(study)
    found = measure_cost(run, study.splits, build_network(run, study.splits), latency=True)
    assert found.latency is None
    assert found.latency_reason == "latency needs onnxruntime, not installed: pip install whichnorm[onnx]"
    assert found.peak_memory_bytes > 0


def test_an_export_that_fails_is_a_reason(study, monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(under_test, "measure_latency", measure_latency)
    run = run_of(study, "none")
    network = build_model(networks.branching, "none", num_classes=10, in_channels=1, image_size=8)
    found = measure_cost(run, study.splits, network, latency=True)
    assert found.latency is None
    assert "cannot be exported to ONNX" in found.latency_reason
    assert "\n" not in found.latency_reason


def test_unwanted_latency_is_not_measured_and_says_so(study, monkeypatch):
    def fail(*_):
        raise AssertionError

    monkeypatch.setattr(under_test, "measure_latency", fail)
    run = run_of(study)
    found = measure_cost(run, study.splits, build_network(run, study.splits), latency=False)
    assert (found.latency, found.latency_reason) == (None, under_test.NOT_WANTED)
    assert found.batch_size == 32
    with pytest.raises(MissingExtraError):
        raise MissingExtraError(found.latency_reason)


def test_the_table_gives_memory_in_mebibytes_and_latency_in_milliseconds(tmp_path):
    section = Cost().section(cost_of({"bn": [arm_cost()], "ln": [None]}, {"ln": "no weights"}), results_of(tmp_path))
    with_cost, _, without = section.tables[0].rows
    assert (with_cost[-2].text, with_cost[-2].note) == ("3.0 MiB", "batch 64")
    assert (with_cost[-1].text, with_cost[-1].note) == ("2 ms", "[1.5, 3]")
    assert [cell.text for cell in without[-2:]] == ["–", "–"]
    said = " ".join(section.sentences)
    assert "cpu (Example)" in said
    assert "1 of 2 networks could not be asked. LayerNorm at seed 0: no weights" in said


def test_without_a_measurement_parameters_remain_and_no_time_is_called_cost(tmp_path):
    section = Cost().section(
        cost_of({"bn": [None]}, {"bn": "no weights"}, steps_reason="no images"), results_of(tmp_path)
    )
    assert section.tables[0].headings == ("Arm", "Parameters", "In norm layers")
    assert len(section.tables[0].rows) == 3
    assert section.sentences[0] == "The time of a step is not stated: no images."
    assert "no measure of an arm's cost" in section.sentences[1]


def test_a_latency_that_is_missing_says_why(tmp_path):
    found = cost_of({"bn": [arm_cost(latency=None, reason="not installed")]})
    section = Cost().section(found, results_of(tmp_path))
    assert section.tables[0].rows[0][-1].text == "–"
    assert section.sentences[-1] == "No latency: not installed."


def test_the_cost_in_a_line_has_what_was_measured(tmp_path):
    results = results_of(tmp_path, arms=("bn", "ln"))
    line = cost_in_a_line(results, cost_of({"bn": [arm_cost()]}))
    assert line == "Cost of a training step. BatchNorm: 3.0 MiB; 2 ms per exported image."
    timed = cost_in_a_line(results, cost_of({}, steps=step_times(bn=(0.1, 0.1, 0.2), ln=(0.2, 0.2, 0.2))))
    assert timed == (
        "Cost of a training step. BatchNorm: 100 ms. LayerNorm: 200 ms, 2.00 times BatchNorm [1.50, 2.00]."
    )
    assert cost_in_a_line(results, cost_of({})) == ""


def test_a_ratio_is_taken_within_rounds():
    """A machine that is ten times slower in one round than in the next says nothing of the arms."""
    times = step_times(bn=(0.1, 1.0, 0.3), ln=(0.15, 1.5, 0.45))
    found = times_the_first(times, "ln", "bn")
    assert (found.low, found.median, found.high) == pytest.approx((1.5, 1.5, 1.5))
    assert step_seconds(times, "ln").median == 0.45


def test_the_table_gives_times_of_a_step_and_ratios_to_the_first_arm(tmp_path):
    steps = step_times(**{"bn": (0.1, 0.2), "gn:8": (0.1, 0.2), "ln": (0.2, 0.4)})
    section = Cost().section(cost_of({}, steps=steps), results_of(tmp_path))
    assert section.tables[0].headings[3:] == ("Training step", "Times BatchNorm")
    bn, gn, ln = (row[3:] for row in section.tables[0].rows)
    assert (bn[0].text, bn[0].note, bn[1].text) == ("150 ms", "[125, 175]", "1")
    assert (gn[1].text, gn[1].note) == ("1.00", "[1.00, 1.00]")
    assert (ln[1].text, ln[1].note) == ("2.00", "[2.00, 2.00]")
    said = section.sentences[0]
    for part in ("2 rounds", "3 steps in turn", "cpu (Example), 1 thread, float32", "64 images", "1.5 processes"):
        assert part in said


def test_rounds_of_unequal_number_are_refused():
    with pytest.raises(SpecError, match="equally many rounds"):
        step_times(bn=(0.1, 0.2), ln=(0.1,))
    with pytest.raises(SpecError, match="equally many rounds"):
        step_times()


class Machine:
    """Stands for the clock of a process: each step takes its arm's seconds, times what the machine does meanwhile."""

    def __init__(self, slower=1 / 20):
        self.now, self.order, self.slower = 0.0, [], slower

    def step(self, arm, seconds):
        def take():
            self.order.append(arm)
            self.now += seconds * (1 + self.slower * len(self.order))

        return take


def test_arms_take_turns_so_that_a_machine_that_slows_down_meets_all_alike():
    machine = Machine()
    arms = {arm: machine.step(arm, seconds) for arm, seconds in (("a", 0.01), ("b", 0.012), ("c", 0.02))}
    steps, seconds = interleaved(arms, lambda: machine.now)
    assert steps == round(step_times_module.TURN_SECONDS / 0.02)
    assert {len(rounds) for rounds in seconds.values()} == {step_times_module.NUM_ROUNDS}
    turns = [arm for arm, _ in itertools.groupby(machine.order[6:])]
    assert "".join(turns[:5]) == "abcba"  # then a takes two turns, one behind the other
    times = step_times(**{arm: tuple(rounds) for arm, rounds in seconds.items()})
    assert times.seconds["a"][-1] > 4 * times.seconds["a"][0]
    assert times_the_first(times, "b", "a").median == pytest.approx(1.2, rel=0.05)
    assert times_the_first(times, "c", "a").median == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize(("seconds", "rounds"), [(0.4, 17), (1.0, 5)])
def test_the_time_is_bounded(monkeypatch, seconds, rounds):
    machine = Machine(slower=0)
    monkeypatch.setattr(step_times_module.time, "perf_counter", lambda: machine.now)
    _, found = interleaved({arm: machine.step(arm, seconds) for arm in "ab"}, lambda: machine.now)
    assert len(found["a"]) == len(found["b"]) == rounds
    assert machine.now <= 2 * step_times_module.ARM_SECONDS


def test_steps_that_are_too_slow_for_the_time_are_not_stated(monkeypatch):
    machine = Machine(slower=0)
    monkeypatch.setattr(step_times_module.time, "perf_counter", lambda: machine.now)
    with pytest.raises(WhichnormError, match="only 1 of 5 rounds fit into 8 s per arm, with 2 s for a step"):
        interleaved({arm: machine.step(arm, 2.0) for arm in "ab"}, lambda: machine.now)


@pytest.fixture
def trained(tmp_path, no_report):
    compare("digits", norms=["bn", "gn:8"], seeds=1, epochs=1, train_limit=100, out=tmp_path / "demo", latency=False)
    return reopen(tmp_path / "demo")


def test_step_times_of_a_study_are_kept_with_all_its_arms(trained, monkeypatch):
    monkeypatch.setattr(step_times_module, "TURN_SECONDS", 0.001)
    random = torch.get_rng_state()
    found, reason = step_times_or_reason(trained)
    assert reason == ""
    assert list(found.seconds) == ["bn", "gn:8"]
    assert all(value > 0 for rounds in found.seconds.values() for value in rounds)
    assert (found.threads, found.clock, found.batch_size) == (1, "time of the CPU", 64)
    assert torch.equal(torch.get_rng_state(), random)
    monkeypatch.setattr(step_times_module, "_measured", lambda *_: 1 / 0)
    assert step_times_or_reason(trained) == (found, "")


def test_what_cannot_be_timed_has_a_reason(trained, monkeypatch):
    monkeypatch.setattr(step_times_module, "_measured", lambda *_: 1 / 0)
    assert step_times_or_reason(trained) == (None, "ZeroDivisionError: division by zero")
    shutil.rmtree(trained.folder.root / "runs")
    found, reason = step_times_or_reason(trained)
    assert found is None
    assert "no run has finished yet" in reason


def test_a_step_does_its_work_and_leaves_the_weights(study):
    run = run_of(study)
    network = build_network(run, study.splits)
    before = [p.detach().clone() for p in network.parameters()]
    Steps.of(run, study.splits, network).take()
    assert all(torch.equal(p, was) for p, was in zip(network.parameters(), before, strict=True))
    tracked = [int(value) for name, value in network.state_dict().items() if name.endswith("num_batches_tracked")]
    assert tracked
    assert set(tracked) == {1}
