"""SageMaker SDK v2: one of its classes for the first-party algorithms, or DeepAR by the plain Estimator; by name."""

import io
import json
import sys

import numpy as np
import sagemaker
from sagemaker import KNN, PCA, KMeans, LinearLearner, RandomCutForest
from sagemaker.deserializers import JSONDeserializer
from sagemaker.estimator import Estimator
from sagemaker.serializers import CSVSerializer, JSONSerializer

session = sagemaker.Session()
common = {"role": sagemaker.get_execution_role(session), "instance_count": 1, "instance_type": "ml.m5.large"}

random = np.random.default_rng(0)
centers = np.array([[0.0, 0, 0, 0], [8, 0, 0, 0], [0, 8, 0, 0]])
rows = (centers.repeat(100, axis=0) + random.normal(size=(300, 4))).astype("float32")
labels = np.arange(3).repeat(100).astype("float32")


def asked(estimator, data, **deploying):
    """Deploy, predict, delete; the answer."""
    predictor = estimator.deploy(initial_instance_count=1, instance_type="ml.m5.large", **deploying)
    answer = predictor.predict(data)
    predictor.delete_model()
    predictor.delete_endpoint()
    return answer


def values(records, name):
    return np.array([record.label[name].float32_tensor.values for record in records]).squeeze()


def linear():
    learner = LinearLearner(predictor_type="multiclass_classifier", num_classes=3, epochs=10, **common)
    held = learner.record_set(rows[::5], labels[::5], channel="test")
    learner.fit([learner.record_set(rows, labels), held], mini_batch_size=50)
    return np.mean(values(asked(learner, rows), "predicted_label") == labels)


def kmeans():
    several = common | {"instance_count": 2}
    estimator = KMeans(k=3, init_method="kmeans++", epochs=3, eval_metrics=["msd", "ssd"], **several)
    test = estimator.record_set(rows, channel="test", distribution="FullyReplicated")
    estimator.fit([estimator.record_set(rows), test])
    found = values(asked(estimator, rows), "closest_cluster").astype(int)
    return sum(np.bincount(found[labels == n]).max() for n in range(3)) / 300


def pca():
    estimator = PCA(num_components=2, **common)
    estimator.fit(estimator.record_set(rows))
    centered = rows - rows.mean(axis=0)
    theirs = centered @ np.linalg.svd(centered, full_matrices=False)[2][:2].T
    return np.allclose(np.abs(values(asked(estimator, rows), "projection")), np.abs(theirs[:, ::-1]), atol=1e-2)


def knn():
    estimator = KNN(k=5, sample_size=300, predictor_type="classifier", **common)
    estimator.fit(estimator.record_set(rows, labels))
    return np.mean(values(asked(estimator, rows), "predicted_label") == labels)


def forest():
    estimator = RandomCutForest(num_trees=50, num_samples_per_tree=200, **common)
    estimator.fit(estimator.record_set(rows))
    odd = np.concatenate([rows[:50], [[30.0, -30, 30, -30]]])
    answer = asked(estimator, odd, serializer=CSVSerializer(), deserializer=JSONDeserializer())
    scores = [each["score"] for each in answer["scores"]]
    return scores[-1] > max(scores[:-1])


def deepar():
    curve = 10 + np.sin(np.arange(72) * np.pi / 6)
    series = [{"start": "2015-01-01", "target": (curve + n).tolist()} for n in range(4)]
    data = io.BytesIO("\n".join(map(json.dumps, series)).encode())
    session.boto_session.client("s3").upload_fileobj(data, session.default_bucket(), "deepar/train/data.json")
    image = sagemaker.image_uris.retrieve("forecasting-deepar", session.boto_region_name)
    estimator = Estimator(image_uri=image, sagemaker_session=session, **common)
    estimator.set_hyperparameters(time_freq="M", epochs=2, context_length=12, prediction_length=6, num_cells=10)
    estimator.fit({"train": f"s3://{session.default_bucket()}/deepar/train/"})
    wish = {"instances": series[:1], "configuration": {"output_types": ["mean"], "num_samples": 10}}
    answer = asked(estimator, wish, serializer=JSONSerializer(), deserializer=JSONDeserializer())
    return len(answer["predictions"][0]["mean"]) == 6


share = float({f.__name__: f for f in (linear, kmeans, pca, knn, forest, deepar)}[sys.argv[1]]())
print(f"share={share:.3f}")
sys.exit(0 if share > 0.95 else "the endpoint's answers do not fit the data")
