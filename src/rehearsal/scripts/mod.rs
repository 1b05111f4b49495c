//! The built-in patients of `demo`, played in this order on one stage.

pub const BUILT_IN: &[(&str, &str)] = &[
    ("check-in", include_str!("check-in.script")),
    ("documents", include_str!("documents.script")),
    ("foreign-patient", include_str!("foreign-patient.script")),
    ("in-doubt", include_str!("in-doubt.script")),
    ("paper-out", include_str!("paper-out.script")),
    ("offline", include_str!("offline.script")),
    ("power-cut", include_str!("power-cut.script")),
];
