"""Networks for a task, each built from one validated configuration."""

from lockgate.models.classifier import Classifier as Classifier
from lockgate.models.config import ClassifierConfig as ClassifierConfig
from lockgate.models.config import ModelConfig as ModelConfig
from lockgate.models.forecaster import Forecaster as Forecaster
from lockgate.models.forecaster import build as build
