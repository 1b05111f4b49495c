//! What is wrong in a file, where, and what to write instead: messages a technician can act on.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

/// One fault of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub what: String,
    pub why: String,
    /// What to write instead.
    pub instead: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        write!(out, "{file}:{}:{}: {}: {}. Instead: {}", self.line, self.column, self.what, self.why, self.instead)
    }
}

/// A file that was read, to tell bytes as line and column.
#[derive(Debug)]
pub struct SourceFile {
    pub path: PathBuf,
    pub text: String,
}

impl SourceFile {
    /// Line and column, both from 1, of a byte; past the end is the end.
    #[must_use]
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let mut end = byte.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &self.text[..end];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// Collects faults, so that all of them are told at once.
#[derive(Debug, Default)]
pub struct Faults {
    faults: RefCell<Vec<Fault>>,
    /// What is read all the same, and should be written otherwise.
    warnings: RefCell<Vec<Fault>>,
}

/// More than this is told in vain.
const FAULTS_MAX: usize = 100;

impl Faults {
    pub fn add(&self, file: &SourceFile, byte: usize, what: String, why: String, instead: String) {
        // Looking for the place of a fault nobody will read would take a file of nothing but faults time squared.
        if self.faults.borrow().len() >= FAULTS_MAX {
            return;
        }
        let (line, column) = file.position(byte);
        self.push(Fault { file: file.path.clone(), line, column, what, why, instead });
    }

    /// A fault of the whole file.
    pub fn add_file(&self, path: &Path, what: &str, why: String, instead: &str) {
        let (what, instead) = (what.to_owned(), instead.to_owned());
        self.push(Fault { file: path.to_owned(), line: 1, column: 1, what, why, instead });
    }

    pub fn warn(&self, file: &SourceFile, byte: usize, what: String, why: String, instead: String) {
        let (line, column) = file.position(byte);
        self.warnings.borrow_mut().push(Fault { file: file.path.clone(), line, column, what, why, instead });
    }

    /// The warnings so far.
    pub fn take_warnings(&self) -> Vec<Fault> {
        self.warnings.take()
    }

    /// One fault is one line, whatever stands in the value that it repeats.
    fn push(&self, fault: Fault) {
        let (what, why, instead) = (one_line(&fault.what), one_line(&fault.why), one_line(&fault.instead));
        let fault = Fault { what, why, instead, ..fault };
        let mut faults = self.faults.borrow_mut();
        if faults.len() < FAULTS_MAX && !faults.contains(&fault) {
            faults.push(fault);
        }
    }

    /// All of them, in the order of files as read and of places in them.
    #[must_use]
    pub fn into_sorted(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        let mut files: Vec<PathBuf> = Vec::new();
        for fault in &faults {
            if !files.contains(&fault.file) {
                files.push(fault.file.clone());
            }
        }
        let place = |fault: &Fault| files.iter().position(|file| *file == fault.file);
        faults.sort_by_key(|fault| (place(fault), fault.line, fault.column));
        faults
    }
}

fn one_line(text: &str) -> String {
    let shown =
        |letter: char| if letter.is_control() { letter.escape_default().to_string() } else { letter.to_string() };
    text.chars().map(shown).collect()
}
