"""A study: its folder, its plan, its runs and where they are made, and what is shown of it meanwhile."""
