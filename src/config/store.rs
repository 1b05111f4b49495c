//! `[store]`: where the kiosk keeps its database and the key to it.

use super::read::{Or, Section};
use std::path::{Component, Path, PathBuf};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    pub folder: PathBuf,
    /// Outside `folder`; made at first start with mode 0600. A systemd credential named `store-key` wins.
    pub key_file: PathBuf,
}

impl Store {
    pub(super) fn read(section: Section<'_>) -> Self {
        let path =
            |key, example| section.file_path(key, Or::Needed(example)).unwrap_or_else(|| refuse_empty(&section, key));
        let store = Self {
            folder: path("folder", "\"/var/lib/hospital-kiosk\""),
            key_file: path("key_file", "\"/var/lib/hospital-kiosk-key/store-key\""),
        };
        if !store.folder.as_os_str().is_empty() && plain(&store.key_file).starts_with(plain(&store.folder)) {
            let why = "whoever copies the data folder would copy its key too";
            section.fault("key_file", why, "a path outside store.folder");
        }
        section.finish();
        store
    }
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
