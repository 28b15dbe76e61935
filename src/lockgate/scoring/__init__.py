"""What tasks share in judging: metrics, intervals, calibration, the ledger of looks."""
