//! One file per patient journey.
