"""Predicts with a model that `lockgate export` wrote, without torch."""

from lockgate_runtime.classifier import Classifier
from lockgate_runtime.errors import DataError
from lockgate_runtime.forecaster import Forecaster
from lockgate_runtime.loading import load
from lockgate_runtime.stepper import Stepper, StreamState

__version__ = "0.1.0"
__all__ = ["Classifier", "DataError", "Forecaster", "Stepper", "StreamState", "load"]
