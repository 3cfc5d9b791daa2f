"""What is trained and how: frozen dataclasses that check themselves, the options for them, and their one codec."""
