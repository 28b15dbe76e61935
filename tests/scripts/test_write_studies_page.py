import made
import write_studies_page as writer


def test_section_tells_rungs_baselines_and_what_is_delivered():
    section = writer.section("Weather", made.make())

    assert "lockgate study weather.csv.gz" in section
    assert "- Use an LSTM with recurrent dropout 0.25: it lowers" in section
    assert (
        "| **recurrent-dropout** (selected) | 2.256 |  | −4.0 % [−6.1, −2.0] | helps |" in section
    )
    assert "| ridge (reference) | 2.286 | 2.377 |  |  |  |  |" in section
    assert "| **mixed with ridge** (delivered) |  | 2.198 |  |  |  |  |" in section
    assert "10 rounds" in section


def test_what_diverged_has_no_numbers():
    assert "| stacked-both | – |  | – | no verdict |" in writer.section("W", made.some_diverged())
