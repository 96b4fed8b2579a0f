"""ONNX models at the sizes that people run, with seeded random weights, to measure engines with."""
