"""https://docs.aws.amazon.com/sagemaker/latest/dg/kNN_hyperparameters.html"""

from typing import Any

from skylab.images.algorithms.hyperparameters import choice, integer
from skylab.images.failures import ClientError

CLASSIFIER = "classifier"
FLAT, IVF, IVFPQ = "faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ"
CODES = (1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 96)
TABLE = {
    "feature_dim": integer(required=True),
    "k": integer(required=True),
    "predictor_type": choice("classifier regressor", required=True),
    "sample_size": integer(required=True),
    "dimension_reduction_target": integer(None),
    "dimension_reduction_type": choice("sign fjlt", None),
    "faiss_index_ivf_nlists": integer("auto", may_be_auto=True),
    "faiss_index_pq_m": integer(None),
    "index_metric": choice("L2 INNER_PRODUCT COSINE", "L2"),
    "index_type": choice(f"{FLAT} {IVF} {IVFPQ}", FLAT),
    "mini_batch_size": integer("5000"),
}


def settled(values: dict[str, Any]) -> dict[str, Any]:
    """Raises ClientError for hyperparameters that do not fit one another."""
    kind, target, width = (values[n] for n in ("dimension_reduction_type", "dimension_reduction_target", "feature_dim"))
    if kind and target is None:
        raise ClientError(
            "No value(s) were specified for 'dimension_reduction_target' which are required when "
            "dimension_reduction_type is specified"
        )
    if target is not None and (not kind or target >= width):
        raise ClientError(
            "dimension_reduction_target must be less than feature_dim, and needs dimension_reduction_type"
        )
    codes, reduced = values["faiss_index_pq_m"], target or width
    if values["index_type"] == IVFPQ:
        if codes is None:
            raise ClientError("No value(s) were specified for 'faiss_index_pq_m' which are required for faiss.IVFPQ")
        if codes not in CODES or reduced % codes:
            raise ClientError(f"faiss_index_pq_m: {codes} is not one of {list(CODES)}, or does not divide {reduced}")
    return values
