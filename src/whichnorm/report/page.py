"""The page: tables and pictures put into the template. One HTML file that needs no other and no network."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from whichnorm.data.dataset import ImageSet
from whichnorm.report import tables, text
from whichnorm.report.mistakes import frequent_confusions
from whichnorm.report.pictures.confusion import confusion_of
from whichnorm.report.pictures.mistakes import arm_mistakes
from whichnorm.report.pictures.picture import Picture, style
from whichnorm.report.tables import Table
from whichnorm.results import Results, arm_title


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A picture as the page holds it."""

    uri: str
    alt: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class ArmSection:
    """What the page says about one arm."""

    anchor: str
    norm: str
    title: str
    color: str
    notes: tuple[str, ...]
    pictures: tuple[Shown, ...]
    tables: tuple[Table, ...]


def shown(picture: Picture, data: bytes) -> Shown:
    """Put a picture's file into a data URI."""
    kind = "svg+xml" if picture.embed == "svg" else "png"
    uri = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return Shown(uri=uri, alt=picture.alt, caption=picture.caption)


def arm_section(results: Results, test: ImageSet, arm: str, pictures: Sequence[Shown]) -> ArmSection:
    """Gather an arm's section."""
    return ArmSection(
        anchor=f"arm-{text.arm_names(results).index(arm) + 1}",
        norm=arm,
        title=arm_title(arm),
        color=style(results, arm).color,
        notes=tuple(_arm_notes(results, test, arm)),
        pictures=tuple(pictures),
        tables=tuple(_arm_tables(results, test, arm)),
    )


def _arm_notes(results: Results, test: ImageSet, arm: str) -> Iterator[str]:
    finished = results.finished(arm)
    if not finished:
        yield "No run of this arm finished: it has no test accuracy, and the curves are those of the runs that stopped."
        return
    left_out = [str(r.seed) for r in results.records if r.arm == arm and r.status != "finished"]
    if left_out:
        yield f"Without the runs that did not finish, of seed {', '.join(left_out)}."
    if not arm_mistakes(results, test, arm):
        images = text.count(len(test), "test image")
        yield f"Seed {finished[0].seed} classified all {images} rightly: no mistakes to show."


def _arm_tables(results: Results, test: ImageSet, arm: str) -> Iterator[Table]:
    if not results.finished(arm):
        return
    mistakes = arm_mistakes(results, test, arm)
    if mistakes:
        yield tables.mistakes_table(mistakes, results.class_names)
    counts = confusion_of(results, test, arm)
    if frequent_confusions(counts):
        yield tables.confusions_table(counts, results.class_names)


def method_sentences(results: Results) -> list[str]:
    """Say how the figures were measured."""
    recipe = results.study["recipe"]
    names = text.arm_names(results)
    seeds = ", ".join(str(seed) for seed in dict.fromkeys(r.seed for r in results.records))
    sentences = [
        f"{text.count(len(names), 'arm')} ({', '.join(names)}), each trained at seed {seeds}: "
        f"{text.count(len(results.records), 'run')} of {text.count(recipe['epochs'], 'epoch')} at batch size "
        f"{recipe['batch_size']} on {text.devices(results.records)}, in {results.study['machine']['precision']}. "
        "Only the normalization, and a penalty where an arm names one, differs between arms.",
        f"Test accuracy is that of the network after the last epoch, on all {results.num_test_images:,} test images.",
        *text.interval_sentences(results),
        "Train accuracy is a running mean over the last epoch's augmented images, while the weights were changing.",
    ]
    if results.curves_split == "val":
        share = f"{100 * results.study['data']['val_fraction']:g} %"
        sentences.append(f"Curves are of the validation split, {share} of each class of the training images.")
    else:
        sentences.append("There is no validation split: the curves are the test set's.")
    sentences.append("Training time surrounds training only: evaluation, and the making of this report, are left out.")
    return sentences


def pairing_sentences(results: Results) -> list[str]:
    """Say for each seed whether the arms started from the same weights."""
    paired = text.paired_seeds(results)
    if not paired:
        return ["Paired: no seed has two audited arms to compare."]
    broken = [str(seed) for seed, same in paired.items() if not same]
    if broken:
        return [f"Paired: no. The arms' initial weights outside norm layers differ at seed {', '.join(broken)}."]
    seeds = ", ".join(map(str, paired))
    return [f"Paired: yes. All arms have the same initial weights outside norm layers at seed {seeds}."]


def render(results: Results, test: ImageSet, forests: dict[str, Shown], curves: Sequence[Shown],
           arms: Sequence[ArmSection]) -> str:  # fmt: skip
    """Return the page's HTML."""
    environment = Environment(
        loader=PackageLoader("whichnorm", "report/templates"),
        autoescape=True,  # class names, paths and reasons come from outside
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("index.html.j2").render(
        **_headline(results),
        results=results,
        faults=tables.faults_table(results),
        arms_table=tables.arms_table(results),
        comparisons=tables.comparisons_table(results),
        forests=forests,
        curves=curves,
        test_curves=results.curves_split == "test",
        arms=arms,
        method=method_sentences(results),
        settings=[*tables.settings_tables(results.study), tables.versions_table(results)],
        pairing=pairing_sentences(results),
        audit=tables.audit_table(results),
        class_names=[text.printable(name) for name in results.class_names],
    )


def _headline(results: Results) -> dict[str, Any]:
    decided = results.verdict.choice in {arm.norm for arm in results.arms}
    seeds = dict.fromkeys(r.seed for r in results.records)
    return {
        "decided": decided,
        "choice_title": arm_title(results.verdict.choice) if decided else "",
        "data_name": text.printable(str(results.study["data"]["name"])),
        "model_name": text.printable(str(results.study["model"]["name"])),
        "size": f"batch size {results.study['recipe']['batch_size']}, "
        f"{text.count(results.study['recipe']['epochs'], 'epoch')}, {text.num_seeds(len(seeds))}, "
        f"{text.devices(results.records)}",
    }
