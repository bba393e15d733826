"""The built-in XGBoost algorithm: SageMaker's image without a script."""
