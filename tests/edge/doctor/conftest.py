"""A gateway that has nothing wrong with it."""

from pathlib import Path

import pytest

from edge_patient import Patient


@pytest.fixture
def patient(tmp_path: Path, gateway_id: str, broker_port: int) -> Patient:
    return Patient(tmp_path, gateway_id, broker_port)
