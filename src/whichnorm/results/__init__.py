"""What a study found: arms, comparisons, the verdict, and when to add seeds."""
