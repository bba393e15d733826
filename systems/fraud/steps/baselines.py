"""The floors, and the handbook's own models on the same rows: what its published figures would be on these weeks.

The handbook standardises the fifteen features and takes scikit-learn's and XGBoost's defaults (chapter 3, section 4).
Its XGBoost is 1.3.3, whose defaults on so few rows are the exact search of thresholds and a beginning at one half; the
defaults of today, 256 bins and a beginning at the share of frauds, would make it a weaker rival.
"""

from __future__ import annotations

import numpy as np
import xgboost
from evaluate import Fold
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tables import Transactions

FLOOR, STRAIGHT = "amount alone", "handbook's logistic regression"
XGBOOST_1_3 = {"objective": "binary:logistic", "tree_method": "exact", "base_score": 0.5, "nthread": 1}
ROUNDS = 100  # XGBClassifier's default, as depth 6 and eta 0.3 are
PUBLISHED = {  # AUC, average precision, card precision@100: train 2018-07-25 to 31, test 2018-08-08 to 14
    "logistic regression": (0.871, 0.606, 0.291),
    "random forest": (0.867, 0.658, 0.287),
    "XGBoost": (0.862, 0.639, 0.273),
}


def scores(data: Transactions, fold: Fold) -> dict[str, np.ndarray]:
    """Scores of the test rows, by name."""
    x, y, test = data.x[fold.train], data.truth(fold.train), data.x[fold.test]
    scaler = StandardScaler().fit(x)
    boosted = xgboost.train(XGBOOST_1_3, xgboost.DMatrix(x, y), ROUNDS)
    forest = RandomForestClassifier(random_state=0, n_jobs=1).fit(scaler.transform(x), y)
    straight = make_pipeline(StandardScaler(), LogisticRegression(random_state=0, max_iter=1000)).fit(x, y)
    return {
        FLOOR: test[:, 0].astype(float),
        STRAIGHT: straight.predict_proba(test)[:, 1],
        "handbook's random forest": forest.predict_proba(scaler.transform(test))[:, 1],
        "handbook's XGBoost": boosted.predict(xgboost.DMatrix(test)).astype(float),
    }
