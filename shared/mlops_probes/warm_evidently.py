"""Imported by the warm parent alone, once: what Evidently imports at its first report in a process.

That is Plotly, piece by piece, and whatever it looks for. A worker cannot keep their bytecode, and would compile some
three hundred modules. So a small report is made here.
"""

from __future__ import annotations

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift

_COLUMNS = ["number", "category"]
_TABLE = pd.DataFrame({"number": [float(one) for one in range(40)], "category": [str(one % 3) for one in range(40)]})
_DATA = Dataset.from_pandas(
    _TABLE, data_definition=DataDefinition(numerical_columns=["number"], categorical_columns=["category"])
)
Report([ValueDrift(column=name) for name in _COLUMNS]).run(_DATA, _DATA)
