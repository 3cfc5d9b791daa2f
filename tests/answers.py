"""Made-up answers of networks, and the results of the study that they are of."""

from synthetic import make_results

from whichnorm.analyses.asking import Answer, Answers
from whichnorm.analyses.batch_dependence.measure import DependenceScores
from whichnorm.analyses.batch_statistics.measure import LayerGap, StatisticsScores
from whichnorm.analyses.calibration.measure import CalibrationScores
from whichnorm.analyses.corruptions.measure import CorruptionScores
from whichnorm.analyses.cost.measure import ArmCost, CostFound, Latency
from whichnorm.analyses.cost.step_times import StepTimes

LATENCY = Latency(
    median_seconds=0.002, lower_quartile_seconds=0.0015, upper_quartile_seconds=0.003, num_calls=200, threads=1,
    device="cpu (Example)",
)  # fmt: skip


def results_of(folder, arms=("bn", "gn:8", "ln")):
    return make_results(folder, arms=arms)


def answers_of(arms, reasons=None):
    """Return answers from arm to what was found at seed 0, 1, ...; None takes its reason from `reasons`."""
    reasons = reasons or {}
    runs = tuple(
        Answer(arm=arm, seed=seed, found=one, reason=reasons.get(arm, ""))
        for arm, found in arms.items()
        for seed, one in enumerate(found)
    )
    return Answers(runs=runs)


def calibration_scores(overconfidence):
    return CalibrationScores(
        expected_error=abs(overconfidence), overconfidence=overconfidence, num_images=360, num_bins=15
    )  # fmt: skip


def corruption_scores_at(**strongest):
    """Return accuracies of 90 % clean, then 80, 70 and 60 %, or what is given at the greatest strength of a kind."""
    kinds = ("noise", "blur", "contrast", "JPEG", "brightness")
    return CorruptionScores(
        num_images=2000,
        clean_accuracy=0.9,
        accuracies={kind: (0.8, 0.7, strongest.get(kind, 0.6)) for kind in kinds},
    )


def dependence_scores(in_training, in_evaluation):
    return DependenceScores(
        batch_size=32, num_images=360, num_draws=8, changed_in_batch_mode=in_training,
        changed_in_evaluation=in_evaluation,
    )  # fmt: skip


def statistics_scores(running=0.9, precise=0.91, batch=0.89, num_layers=3):
    """Return the statistics of a network; batch is None at a batch of one."""
    of_batches = None if batch is None else 0.2
    layers = tuple(
        LayerGap(
            path=f"block{k}.norm", batch_mean=of_batches, batch_log_var=of_batches, precise_mean=0.1 * k,
            precise_log_var=0.05,
        )
        for k in range(num_layers)
    )  # fmt: skip
    return StatisticsScores(
        batch_size=None if batch is None else 32, num_train_images=1000, num_test_images=360, running_accuracy=running,
        precise_accuracy=precise, batch_accuracy=batch, layers=layers,
    )  # fmt: skip


def arm_cost(latency=LATENCY, reason=""):
    return ArmCost(
        peak_memory_bytes=3 * 2**20, batch_size=64, memory_device="cpu (Example)", latency=latency,
        latency_reason=reason,
    )  # fmt: skip


def step_times(**seconds):
    """Return the seconds of steps by arm, in rounds."""
    return StepTimes(
        seconds=seconds, steps_per_turn=3, batch_size=64, clock="time of the CPU", device="cpu (Example)", threads=1,
        precision="float32", cores=4, load=1.5,
    )  # fmt: skip


def cost_of(arms, reasons=None, steps=None, steps_reason="not timed"):
    return CostFound(runs=answers_of(arms, reasons).runs, steps=steps, steps_reason="" if steps else steps_reason)
