"""https://docs.aws.amazon.com/sagemaker/latest/dg/PCA-reference.html"""

from skylab.images.algorithms.hyperparameters import choice, flag, integer

TABLE = {
    "feature_dim": integer(required=True),
    "mini_batch_size": integer(required=True),
    "num_components": integer(required=True),
    "algorithm_mode": choice("regular randomized", "regular"),
    "extra_components": integer("-1", -1),
    "subtract_mean": flag("true"),
}
