"""How anything is shown: tables, figures, the page, Markdown and the terminal, whatever they are about."""
