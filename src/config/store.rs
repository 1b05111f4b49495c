//! `[store]`: where the kiosk keeps its database and the key to it.

use super::read::{Or, Section};
use std::path::{Component, Path, PathBuf};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    pub folder: PathBuf,
    /// Outside `folder`; made at first start with mode 0600. A systemd credential named `store-key` wins.
    pub key_file: PathBuf,
    /// The database grows to this size and no further.
    pub size_max_mib: u32,
    /// How long identifier, kind and time of a delivered request are kept.
    pub keep_delivered_days: u32,
    /// How long a finished payment is kept.
    pub keep_payments_days: u32,
    /// How long a row of the audit trail is kept.
    pub keep_audit_days: u32,
}

const SIZE_MAX_MIB: u32 = 4_096;
const KEEP_DELIVERED_DAYS: u32 = 30;
const KEEP_PAYMENTS_DAYS: u32 = 90;
const KEEP_AUDIT_DAYS: u32 = 1_095;
const KEEP_AUDIT_DAYS_MIN: u32 = 730;

impl Store {
    /// The defaults, in these places.
    #[must_use]
    pub const fn at(folder: PathBuf, key_file: PathBuf) -> Self {
        Self {
            folder,
            key_file,
            size_max_mib: SIZE_MAX_MIB,
            keep_delivered_days: KEEP_DELIVERED_DAYS,
            keep_payments_days: KEEP_PAYMENTS_DAYS,
            keep_audit_days: KEEP_AUDIT_DAYS,
        }
    }

    pub(super) fn read(section: Section<'_>) -> Self {
        let path =
            |key, example| section.file_path(key, Or::Needed(example)).unwrap_or_else(|| refuse_empty(&section, key));
        let store = Self {
            folder: path("folder", "\"/var/lib/hospital-kiosk\""),
            key_file: path("key_file", "\"/var/lib/hospital-kiosk-key/store-key\""),
            size_max_mib: section.whole("size_max_mib", 16..=1_000_000, Or::Default(SIZE_MAX_MIB)),
            keep_delivered_days: section.whole("keep_delivered_days", 1..=3_650, Or::Default(KEEP_DELIVERED_DAYS)),
            keep_payments_days: section.whole("keep_payments_days", 1..=3_650, Or::Default(KEEP_PAYMENTS_DAYS)),
            keep_audit_days: two_years_at_least(&section),
        };
        if !store.folder.as_os_str().is_empty() && plain(&store.key_file).starts_with(plain(&store.folder)) {
            let why = "whoever copies the data folder would copy its key too";
            section.fault("key_file", why, "a path outside store.folder");
        }
        section.finish();
        store
    }
}

/// A shorter time, which older versions took, would be against the law where health data is concerned: it is lengthened.
fn two_years_at_least(section: &Section<'_>) -> u32 {
    let days = section.whole("keep_audit_days", 365..=3_650, Or::Default(KEEP_AUDIT_DAYS));
    if days < KEEP_AUDIT_DAYS_MIN {
        section.warning("keep_audit_days", "the trail is kept for two years at least", KEEP_AUDIT_DAYS_MIN);
    }
    days.max(KEEP_AUDIT_DAYS_MIN)
}

fn refuse_empty(section: &Section<'_>, key: &'static str) -> PathBuf {
    if section.has(key) {
        section.fault(key, "it may not be empty", "a path");
    }
    PathBuf::new()
}

/// The path with `.` and `..` worked out by name only.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            Component::ParentDir | Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
        }
        plain
    })
}
