//! The one test binary: a module a promise.

mod configuration;
mod quotes;
