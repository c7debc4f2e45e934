"""What the fitting room must be, whatever its code: integrals, slopes, published profiles."""
