"""Each rung has one look, whatever the chart."""

from lockgate.reports.lines import styles


def test_the_selected_rung_stands_out_and_the_others_differ() -> None:
    names = [f"rung-{i}" for i in range(16)]
    results = {"rungs": [{"name": n} for n in names], "verdict": {"selected": "rung-7"}}

    looks = styles(results)

    assert [name for name, look in looks.items() if look.colour == "model"] == ["rung-7"]
    assert len({(look.colour, look.dash) for look in looks.values()}) == 16
