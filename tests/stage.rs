//! A whole kiosk on simulated devices, for tests that need one.

use hospital_kiosk::rehearsal::play::play;
use hospital_kiosk::rehearsal::script::parse;
use hospital_kiosk::rehearsal::stage::{Protocol, Setting, Stage};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The stage and the folder it lives in.
pub struct Theatre {
    pub stage: Stage,
    pub folder: tempfile::TempDir,
}

pub fn open() -> Theatre {
    open_with(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/kiosk.toml"), 7)
}

/// With another configuration and another seed of the simulated devices.
pub fn open_with(config: PathBuf, seed: u64) -> Theatre {
    open_at(Protocol::Smartro, config, seed)
}

/// At another card terminal.
pub fn open_at(protocol: Protocol, config: PathBuf, seed: u64) -> Theatre {
    open_set(|setting| (setting.protocol, setting.config, setting.seed) = (protocol, config, seed))
}

/// As another program, which becomes the demo; with `window` in a real window.
pub fn open_as(program: &Path, window: bool) -> Theatre {
    open_set(|setting| (setting.program, setting.window) = (program.to_owned(), window))
}

/// With other settings.
pub fn open_set(set: impl FnOnce(&mut Setting)) -> Theatre {
    let folder = tempfile::tempdir().expect("folder");
    let mut setting = Setting {
        program: PathBuf::from(env!("CARGO_BIN_EXE_demo")),
        out: folder.path().join("out"),
        data: folder.path().join("data"),
        config: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/kiosk.toml"),
        seed: 7,
        size: (1080, 1920),
        window: false,
        hospital_url: None,
        protocol: Protocol::Smartro,
        schedule_refresh_s: None,
        wall: chrono::DateTime::parse_from_rfc3339("2026-11-25T10:00:00+09:00").expect("time"),
        // Tests run beside each other on two cores.
        patience: std::time::Duration::from_secs(40),
    };
    set(&mut setting);
    Theatre { stage: Stage::open(setting).expect("the kiosk starts"), folder }
}

impl Theatre {
    /// Plays a script; a line that fails ends the test with what was there instead.
    pub fn play(&mut self, script: &str) {
        self.try_play(script).unwrap_or_else(|error| panic!("{error:#}\nkiosk.log:\n{}", self.log()));
    }

    pub fn try_play(&mut self, script: &str) -> anyhow::Result<()> {
        let lines = parse(script).expect("a script that reads");
        play(&mut self.stage, &lines)
    }

    pub fn log(&self) -> String {
        self.log_after(0)
    }

    /// What was logged after the first so many bytes.
    pub fn log_after(&self, bytes: u64) -> String {
        let mut text = Vec::new();
        let read = File::open(self.log_file()).and_then(|mut file| {
            file.seek(SeekFrom::Start(bytes))?;
            file.read_to_end(&mut text)
        });
        read.map(|_| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
    }

    pub fn log_bytes(&self) -> u64 {
        std::fs::metadata(self.log_file()).map_or(0, |file| file.len())
    }

    fn log_file(&self) -> PathBuf {
        self.stage.out().join("kiosk.log")
    }
}

/// From the idle screen to the moment before "I agree", for 3,000 won.
pub const TO_CONSENT: &str = r#"
tap "Touch to start"
tap "English"
tap "Documents"
tap "For me"
type "10293847"
tap "Next"
type "19580412"
tap "Next"
tap "Visit confirmation"
tap "Next"
tap "Next"
tap "Pay"
"#;
