"""What the documents are made with: numbers from results/, pictures, and the pages as a site."""
