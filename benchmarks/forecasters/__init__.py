"""Forecasts of recurrent networks, side by side: lockgate, NeuralForecast, darts."""
