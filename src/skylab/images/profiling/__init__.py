"""SageMaker Debugger's profiler: samples of an instance, times of steps, and what they come to."""
