"""https://docs.aws.amazon.com/sagemaker/latest/dg/rcf_hyperparameters.html"""

from skylab.images.algorithms.hyperparameters import ListOf, Parameter, integer

METRICS = ("accuracy", "precision_recall_fscore")
TABLE = {
    "feature_dim": integer(required=True, low=1, high=10_000),
    "eval_metrics": Parameter(ListOf(METRICS), '["accuracy", "precision_recall_fscore"]'),
    "num_samples_per_tree": integer("256", 1, 2048),
    "num_trees": integer("100", 50, 1000),
    "mini_batch_size": integer("1000", 1000, 1000),  # fixed, but the SDK sends it
}
