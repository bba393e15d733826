"""The built-in LightGBM, as JumpStart's lightgbm-classification-model and lightgbm-regression-model."""
