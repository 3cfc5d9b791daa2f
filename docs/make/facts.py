"""All measured numbers of the documents, by the name that their marks have."""

from docs.make import measurements, published, studies

FACTS = {**studies.FACTS, **measurements.FACTS, **published.FACTS}
