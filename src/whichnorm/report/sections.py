"""The report's sections, from a study's results."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from whichnorm.data.dataset import ImageSet
from whichnorm.follow_ups import asked_of, what_would_change
from whichnorm.report import diagnostics_tables, examined_tables, follow_up_tables, mistake_tables, tables, text
from whichnorm.report.cells import CellImages
from whichnorm.report.class_accuracy import class_accuracies
from whichnorm.report.content import Code, Content, Folded, Section
from whichnorm.report.cost_table import cost_in_a_line, cost_sentences, cost_table
from whichnorm.report.diagnostics import diagnostics_sentences, estimate
from whichnorm.report.findings import Findings
from whichnorm.report.method import method_sentences, pairing_sentences
from whichnorm.report.pictures import Picture, arm_pictures
from whichnorm.report.pictures.classes import classes_picture
from whichnorm.report.pictures.confusion import confusion_of, difference_picture, differences_of
from whichnorm.report.pictures.curves import curve_pictures
from whichnorm.report.pictures.diagnostics import diagnostics_pictures
from whichnorm.report.pictures.examined import corruptions_picture, layer_gaps_picture, statistics_picture
from whichnorm.report.pictures.follow_ups import follow_up_pictures
from whichnorm.report.pictures.forests import forest_pictures
from whichnorm.report.pictures.gradcam import gradcam_picture
from whichnorm.report.pictures.mistakes import arm_mistakes
from whichnorm.report.pictures.picture import Widget, label, style
from whichnorm.report.pictures.shared_mistakes import shared_pictures
from whichnorm.report.shared_mistakes import shared_mistakes
from whichnorm.report.tables import Table
from whichnorm.rerun import RECIPE_FILE, compare_command
from whichnorm.results import Results, arm_title
from whichnorm.spec import batch_text


def describe(results: Results, test: ImageSet, images: CellImages, findings: Findings) -> Content:
    """Say everything that the report says, in order; a section that has nothing to say is None and left out."""
    forests = forest_pictures(results)
    sections = [
        faults_section(results),
        arms_section(results, forests),
        comparisons_section(results, forests),
        follow_ups_section(results),
        curves_section(results),
        *(arm_section(results, test, images, arm) for arm in text.arm_names(results)),
        shared_section(results, test, findings),
        differences_section(results, test),
        classes_section(results, test),
        gradcam_section(results, test, findings),
        diagnostics_section(results, findings),
        statistics_section(results),
        corruptions_section(results),
        reliability_section(results),
        cost_section(results),
        command_section(results),
        versions_section(results),
        method_section(results),
        audit_section(results),
    ]
    return Content(**_headline(results), sections=tuple(section for section in sections if section))


def _headline(results: Results) -> dict[str, Any]:
    recipe, choice = results.study["recipe"], results.verdict.choice
    decided = choice in {arm.norm for arm in results.arms}
    limit = results.study["data"].get("train_limit")
    limited = f"only {text.count(limit, 'training image')}, " if limit else ""
    data, model = (text.printable(str(results.study[part]["name"])) for part in ("data", "model"))
    return {
        "question": f"which normalization for {model} on {data}?",
        "size": f"{limited}batch size {batch_text(recipe)}, {text.count(recipe['epochs'], 'epoch')}, "
        f"{text.num_seeds(len(text.seeds(results)))}, {text.devices(results.records)}",
        "decided": decided,
        "answer": f"Use {arm_title(choice)}" if decided else choice.capitalize(),
        "choice": choice if decided else "",
        "verdict": text.printable(" ".join(filter(None, [results.verdict.text, results.ending]))),
        "cost": cost_in_a_line(results),
        "outlook": text.printable(what_would_change(results)),
        "footer": "Made by whichnorm. Every figure is also in the folder figures beside this file, as PNG and SVG.",
    }


def faults_section(results: Results) -> Section | None:
    """Say which runs went wrong."""
    faults = tables.faults_table(results)
    if not faults:
        return None
    title = f"{len(faults.rows)} of {text.count(len(results.records), 'run')} went wrong"
    return Section(anchor="faults", title=title, tables=(faults,), alarming=True)


def arms_section(results: Results, forests: dict[str, Picture]) -> Section:
    """Give every arm's accuracies."""
    pictures = (forests["accuracy"],) if "accuracy" in forests else ()
    return Section(anchor="arms", title="Arms", tables=(tables.arms_table(results),), pictures=pictures)


def comparisons_section(results: Results, forests: dict[str, Picture]) -> Section | None:
    """Give the differences between arms, where two can be compared."""
    comparisons = tables.comparisons_table(results)
    if not comparisons:
        return None
    return Section(
        anchor="comparisons", title="Comparisons", tables=(comparisons,), pictures=(forests["differences"],)
    )  # fmt: skip


def curves_section(results: Results) -> Section | None:
    """Show loss and accuracy of all arms over epochs."""
    pictures = tuple(curve_pictures(results))
    if not pictures:
        return None
    of_test = results.curves_split == "test"
    return Section(
        anchor="curves",
        title="Test curves" if of_test else "Validation curves",
        sentences=("No validation split: these are the test set's curves.",) if of_test else (),
        pictures=pictures,
    )


def arm_section(results: Results, test: ImageSet, images: CellImages, arm: str) -> Section:
    """Show one arm's curves, mistakes and confusions."""
    of_arm = tuple(filter(None, _arm_tables(results, test, arm)))
    return Section(
        anchor=f"arm-{text.arm_names(results).index(arm) + 1}",
        title=arm_title(arm),
        arm=arm,
        color=style(results, arm).color,
        sentences=tuple(_arm_notes(results, test, arm)),
        pictures=tuple(_with_cells(results, test, images, arm, p) for p in arm_pictures(results, test, arm)),
        folded=(Folded(summary=f"Mistakes and confusions of {arm} as tables", tables=of_arm),) if of_arm else (),
        wide=True,
    )


def _with_cells(results: Results, test: ImageSet, images: CellImages, arm: str, picture: Picture) -> Picture:
    """Give an arm's confusion matrix the images of its cells; any other picture stays as it is."""
    if not picture.name.endswith("_confusion"):
        return picture
    places = {index: place for place, index in enumerate(images.tiles)}
    data = {
        "title": f"{label(arm)}: confusion matrix",
        "counts": confusion_of(results, test, arm).tolist(),
        "seeds": [run.seed for run in results.finished(arm)],
        "images": {
            f"{true},{predicted}": [[places[e.index], e.index, e.confidence, e.seed] for e in examples]
            for (true, predicted), examples in images.of_arm[arm].items()
        },
    }
    return replace(picture, widget=Widget(kind="confusion", data=data))


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


def _arm_tables(results: Results, test: ImageSet, arm: str) -> Iterator[Table | None]:
    if results.finished(arm):
        yield tables.mistakes_table(arm_mistakes(results, test, arm), results.class_names)
        yield tables.confusions_table(confusion_of(results, test, arm), results.class_names)


def shared_section(results: Results, test: ImageSet, findings: Findings) -> Section | None:
    """Show the images that all arms miss, those that one arm alone misses, and doubtful labels among the former."""
    found = shared_mistakes(results, test.labels.tolist(), text.arm_names(results))
    shares = mistake_tables.shared_mistakes_table(found)
    if not shares:
        return None
    issues = findings.issues
    doubted = mistake_tables.label_issues_table(found, issues, results.class_names) if issues else None
    pictures = shared_pictures(results, test, issues=issues, note=findings.issues_reason)
    return Section(
        anchor="shared",
        title="Mistakes in common and alone",
        tables=(shares,),
        pictures=tuple(pictures),
        folded=(Folded(summary="Candidates for a wrong label as a table", tables=(doubted,)),) if doubted else (),
        wide=True,
    )


def differences_section(results: Results, test: ImageSet) -> Section | None:
    """Show where two arms' confusions differ."""
    differences = differences_of(results, test)
    if not differences:
        return None
    found = (mistake_tables.difference_table(difference, results.class_names) for difference in differences)
    marked = tuple(table for table in found if table)
    return Section(
        anchor="confusion-differences",
        title="Differences of the confusion matrices",
        pictures=tuple(difference_picture(results, difference) for difference in differences),
        folded=(Folded(summary="Cells that differ beyond chance as tables", tables=marked),) if marked else (),
        wide=True,
    )


def classes_section(results: Results, test: ImageSet) -> Section | None:
    """Give the accuracy on every class."""
    picture = classes_picture(results, test)
    if not picture:
        return None
    labels = test.labels.tolist()
    table = mistake_tables.classes_table(results, class_accuracies(results, labels, text.arm_names(results)), labels)
    folded = (Folded(summary="Accuracy per class as a table", tables=(table,)),) if table else ()
    return Section(anchor="classes", title="Accuracy per class", pictures=(picture,), folded=folded, wide=True)


def gradcam_section(results: Results, test: ImageSet, findings: Findings) -> Section | None:
    """Show where the arms look, or why that is not shown."""
    if not findings.maps:
        reason = findings.maps_reason
        return Section(anchor="gradcam", title="Where the arms look", sentences=(reason,)) if reason else None
    return Section(
        anchor="gradcam",
        title="Where the arms look",
        pictures=(gradcam_picture(results, test, findings.maps),),
        wide=True,
    )


def diagnostics_section(results: Results, findings: Findings) -> Section | None:
    """Show gradients, dead channels and distances of activations over the epochs, where a run was diagnosed."""
    found = findings.diagnostics
    if not found:
        return None
    by_arm = [found.of_arm(results, arm) for arm in text.arm_names(results)]
    arms = [estimate(runs) for runs in by_arm if runs]
    return Section(
        anchor="diagnostics",
        title="Diagnostics",
        sentences=tuple(diagnostics_sentences(results, found)),
        tables=(diagnostics_tables.diagnostics_table(results, arms),) if arms else (),
        pictures=tuple(diagnostics_pictures(arms)),
        folded=tuple(
            Folded(summary=f"Diagnostics of {arm.arm} by layer", tables=diagnostics_tables.layer_tables(arm))
            for arm in arms
        ),
        wide=True,
    )


def statistics_section(results: Results) -> Section | None:
    """Split BatchNorm's loss into training that got worse and evaluation statistics that are poor."""
    table, layers = examined_tables.statistics_table(results), examined_tables.layers_table(results)
    if not table or not layers:
        return None
    return Section(
        anchor="batch-statistics",
        title="BatchNorm's statistics",
        sentences=(
            "Networks are evaluated with running statistics. What precise statistics gain over them is what poor "
            "running statistics cost; the rest of BatchNorm's loss at a small batch was lost in training.",
        ),
        tables=(table,),
        pictures=tuple(filter(None, (statistics_picture(results), layer_gaps_picture(results)))),
        folded=(Folded(summary="Distances by layer as a table", tables=(layers,)),),
        wide=True,
    )


def corruptions_section(results: Results) -> Section | None:
    """Give the accuracy under common corruptions."""
    picture, table = corruptions_picture(results), examined_tables.corruptions_table(results)
    if not picture or not table:
        return None
    folded = (Folded(summary="Accuracy under corruption as a table", tables=(table,)),)
    return Section(anchor="corruptions", title="Under corruption", pictures=(picture,), folded=folded, wide=True)


def reliability_section(results: Results) -> Section | None:
    """Say what confidence is worth, whether company changes predictions, and which networks were not asked."""
    table = examined_tables.reliability_table(results)
    reasons = tuple(text.printable(reason) for reason in results.examined.reasons) if results.examined else ()
    if not table and not reasons:
        return None
    return Section(
        anchor="reliability",
        title="Calibration and company",
        sentences=tuple(f"Not examined: {reason}" for reason in reasons),
        tables=(table,) if table else (),
    )


def follow_ups_section(results: Results) -> Section | None:
    """Show what was trained to see whether the answer holds."""
    found = results.follow_ups
    if not found:
        return None
    tried = [table for follow_up in found if (table := follow_up_tables.tried_table(results, follow_up))]
    return Section(
        anchor="follow-ups",
        title="Would another learning rate or recipe change the answer?",
        sentences=tuple(follow_up_tables.sentences(results)),
        tables=tuple(follow_up_tables.tables(results)),
        pictures=tuple(follow_up_pictures(results)),
        folded=(Folded(summary="All trainings of the search as a table", tables=tuple(tried)),) if tried else (),
    )


def cost_section(results: Results) -> Section | None:
    """Say what every arm costs in time and parameters."""
    if not results.arms:
        return None
    sentences = (text.total_time(results), *cost_sentences(results.examined))
    return Section(anchor="cost", title="Cost", sentences=sentences, tables=(cost_table(results),))


def command_section(results: Results) -> Section:
    """Give the command that makes the study again, and the recipe file that it reads."""
    grid = {"arms": text.arm_names(results), "seeds": text.seeds(results)}
    until_sure = asdict(results.until_sure) if results.until_sure else None
    asked = {"follow_ups": asked_of(results.follow_ups), "until_sure": until_sure}
    command = compare_command({**results.study, **grid, **asked})
    title = "The same study again"
    if command is None:
        how = "The network was given to whichnorm.compare in Python; the same call makes the study again."
        return Section(anchor="command", title=title, sentences=(how,))
    code = [Code(title="In a shell", text=text.encodable(command.text), language="sh")]
    if command.recipe_file:
        code.append(Code(title=RECIPE_FILE, text=text.encodable(command.recipe_file), language="json"))
    code += [Code(title=name, text=text.encodable(held), language="json") for name, held in command.other_files]
    sentences = ["The images may lie elsewhere: --data-dir says where, --out where the results go."]
    if command.recipe_file:
        sentences.append(f"The recipe is not a named one: save the text below as {RECIPE_FILE} in the same folder.")
    if command.other_files:
        files = ", ".join(name for name, _ in command.other_files)
        sentences.append(f"Of the other recipes, save those below as {files} there too.")
    if "source" in results.study["model"]:
        sentences.append("The network is not one of whichnorm's: its module has to be in the working directory.")
    return Section(anchor="command", title=title, sentences=tuple(sentences), code=tuple(code))


def versions_section(results: Results) -> Section:
    """Name code, libraries and hardware."""
    return Section(anchor="versions", title="Versions", tables=(tables.versions_table(results),))


def method_section(results: Results) -> Section:
    """Say how it was measured, and list what all runs share."""
    settings = Folded(
        summary="Settings shared by all runs, also those that the chosen optimizer or schedule does not use",
        tables=tuple(tables.settings_tables(results.study)),
    )
    classes = Folded(
        summary=f"The {len(results.class_names)} classes by number", tables=(tables.class_numbers_table(results),)
    )  # fmt: skip
    return Section(
        anchor="method",
        title="How this was measured",
        sentences=tuple(method_sentences(results)),
        folded=(settings, classes),
    )


def audit_section(results: Results) -> Section:
    """Show what every run trained."""
    return Section(
        anchor="audit",
        title="Audit",
        sentences=tuple(pairing_sentences(results)),
        tables=(tables.audit_table(results),),
    )
