//! The shell: carries inputs into a session and its effects out.

pub mod screens;
