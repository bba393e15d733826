"""What the built-in algorithms share: hyperparameter tables, channels, log lines, model files, requests and answers.

An algorithm is a folder beside this one with two modules: training.ALGORITHM says how it is trained, serving.load reads
its model. catalogue.py names them.
"""
