"""scikit-learn faces of the workbench."""

from lockgate.estimators.forecaster import Forecaster as Forecaster
from lockgate.estimators.sequences import SequenceClassifier as SequenceClassifier
from lockgate.estimators.sequences import SequenceRegressor as SequenceRegressor
