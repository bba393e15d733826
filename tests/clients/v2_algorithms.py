"""SageMaker SDK v2: its classes for the first-party algorithms, and DeepAR by the plain Estimator."""

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
reached = {}


def served(estimator, **deploying):
    """The predictor, and what deletes it."""
    predictor = estimator.deploy(initial_instance_count=1, instance_type="ml.m5.large", **deploying)
    return predictor, lambda: (predictor.delete_model(), predictor.delete_endpoint())


def values(records, name):
    return np.array([record.label[name].float32_tensor.values for record in records]).squeeze()


learner = LinearLearner(predictor_type="multiclass_classifier", num_classes=3, epochs=10, **common)
learner.fit(
    [learner.record_set(rows, labels), learner.record_set(rows[::5], labels[::5], channel="test")], mini_batch_size=50
)
predictor, delete = served(learner)
reached["linear"] = float(np.mean(values(predictor.predict(rows), "predicted_label") == labels))
delete()

kmeans = KMeans(k=3, init_method="kmeans++", epochs=3, eval_metrics=["msd", "ssd"], **(common | {"instance_count": 2}))
kmeans.fit([kmeans.record_set(rows), kmeans.record_set(rows, channel="test", distribution="FullyReplicated")])
predictor, delete = served(kmeans)
found = values(predictor.predict(rows), "closest_cluster").astype(int)
reached["kmeans"] = float(sum(np.bincount(found[labels == n]).max() for n in range(3)) / 300)
delete()

pca = PCA(num_components=2, **common)
pca.fit(pca.record_set(rows))
predictor, delete = served(pca)
ours = values(predictor.predict(rows), "projection")
theirs = (rows - rows.mean(axis=0)) @ np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)[2][:2].T
reached["pca"] = float(np.allclose(np.abs(ours), np.abs(theirs[:, ::-1]), atol=1e-2))
delete()

knn = KNN(k=5, sample_size=300, predictor_type="classifier", **common)
knn.fit(knn.record_set(rows, labels))
predictor, delete = served(knn)
reached["knn"] = float(np.mean(values(predictor.predict(rows), "predicted_label") == labels))
delete()

forest = RandomCutForest(num_trees=50, num_samples_per_tree=200, **common)
forest.fit(forest.record_set(rows))
predictor, delete = served(forest, serializer=CSVSerializer(), deserializer=JSONDeserializer())
odd = np.concatenate([rows[:50], [[30.0, -30, 30, -30]]])
scores = [each["score"] for each in predictor.predict(odd)["scores"]]
reached["forest"] = float(scores[-1] > max(scores[:-1]))
delete()

if "forecasting" in sys.argv:
    series = [
        {"start": "2015-01-01", "target": (10 + np.sin(np.arange(72) * np.pi / 6) + n).tolist()} for n in range(4)
    ]
    data = io.BytesIO("\n".join(map(json.dumps, series)).encode())
    session.boto_session.client("s3").upload_fileobj(data, session.default_bucket(), "deepar/train/data.json")
    deepar = Estimator(
        image_uri=sagemaker.image_uris.retrieve("forecasting-deepar", session.boto_region_name),
        sagemaker_session=session,
        **common,
    )
    deepar.set_hyperparameters(time_freq="M", epochs=2, context_length=12, prediction_length=6, num_cells=10)
    deepar.fit({"train": f"s3://{session.default_bucket()}/deepar/train/"})
    predictor, delete = served(deepar, serializer=JSONSerializer(), deserializer=JSONDeserializer())
    answer = predictor.predict(
        {"instances": series[:1], "configuration": {"output_types": ["mean"], "num_samples": 10}}
    )
    reached["deepar"] = float(len(answer["predictions"][0]["mean"]) == 6)
    delete()

print(" ".join(f"{name}={share:.3f}" for name, share in reached.items()))
sys.exit(0 if min(reached.values()) > 0.95 else f"the endpoints' answers do not fit the data: {reached}")
