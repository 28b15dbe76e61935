"""Our layers on a CPU beside torch's, the loop over time, Keras and onnxruntime."""
