//! Fees by pages.
