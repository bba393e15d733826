"""Debugger's built-in rules: each a generator that is given the steps of a training, and says what it finds.

What each looks for, with which parameters and defaults:
https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-built-in-rules.html
"""
