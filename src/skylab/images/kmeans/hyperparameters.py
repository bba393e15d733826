"""https://docs.aws.amazon.com/sagemaker/latest/dg/k-means-api-config.html"""

from skylab.images.algorithms.hyperparameters import ListOf, Parameter, choice, integer, number

METRICS = ("msd", "ssd")
METHODS = "random kmeans++"
TABLE = {
    "feature_dim": integer(required=True),
    "k": integer(required=True),
    "epochs": integer("1"),
    "force_dense": choice("True true", "true"),  # the SDK sends it
    "eval_metrics": Parameter(ListOf(METRICS), '["msd"]'),
    "extra_center_factor": integer("auto", may_be_auto=True),
    "half_life_time_size": integer("0", 0),
    "init_method": choice(METHODS, "random"),
    "local_lloyd_init_method": choice(METHODS, "kmeans++"),
    "local_lloyd_max_iter": integer("300"),
    "local_lloyd_num_trials": integer("auto", may_be_auto=True),
    "local_lloyd_tol": number("0.0001", 0, 1),
    "mini_batch_size": integer("5000"),
}
