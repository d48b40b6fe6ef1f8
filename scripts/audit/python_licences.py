"""Prints the licences of what is installed beside this Python, as JSON."""

import json
from importlib.metadata import distributions

print(
    json.dumps(
        [
            {
                "name": f"{each.metadata['Name']}@{each.version}",
                "licences": [
                    *each.metadata.get_all("License-Expression", []),
                    # Some have the whole text of it there.
                    *[text.partition("\n")[0].strip() for text in each.metadata.get_all("License", [])],
                    *[
                        text.rpartition("::")[2].strip()
                        for text in each.metadata.get_all("Classifier", [])
                        if text.startswith("License ::")
                    ],
                ],
            }
            for each in distributions()
        ]
    )
)
