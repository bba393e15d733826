"""Training jobs that a tuning job stops: by the median of the others, and by halving."""

from services.sagemaker.tuned import STEPS, children, definition, described

from skylab.services.sagemaker.tuning.stopping import Halving, behind


def epochs(acting, name, *values):
    for epoch, value in enumerate(values):
        acting.say(name, value, epoch)


def test_behind_is_worse_than_the_median_of_the_running_averages_up_to_the_same_epoch():
    """https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-early-stopping.html"""
    others = [[1.0, 0.5], [1.0, 0.3], [1.0, 0.1, 9.0]]  # averages after two epochs: 0.75, 0.65, 0.55
    assert behind([1.0, 0.7], others, "Minimize") and not behind([1.0, 0.6], others, "Minimize")
    assert behind([0.0, 0.6], others, "Maximize") and not behind([0.0, 0.7], others, "Maximize")
    assert not behind([9.0, 9.0], others[:2], "Minimize"), "two are too few to judge by"
    assert not behind([9.0, 9.0, 9.0], others, "Minimize"), "only one came so far"


def test_a_training_job_that_is_behind_the_median_is_stopped_early(sagemaker, acting, tune):
    tune(jobs=5, parallel=1, TrainingJobEarlyStoppingType="Auto")
    for value in (0.5, 0.4, 0.3):
        (name,) = acting.running()
        epochs(acting, name, 0.9, 0.7)
        acting.end(name, value)
        acting.steps(2 * STEPS)
    (poor,) = acting.running()
    epochs(acting, poor, 0.8)
    acting.steps(3)
    assert list(acting.running()) == [poor], "it is as good as the others were"
    epochs(acting, poor, 0.95)
    acting.steps(2 * STEPS)

    (good,) = acting.running()
    assert good != poor
    stopped = next(child for child in children(sagemaker) if child["TrainingJobName"] == poor)
    assert stopped["TrainingJobStatus"] == "Stopped" and stopped["ObjectiveStatus"] == "Succeeded"
    assert abs(stopped["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] - 0.95) < 1e-6
    acting.end(good, 0.1)
    acting.steps(STEPS)
    counters = described(sagemaker)["TrainingJobStatusCounters"]
    assert counters["Stopped"] == 1 and counters["Completed"] == 4


def test_without_it_nothing_is_stopped(sagemaker, acting, tune):
    tune(jobs=4, parallel=1)
    for value in (0.5, 0.4, 0.3, 9.0):
        (name,) = acting.running()
        epochs(acting, name, value, value)
        acting.steps(3)
        assert name in acting.running()
        acting.end(name, value)
        acting.steps(STEPS)
    assert described(sagemaker)["TrainingJobStatusCounters"]["Completed"] == 4


HYPERBAND = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}}


def test_hyperband_stops_the_worse_ones_and_what_has_had_its_epochs(sagemaker, acting, tune):
    tune(jobs=12, parallel=1, Strategy="Hyperband", StrategyConfig=HYPERBAND)
    for place in range(12):
        (name,) = acting.running()
        for epoch in range(12):
            if name not in acting.running():
                break
            acting.say(name, 1.0 + place - 0.01 * epoch, epoch)
            acting.steps(5)
        assert name not in acting.running(), "whoever has had MaxResource epochs is stopped"
        acting.steps(STEPS)
    doc = described(sagemaker)
    assert doc["HyperParameterTuningJobStatus"] == "Completed" and doc["TrainingJobStatusCounters"]["Stopped"] == 12
    reached = [epoch_of(child) for child in children(sagemaker, MaxResults=100)]
    assert reached[0] == 9 and min(reached) == 1 and len(set(reached)) > 1, reached
    assert doc["BestTrainingJob"]["TrainingJobName"] == children(sagemaker)[0]["TrainingJobName"]


def epoch_of(child):
    value = child["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    return round((1 - value % 1) / 0.01) + 1 if value % 1 else 1


def test_the_resources_of_hyperband_are_inferred_from_the_static_epochs(sagemaker, acting, tune):
    static = {"num_round": "10", "epochs": "7"}
    tune(Strategy="Hyperband", definition=definition(StaticHyperParameters=static))
    told = described(sagemaker)["HyperParameterTuningJobConfig"]["StrategyConfig"]["HyperbandStrategyConfig"]
    assert told == {"MinResource": 1, "MaxResource": 7}


def test_a_halving_goes_on_from_what_the_documents_remember():
    """Made anew for every judgement, it judges as one that was there all along."""

    def trial(rungs=None):
        return {"_": {"rungs": rungs or {}}}

    resources = {"MinResource": 1, "MaxResource": 9}
    whole = [trial() for _ in range(6)]
    once = Halving("t", "Minimize", resources, whole)
    again = [trial() for _ in range(6)]
    for place in range(6):
        series = [place - 0.1 * epoch for epoch in range(9)]
        for epoch in range(9):
            expected = once.stops(place, series[: epoch + 1], epoch)
            anew = Halving("t", "Minimize", resources, again)
            assert anew.stops(place, series[: epoch + 1], epoch) == expected
            again[place]["_"]["rungs"] = anew.rungs(place)
            if expected:
                break
