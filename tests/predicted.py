"""Studies whose runs answer as given."""

from dataclasses import replace

import torch
from synthetic import failed, make_records, make_results, make_study

from whichnorm.data.dataset import ImageSet


def images_of(labels):
    return ImageSet(torch.zeros(len(labels), 1, 4, 4, dtype=torch.uint8), torch.tensor(labels))


def results_of(tmp_path, answers, labels, confidences=None, names=("a", "b", "c")):
    """A study whose runs answer as given: {arm: [predictions of each seed]}; None for a run that failed."""
    test = images_of(labels)
    study = make_study(seeds=tuple(range(max(map(len, answers.values())))), epochs=1)
    made = {(r.arm, r.seed): r for r in make_records(list(answers), study, test, len(names))}
    records = []
    for arm, of_seeds in answers.items():
        for seed, predictions in enumerate(of_seeds):
            record = made[arm, seed]
            if predictions is None:
                records.append(failed(record, "no gradient"))
                continue
            sure = (confidences or {}).get((arm, seed), [0.9] * len(labels))
            records.append(replace(record, test_predictions=list(predictions), test_confidences=list(sure)))
    return make_results(tmp_path, study=study, records=records, test=test, class_names=names), test
