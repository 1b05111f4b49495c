//! Where a rehearsed kiosk keeps its store: in memory, or as the real `SQLCipher` file on a disk made of memory, of which
//! every power cut leaves a copy as the disk had it.

use super::memory_store::MemoryStore;
use crate::config;
use crate::ports::{Journal, Queue, ScheduleCache};
use crate::store;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Memory,
    Sqlite,
}

/// What a rehearsed kiosk keeps.
pub trait DayStore: Journal + Queue + ScheduleCache {}

impl<T: Journal + Queue + ScheduleCache> DayStore for T {}

pub enum Shelf {
    Memory(Arc<MemoryStore>),
    Disk(Disk),
}

pub struct Disk {
    root: PathBuf,
    crashes: u32,
    store: Arc<dyn DayStore>,
}

impl Shelf {
    /// # Errors
    /// The disk cannot be written.
    pub fn new(kind: Kind, seed: u64) -> Result<Self, String> {
        match kind {
            Kind::Memory => Ok(Self::Memory(Arc::default())),
            Kind::Sqlite => Disk::new(seed).map(Self::Disk),
        }
    }

    #[must_use]
    pub fn store(&self) -> Arc<dyn DayStore> {
        match self {
            Self::Memory(store) => store.clone(),
            Self::Disk(disk) => disk.store.clone(),
        }
    }

    /// What is on the disk now is all that is left.
    ///
    /// # Errors
    /// The copy cannot be made or opened.
    pub fn crash(&mut self) -> Result<(), String> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Disk(disk) => disk.crash(),
        }
    }
}

impl Disk {
    fn new(seed: u64) -> Result<Self, String> {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let root = folder.join(format!("kiosk-rehearsal-{}-{seed}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let store = open(&root, 0)?;
        Ok(Self { root, crashes: 0, store })
    }

    /// The files are copied while the database is open, as a power cut leaves them, and opened again.
    fn crash(&mut self) -> Result<(), String> {
        let from = data(&self.root, self.crashes);
        self.crashes += 1;
        copy(&from, &data(&self.root, self.crashes)).map_err(|error| format!("no crash copy: {error}"))?;
        self.store = open(&self.root, self.crashes)?;
        let _ = fs::remove_dir_all(from);
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn data(root: &Path, crashes: u32) -> PathBuf {
    root.join(format!("data-{crashes}"))
}

fn open(root: &Path, crashes: u32) -> Result<Arc<dyn DayStore>, String> {
    let settings = config::Store::at(data(root, crashes), root.join("keys/store.key"));
    let opened = store::open_with_credentials(&settings, None).map_err(|error| error.to_string())?;
    match opened.notice {
        None => Ok(Arc::new(opened.store)),
        Some(notice) => Err(format!("a power cut damaged the store: {notice}")),
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}
