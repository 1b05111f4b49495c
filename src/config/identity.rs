//! `[identity]`: who this kiosk is to the hospital's server (`kiosk enroll`).

use super::read::{Or, Section};
use std::path::PathBuf;

/// What a kiosk needs and no more, in SMART v2 scopes.
const SCOPE: &str = "system/Patient.rs system/Appointment.rus system/Task.crs system/ChargeItem.c system/Invoice.c system/PaymentNotice.c system/Device.c";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// As the hospital registered it; empty where the server asks for no token.
    pub client_id: String,
    pub scope: String,
    /// The kiosk's own private keys, outside the data folder.
    pub key_folder: PathBuf,
    /// The client certificate that the hospital issued (PEM), where a gateway asks for one.
    pub certificate_file: Option<PathBuf>,
}

impl Default for Identity {
    /// Nobody in particular: a server that asks for nothing.
    fn default() -> Self {
        Self {
            client_id: String::new(),
            scope: SCOPE.to_owned(),
            key_folder: PathBuf::from("/var/lib/hospital-kiosk-key"),
            certificate_file: None,
        }
    }
}

impl Identity {
    pub(super) fn read(section: Section<'_>) -> Self {
        let default = Self::default();
        let identity = Self {
            client_id: section.text("client_id", Or::Default("")),
            scope: section.text("scope", Or::Default(SCOPE)),
            key_folder: section
                .file_path("key_folder", Or::Default("/var/lib/hospital-kiosk-key"))
                .unwrap_or(default.key_folder),
            certificate_file: section.file_path("certificate_file", Or::Default("")),
        };
        if let Some(file) = &identity.certificate_file
            && !file.is_file()
        {
            let why = format!("there is no file {}", file.display());
            section.fault("certificate_file", why, "the certificate the hospital issued (PEM), or \"\" for none");
        }
        if identity.client_id.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
            section.fault("client_id", "it has blanks in it", "the client id as the hospital wrote it");
        }
        section.finish();
        identity
    }
}
