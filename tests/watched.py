"""Made-up folders of studies in every state, as `whichnorm watch` finds them."""

import json
import re
import shlex
from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import save_file
from synthetic import digits_test, make_records, make_results, make_study

from whichnorm.cli import main
from whichnorm.norms import parse_norm
from whichnorm.results.results import write_results
from whichnorm.specs.arm import ArmSpec, run_key
from whichnorm.study.folder import StudyFolder, TestSplit
from whichnorm.training.record import write_record

ARMS = ("bn", "gn:8", "ln")
EPOCHS = 15
TEST_SPLIT = TestSplit(digest="0123456789ab", class_names=("0", "1"), labels=(0, 1, 1))


def empty_study(root):
    """Return the folder of a study of three arms and two seeds, and the records that its runs would have."""
    spec = replace(make_study(seeds=(0, 1)), arms=tuple(ArmSpec(norm=parse_norm(arm)) for arm in ARMS))
    folder = StudyFolder(root)
    folder.claim(spec, TEST_SPLIT)
    return folder, make_records(ARMS, spec, digits_test(), 10)


def put_record(folder, record):
    write_record(folder.root / "runs" / f"{run_key(record.arm, record.seed)}.json", record)


def put_checkpoint(folder, record, num_epochs, evaluate_seconds=1.0):
    rows = [asdict(row) for row in record.epochs[:num_epochs]]
    notes = json.dumps({"epochs": rows, "audit": None, "evaluate_seconds": evaluate_seconds})
    path = folder.root / "checkpoints" / f"{run_key(record.arm, record.seed)}.safetensors"
    path.parent.mkdir(exist_ok=True)
    save_file({"model/weight": torch.zeros(3)}, path, {"notes": notes})
    return path


def put_results(folder, records):
    results = make_results(folder.root, study=make_study(seeds=(0, 1)), records=records)
    write_results(results)
    return results


def asked_to_resume(text, monkeypatch):
    """Give the command that is shown, and return the folder that it would go on with."""
    (line,) = re.findall(r"(whichnorm resume .*) goes on\.$", text, flags=re.MULTILINE)
    asked = []
    monkeypatch.setattr("whichnorm.commands.resume.resume", lambda folder, **_: asked.append(folder) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(shlex.split(line)[1:])
    return asked.pop()
