"""scikit-learn faces of the workbench."""

from lockgate.estimators.forecaster import Forecaster as Forecaster
