//! The shell. Only `screens` and `press` say slint.

pub mod press;
pub mod screens;
