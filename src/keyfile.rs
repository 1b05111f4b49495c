//! Secrets in files: made whole or not at all, readable by their owner only, outside the data folder that a copied disk
//! would carry. Errors say what to do next, for whoever set the machine up.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// No secret of ours is longer. Room for it is made at once, so that no growing buffer leaves a copy behind.
const BYTES_MAX: usize = 16 * 1024;

/// Written beside and renamed, so that a power cut leaves a whole file or none.
///
/// # Errors
/// The disk, in words.
pub fn write(path: &Path, content: &[u8]) -> Result<(), String> {
    let draft = path.with_extension("draft");
    // A draft left by a power cut was never used.
    let _ = fs::remove_file(&draft);
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).and_then(|mut file| {
        file.write_all(content)?;
        give_to_owner_of_folder(&file, path)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        sync_folder(path)
    });
    written.map_err(|error| cannot("make", path, &error))
}

/// A technician is often root, the kiosk never is: what the one makes the other must be able to read.
fn give_to_owner_of_folder(file: &File, path: &Path) -> io::Result<()> {
    let folder = fs::metadata(parent(path))?;
    if file.metadata()?.uid() == folder.uid() {
        return Ok(());
    }
    std::os::unix::fs::fchown(file, Some(folder.uid()), Some(folder.gid()))
}

/// After a rename or a removal: on the disk.
///
/// # Errors
/// The disk's.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(parent(path))?.sync_all()
}

/// Refuses a file that others may read.
///
/// # Errors
/// It is not there, or exposed; in words.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let file = File::open(path).map_err(|error| cannot("read", path, &error))?;
    refuse_readable_by_others(&file, path)?;
    read_open(file, path)
}

/// A systemd credential: its folder is the guard, whatever the mode of the file.
///
/// # Errors
/// It cannot be read, in words.
pub fn read_credential(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    read_open(File::open(path).map_err(|error| cannot("read", path, &error))?, path)
}

fn read_open(file: File, path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut content = Zeroizing::new(Vec::with_capacity(BYTES_MAX));
    file.take(BYTES_MAX as u64).read_to_end(&mut content).map_err(|error| cannot("read", path, &error))?;
    Ok(content)
}

/// # Errors
/// The disk, in words.
pub fn make_parent(path: &Path) -> Result<(), String> {
    DirBuilder::new().recursive(true).mode(0o700).create(parent(path)).map_err(|error| cannot("make", path, &error))
}

/// # Errors
/// The file lies, or would lie, inside `folder`; or one of the two is not there.
pub fn refuse_inside(folder: &Path, path: &Path) -> Result<(), String> {
    let folder = fs::canonicalize(folder).map_err(|error| cannot("find", folder, &error))?;
    let home = fs::canonicalize(parent(path)).map_err(|error| cannot("find", path, &error))?;
    // The file may itself be a link to elsewhere.
    let file = fs::canonicalize(path).unwrap_or_else(|_| home.clone());
    if home.starts_with(&folder) || file.starts_with(&folder) {
        return Err(format!(
            "the key file {} lies inside the data folder, where a copied disk would carry both: name a place outside it",
            path.display()
        ));
    }
    Ok(())
}

fn refuse_readable_by_others(file: &File, path: &Path) -> Result<(), String> {
    let mode = file.metadata().map_err(|error| cannot("read", path, &error))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(format!(
            "others may read the key file {} (mode {:04o}): chmod 600 it, and change the key if anybody did",
            path.display(),
            mode & 0o7777
        ));
    }
    Ok(())
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> String {
    format!("cannot {what} {}: {error}", path.display())
}
