"""What is trained and how: frozen dataclasses that check themselves, the options that make them, and their one codec."""
