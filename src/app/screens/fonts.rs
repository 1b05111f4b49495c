//! Slint panics at start when the system has no fonts: a kiosk says so itself, with the package to install.

use std::path::{Path, PathBuf};

/// A file each Debian package brings, and the package.
const NEEDED: [(&str, &str); 3] = [
    ("NotoSansCJK-Regular", "fonts-noto-cjk"),
    ("NotoSansCJK-Bold", "fonts-noto-cjk"),
    ("NotoSans-Bold", "fonts-noto-core"),
];

/// Folders below a font folder that are still looked into.
const DEPTH_MAX: u8 = 4;

/// # Errors
/// A sentence for a technician that names the missing Debian package.
pub fn fonts_installed() -> Result<(), String> {
    let mut folders = vec![PathBuf::from("/usr/share/fonts"), PathBuf::from("/usr/local/share/fonts")];
    folders.extend(std::env::var_os("SLINT_FONT_PATH").map(PathBuf::from));
    folders.extend(std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/share/fonts")));
    let mut found = Vec::new();
    for folder in &folders {
        collect(folder, DEPTH_MAX, &mut found);
    }
    for (file, package) in NEEDED {
        if !found.iter().any(|name| name.starts_with(file)) {
            return Err(format!("font {file} is missing: install the Debian package {package}"));
        }
    }
    Ok(())
}

fn collect(folder: &Path, depth: u8, found: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() && depth > 0 {
            collect(&path, depth - 1, found);
        } else {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
}
