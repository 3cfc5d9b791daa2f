"""The section of how the figures were measured, in plain words."""

from whichnorm.analyses import wording
from whichnorm.analyses.headline import extent, question
from whichnorm.analyses.method.again import again
from whichnorm.analyses.method.citation import citation
from whichnorm.analyses.method.tables import audit_table, class_numbers_table, settings_tables, versions_table
from whichnorm.render import text
from whichnorm.render.content import Folded, Section
from whichnorm.results.results import Results
from whichnorm.specs.names import named
from whichnorm.specs.recipe import batch_text

IDEA = (
    "The same network was trained once per normalization layer and seed. Everything else stayed the same: the images "
    "and their order, the random changes made to them, the starting weights outside the norm layers, and the recipe. "
    "So a difference between two arms is the norm's, up to chance; and it counts as one only when chance is ruled out, "
    "over seeds and test images, at an error rate of 5 % for all comparisons together."
)


def section(found: None, results: Results) -> Section:
    """Say how a study was measured."""
    how, code = again(results)
    settings = "Settings shared by all runs, also those that the chosen optimizer or schedule does not use"
    return Section(
        title=finding(results),
        sentences=(*method_sentences(results), *pairing_sentences(results), *how),
        code=(*code, citation(question(results), extent(results), results.records)),
        folded=(
            Folded(summary=settings, tables=tuple(settings_tables(results.study))),
            Folded(summary="Versions and hardware", tables=(versions_table(results.records),)),
            Folded(summary="Audit of every run", tables=(audit_table(results),)),
            Folded(summary=f"The {len(results.class_names)} classes by number", tables=(class_numbers_table(results),)),
        ),
    )


def finding(results: Results) -> str:
    """Say what was measured, and whether the runs can be compared."""
    runs = text.count(len(results.records), "run")
    fair = len(results.arm_names) > 1 and all(wording.paired_seeds(results).values())
    return f"How this was measured: {runs}{', alike in all but the norm' if fair else ''}"


def method_sentences(results: Results) -> list[str]:
    """Say how the figures were measured."""
    recipe = results.study["recipe"]
    names = results.arm_names
    seeds = ", ".join(str(seed) for seed in results.seeds)
    sentences = [
        IDEA,
        f"{text.count(len(names), 'arm')} ({named(names)}), each trained at seed {seeds}: "
        f"{text.count(len(results.records), 'run')} of {text.count(recipe['epochs'], 'epoch')} at batch size "
        f"{batch_text(recipe)} on {wording.devices(results.records)}, in {results.study['machine']['precision']}. "
        "Only the normalization, and a penalty if an arm names one, differs between arms.",
        f"Test accuracy is that of the network after the last epoch, on all {results.num_test_images:,} test images.",
        *wording.interval_sentences(results),
        "Train accuracy is a running mean over the last epoch's augmented images, while the weights were changing.",
    ]
    if results.curves_split == "val":
        fraction = f"{100 * results.study['data']['val_fraction']:g} %"
        sentences.append(f"Curves are of the validation split, {fraction} of each class of the training images.")
    else:
        sentences.append("There is no validation split: the curves are the test set's.")
    sentences.append("Training time surrounds training only: evaluation, and the making of this report, are left out.")
    return sentences


def pairing_sentences(results: Results) -> list[str]:
    """Say for each seed whether the arms started from the same weights."""
    paired = wording.paired_seeds(results)
    if not paired:
        return ["Paired: no seed has two audited arms to compare."]
    broken = [str(seed) for seed, same in paired.items() if not same]
    if broken:
        return [f"Paired: no. The arms' initial weights outside norm layers differ at seed {', '.join(broken)}."]
    seeds = ", ".join(map(str, paired))
    return [f"Paired: yes. All arms have the same initial weights outside norm layers at seed {seeds}."]
