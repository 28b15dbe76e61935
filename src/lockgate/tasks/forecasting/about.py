"""What the card of a forecaster tells of it."""

from lockgate.charts.formats import plural
from lockgate.errors import MOST_LISTED, listed
from lockgate.tasks.card import About
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.preprocessing import Preprocessing


def about_forecaster(config: ForecastConfig, learned: Preprocessing, networks: int) -> About:
    """Tell what a forecaster reads and forecasts, and where its knowledge ends."""
    model, step = config.model, learned.frequency
    facts = {
        "networks": f"{plural(networks, 'network')}: {model.cell.upper()}, "
        f"{model.num_layers} × {model.hidden_size}, head {model.head}",
        "forecasts": f"{learned.target}, {plural(learned.horizon, 'step')} of {step} ahead",
        "reads": f"{plural(learned.lookback, 'step')} of {listed(learned.columns, MOST_LISTED)}",
    }
    if learned.categories:
        facts["categories"] = listed([one.column for one in learned.categories], MOST_LISTED)
    if learned.known_future:
        facts["known ahead"] = listed(learned.known_future, MOST_LISTED)
    if learned.several:
        facts["series"] = f"{len(learned.series):,}"
    if learned.laid_on.zone is not None:
        facts["time zone"] = learned.laid_on.zone
    facts["learned from rows up to"] = learned.seen_until
    limits = [
        f"It knows nothing of what came after {learned.seen_until}: where the series changes, "
        "forecasts go wrong until it is trained anew, and intervals until lockgate update has "
        "taken in the new errors.",
        "Intervals cover what they say where errors to come are like those held out; that is no "
        "guarantee.",
    ]
    use = ["lockgate predict FOLDER table.csv", "lockgate evaluate FOLDER table.csv"]
    return About(
        f"A forecaster of {learned.target}",
        "time-series-forecasting",
        model.cell,
        facts,
        use,
        limits,
    )
