"""A plain server with torch, as tutorials show it: a body of numbers, one run for each request.

python -m benchmarks.serving.plain PORT
"""

import sys

import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from torch import Tensor, nn

HIDDEN, LOOKBACK, HORIZON = 64, 168, 24


class Network(nn.Module):
    """An LSTM and what turns its last state into a forecast."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, HORIZON)

    def forward(self, values: Tensor) -> Tensor:
        """Forecast from values (B, T, 1)."""
        output, _ = self.lstm(values)
        forecast: Tensor = self.head(output[:, -1])
        return forecast


class Body(BaseModel):
    """The last values of a series."""

    values: list[float]


def create() -> FastAPI:
    """Return the server."""
    torch.set_num_threads(1)
    app, model = FastAPI(), Network().eval()

    @app.post("/predict")
    def predict(body: Body) -> dict[str, list[float]]:
        with torch.no_grad():
            values = torch.tensor(body.values).reshape(1, -1, 1)
            return {"forecast": model(values)[0].tolist()}

    return app


if __name__ == "__main__":
    uvicorn.run(create(), port=int(sys.argv[1]), log_level="warning", access_log=False)
