"""A fitted model with its preprocessing: predicts, is saved and loaded as a folder."""

from lockgate.fitted.config import LabelRunConfig as LabelRunConfig
from lockgate.fitted.config import RunConfig as RunConfig
from lockgate.fitted.fitted import Fitted as Fitted
from lockgate.fitted.train import train as train
