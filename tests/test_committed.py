"""The studies and sweeps in results/ reopen, and say what they said."""

import json
from pathlib import Path

import pytest
from synthetic import make_study

from whichnorm.analyses.cost.measure import ArmCost
from whichnorm.api import read_results
from whichnorm.errors import StudyError
from whichnorm.specs.codec import decode
from whichnorm.specs.json_files import read_json
from whichnorm.study.folder import StudyFolder
from whichnorm.study.study import reopen
from whichnorm.sweeps.spec import read_sweep
from whichnorm.training.record import read_record, write_record

COMMITTED = Path(__file__).parent.parent / "results"
STUDIES = sorted(path.parent for path in COMMITTED.glob("**/study.json"))


def assert_same(found, held):
    """What was read is written as it is held; fields of a recipe that came later have their defaults."""
    written = json.loads(json.dumps(found))
    recipe, held_recipe = written["recipe"], held["recipe"]
    augmentation = {**recipe["augmentation"], **held_recipe["augmentation"]}
    assert written == {**held, "recipe": {**recipe, **held_recipe, "augmentation": augmentation}}


@pytest.mark.parametrize("folder", STUDIES, ids=lambda folder: folder.relative_to(COMMITTED).as_posix())
def test_every_committed_study_reopens_with_every_record(folder, tmp_path):
    study, held = reopen(folder), json.loads((folder / "study.json").read_text())
    assert [str(arm) for arm in study.spec.arms] == held["arms"]
    assert_same(study.spec.to_dict(held["data"]["digest"]), held)
    for run in study.spec.runs():
        path = StudyFolder(folder).record(run)
        write_record(tmp_path / "again.json", read_record(path))
        assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("folder", STUDIES, ids=lambda folder: folder.relative_to(COMMITTED).as_posix())
def test_every_committed_study_has_its_numbers_from_its_records_without_an_image(folder):
    found, held = read_results(reopen(folder, data_dir="none", download=False)), read_json(folder / "results.json")
    for arm, as_held in zip(json.loads(json.dumps(found.to_dict()))["arms"], held["arms"], strict=True):
        numbers = {key: value for key, value in as_held.items() if key != "title"}
        assert {key: arm[key] for key in numbers} == numbers
    for comparison, as_held in zip(found.comparisons, held["comparisons"], strict=True):
        for name in ("a", "b", "difference", "p_value", "adjusted_p", "call"):
            assert getattr(comparison, name) == as_held[name]
        assert list(comparison.ci95) == as_held["ci95"]
    assert found.verdict.choice == held["verdict"]["choice"]


@pytest.mark.parametrize("name", ["sweep_batch", "sweep_groups"])
def test_every_committed_sweep_is_read_with_its_points(name):
    held = json.loads((COMMITTED / name / "sweep.json").read_text())
    assert_same(read_sweep(held, "").to_dict(held["data"]["digest"]), held)


def test_an_older_examination_is_still_read():
    held = json.loads((COMMITTED / "session08" / "examined" / "bn.cost.json").read_text())
    assert decode(held["found"], ArmCost).latency is not None


def test_a_folder_of_a_later_version_is_refused_with_the_field_it_has(tmp_path):
    held = make_study().to_dict("0123")
    held["recipe"]["warm_restarts"] = 3
    (tmp_path / "study.json").write_text(json.dumps(held))
    with pytest.raises(StudyError, match="not a study of this version, recipe: unknown field 'warm_restarts'"):
        reopen(tmp_path)
