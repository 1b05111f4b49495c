//! A kiosk of which a part is dead does not look well: it ends and is started again, its window is not closed by anybody,
//! and its supervisor hears of it only while desk and window are alive.

use crate::commands::{Ended, first_line, stored};
use crate::stage::{Theatre, open, open_as};
use hospital_kiosk::app::screens::KioskWindow;
use hospital_kiosk::app::vital;
use hospital_kiosk::config::Display;
use hospital_kiosk::rehearsal::child::Order;
use hospital_kiosk::rehearsal::headless;
use slint::ComponentHandle;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt, EventMask, MapState};

const PATIENCE: Duration = Duration::from_secs(40);

fn until(what: &str, mut there: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !there() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn break_part(theatre: &mut Theatre, part: &str) -> anyhow::Result<()> {
    theatre.stage.order(&Order::Break { part: part.to_owned() }).map(drop)
}

#[test]
fn a_kiosk_ends_with_any_part_that_it_cannot_do_without() {
    for part in ["desk", "window"].into_iter().chain(vital::THREADS.iter().copied()) {
        let mut theatre = open();
        let _ = break_part(&mut theatre, part);
        until(&format!("the end, after the {part} broke"), || theatre.stage.kiosk_ended());
        let log = theatre.log();
        assert!(log.contains("as it was told to") && log.contains("a part that the kiosk cannot do without"), "{log}");
    }
}

#[test]
fn a_kiosk_ends_with_its_sender() {
    let mut theatre = open();
    break_part(&mut theatre, "sender").expect("it is told");
    let _ = theatre.try_play("scan \"A:AS-40021\"\ntap \"Yes\"\ntap \"Check in\"");
    until("the end, after the sender broke", || theatre.stage.kiosk_ended());
    assert!(theatre.log().contains("part=\"sender\""), "{}", theatre.log());
}

#[test]
fn what_may_fail_alone_fails_alone() {
    let mut theatre = open();
    for part in ["press", "commands", "kiosk-unhurried"] {
        break_part(&mut theatre, part).expect("it goes on");
    }
    theatre.play("scan \"A:AS-40021\"\ntap \"Yes\"\ntap \"Check in\"\nexpect-paper \"K3-001\"");
    assert!(!theatre.stage.kiosk_ended());
}

#[test]
fn the_threads_are_called_as_the_kiosk_ends_by() {
    let src = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    for (file, name) in
        [("terminal/worker.rs", "card-terminal"), ("printer/device.rs", "printer"), ("scanner/mod.rs", "scanner")]
    {
        let text = std::fs::read_to_string(src.join(file)).expect("a source");
        assert!(text.contains(&format!(".name(\"{name}\"")), "{file} names no thread {name:?}");
        assert!(vital::THREADS.contains(&name), "{name}");
    }
}

#[test]
fn a_close_request_keeps_the_window() {
    let open = headless::on_window_thread(|| {
        headless::start().expect("a platform");
        let display = Display { width_px: 1080, height_px: 1920, diagonal_inch: 24.0, fullscreen: false };
        let window = KioskWindow::new(&display, Arc::new(crate::paper::facility()), |_| {}).expect("a window");
        window.component().show().expect("shown");
        window.component().window().dispatch_event(slint::platform::WindowEvent::CloseRequested);
        let open = window.component().window().is_visible();
        window.component().hide().expect("hidden");
        open
    });
    assert!(open.expect("no panic"), "the window was closed");
}

/// Where a supervisor would listen.
struct Supervisor {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Supervisor {
    fn at(folder: &Path) -> Self {
        let path = folder.join("notify.sock");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a limit");
        Self { socket, path }
    }

    fn next(&self) -> String {
        let mut text = [0; 256];
        let length = self.socket.recv(&mut text).expect("the kiosk says something");
        String::from_utf8_lossy(&text[..length]).trim().to_owned()
    }

    /// What was said and not read yet.
    fn unread(&self) -> usize {
        self.socket.set_nonblocking(true).expect("a socket");
        let count = std::iter::from_fn(|| self.socket.recv(&mut [0; 256]).ok()).count();
        self.socket.set_nonblocking(false).expect("a socket");
        count
    }
}

/// Short, so that the test is.
const WATCHDOG_USEC: &str = "800000";

/// An X server, where this machine has one.
fn screen() -> Option<(Ended, String)> {
    let mut screen = Command::new("Xvfb");
    screen.args(["-displayfd", "1", "-screen", "0", "1080x1920x24"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(screen) = screen.spawn() else {
        println!("skipped: Xvfb is not installed");
        return None;
    };
    let mut screen = Ended(screen);
    let display = first_line(&mut screen.0).trim().to_owned();
    Some((screen, format!(":{display}")))
}

#[test]
fn the_product_tells_its_supervisor_and_keeps_its_window() {
    let Some((_screen, display)) = screen() else { return };
    let folder = tempfile::tempdir().expect("folder");
    let supervisor = Supervisor::at(folder.path());
    let path = stored(folder.path(), &folder.path().join("store"));
    let program = env!("CARGO_BIN_EXE_kiosk").to_owned();
    let (socket, on) = (supervisor.path.clone(), display.clone());
    // As the unit has it: under its filter.
    let run = crate::unit::under(crate::unit::SHIPPED, move || {
        let mut run = Command::new(program);
        run.args(["--config", &path, "run"]).env("DISPLAY", on).env("NOTIFY_SOCKET", socket);
        run.env("WATCHDOG_USEC", WATCHDOG_USEC).env_remove("WAYLAND_DISPLAY").env_remove("CREDENTIALS_DIRECTORY");
        run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("kiosk starts")
    });
    let mut run = Ended(run);
    let said = [supervisor.next(), supervisor.next(), supervisor.next()];
    assert_eq!(said, ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
    let (server, window) = the_window(&display);
    ask_to_close(&server, window);
    supervisor.unread();
    for _ in 0..3 {
        assert_eq!(supervisor.next(), "WATCHDOG=1");
    }
    let shown = server.get_window_attributes(window).expect("asked").reply().expect("a window").map_state;
    assert_eq!(shown, MapState::VIEWABLE);
    assert!(run.0.try_wait().expect("a state").is_none(), "it keeps running");
    server.kill_client(window).expect("asked");
    server.flush().expect("sent");
    until("the end, after the window was taken away", || run.0.try_wait().expect("a state").is_some());
    assert!(!run.0.wait().expect("ended").success());
}

type Server = x11rb::rust_connection::RustConnection;

fn the_window(display: &str) -> (Server, u32) {
    let (server, number) = x11rb::connect(Some(display)).expect("a display");
    let root = server.setup().roots[number].root;
    let children = server.query_tree(root).expect("asked").reply().expect("windows").children;
    let large = |window: &u32| {
        let at = server.get_geometry(*window).expect("asked").reply();
        at.is_ok_and(|at| at.width >= 1080)
    };
    let window = children.into_iter().find(large).expect("the kiosk's window");
    (server, window)
}

/// What a window manager sends for Alt and F4, and for the cross in a title bar.
fn ask_to_close(server: &Server, window: u32) {
    let atom = |name: &[u8]| server.intern_atom(false, name).expect("asked").reply().expect("an atom").atom;
    let message = ClientMessageEvent::new(32, window, atom(b"WM_PROTOCOLS"), [atom(b"WM_DELETE_WINDOW"), 0, 0, 0, 0]);
    server.send_event(false, window, EventMask::NO_EVENT, message).expect("sent");
    server.flush().expect("sent");
}

#[test]
fn a_part_that_stands_still_ends_the_signs_of_life() {
    let Some((_screen, display)) = screen() else { return };
    for part in ["desk", "window"] {
        let folder = tempfile::tempdir().expect("folder");
        let supervisor = Supervisor::at(folder.path());
        let mut theatre = open_as(&wrapped(folder.path(), &display, &supervisor.path), true);
        assert_eq!([supervisor.next(), supervisor.next()], ["READY=1", "WATCHDOG=1"]);
        theatre.stage.order(&Order::Stop { part: part.to_owned() }).expect("it is told");
        let missed = |theatre: &Theatre| theatre.log().matches("no sign of life").count();
        until(&format!("a look at the {part} in vain"), || missed(&theatre) > 0);
        supervisor.unread();
        until(&format!("three looks at the {part} in vain"), || missed(&theatre) > 3);
        assert_eq!(supervisor.unread(), 0, "{part}\n{}", theatre.log());
        assert!(theatre.log().contains(&format!("part=\"{part}\"")), "{}", theatre.log());
    }
}

/// A program that is the demo with a supervisor.
fn wrapped(folder: &Path, display: &str, socket: &Path) -> PathBuf {
    let program = folder.join("demo");
    let text = format!(
        "#!/bin/sh\nexport DISPLAY={display} NOTIFY_SOCKET={} WATCHDOG_USEC={WATCHDOG_USEC}\nunset WAYLAND_DISPLAY\nexec {} \"$@\"\n",
        socket.display(),
        env!("CARGO_BIN_EXE_demo")
    );
    std::fs::write(&program, text).expect("written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("executable");
    program
}

/// What keeps a kiosk from its work, and what its log says of it.
type Hindrance = (&'static str, fn(&Path, &Path), &'static str);

#[test]
fn a_kiosk_that_cannot_start_shows_that_and_starts_when_it_can() {
    let Some((_screen, display)) = screen() else { return };
    let hindrances: [Hindrance; 3] = [
        ("another key", |_, key| std::fs::write(key, "ab".repeat(32)).expect("written"), "this is not the key"),
        ("no key", |_, key| std::fs::remove_file(key).expect("removed"), "put the key file back"),
        (
            "a configuration with a fault",
            |config, _| std::fs::write(config, "[kiosk]\nprefix = K3\n").expect("written"),
            "this is not TOML",
        ),
    ];
    for (name, hinder, words) in hindrances {
        let folder = tempfile::tempdir().expect("folder");
        let supervisor = Supervisor::at(folder.path());
        let config = PathBuf::from(stored(folder.path(), &folder.path().join("store")));
        let settings = hospital_kiosk::assembly::load_config(&config).expect("a configuration").store;
        drop(hospital_kiosk::store::open_with_credentials(&settings, None).expect("a store"));
        let before = (std::fs::read(&config).expect("read"), std::fs::read(&settings.key_file).expect("read"));
        hinder(&config, &settings.key_file);
        let log = folder.path().join("log");
        let mut run = Command::new(env!("CARGO_BIN_EXE_kiosk"));
        run.arg("--config").arg(&config).arg("run").env("DISPLAY", &display).env("NOTIFY_SOCKET", &supervisor.path);
        run.env("WATCHDOG_USEC", WATCHDOG_USEC).env_remove("WAYLAND_DISPLAY").env_remove("CREDENTIALS_DIRECTORY");
        run.stdout(Stdio::null()).stderr(std::fs::File::create(&log).expect("a log"));
        let mut run = Ended(run.spawn().expect("kiosk starts"));
        let said = [supervisor.next(), supervisor.next()];
        assert_eq!(said, ["READY=1", "WATCHDOG=1"], "{name}");
        the_window(&display);
        let told = std::fs::read_to_string(&log).expect("a log");
        assert!(told.contains(words), "{name}: {told}");
        let answers = || std::os::unix::net::UnixStream::connect(settings.folder.join("kiosk.sock")).is_ok();
        assert!(!answers(), "{name}: it works");
        std::fs::write(&config, &before.0).expect("mended");
        std::fs::write(&settings.key_file, &before.1).expect("mended");
        std::fs::set_permissions(&settings.key_file, std::fs::Permissions::from_mode(0o600)).expect("mended");
        until(&format!("the start, after {name} was mended"), answers);
        assert!(run.0.try_wait().expect("a state").is_none(), "{name}: it is the same process");
    }
}

/// Prices, hours and words change without an end of the kiosk; what has a fault changes nothing.
#[test]
fn a_hangup_reads_the_hospitals_configuration_again() {
    let Some((_screen, display)) = screen() else { return };
    let folder = tempfile::tempdir().expect("folder");
    let supervisor = Supervisor::at(folder.path());
    let config = PathBuf::from(stored(folder.path(), &folder.path().join("store")));
    let log = folder.path().join("log");
    let mut run = Command::new(env!("CARGO_BIN_EXE_kiosk"));
    run.arg("--config").arg(&config).arg("run").env("DISPLAY", &display).env("NOTIFY_SOCKET", &supervisor.path);
    run.env_remove("WAYLAND_DISPLAY").env_remove("CREDENTIALS_DIRECTORY");
    run.stdout(Stdio::null()).stderr(std::fs::File::create(&log).expect("a log"));
    let mut run = Ended(run.spawn().expect("kiosk starts"));
    assert_eq!(supervisor.next(), "READY=1");
    let pid = rustix::process::Pid::from_child(&run.0);
    let hang_up = || rustix::process::kill_process(pid, rustix::process::Signal::HUP).expect("sent");
    let said = |words: &str| std::fs::read_to_string(&log).expect("a log").matches(words).count();
    let sound = std::fs::read(&config).expect("read");
    hang_up();
    until("the new configuration", || said("the hospital's new configuration holds") == 1);
    std::fs::write(&config, "[kiosk]\nprefix = K3\n").expect("written");
    hang_up();
    until("the refusal", || said("the one before goes on") == 1);
    std::fs::write(&config, sound).expect("mended");
    hang_up();
    until("the next one", || said("the hospital's new configuration holds") == 2);
    assert!(run.0.try_wait().expect("a state").is_none(), "it is the same process");
}

/// A pipe that nobody reads is full soon: the lines are lost, and the kiosk goes on.
#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let Some((_screen, display)) = screen() else { return };
    let folder = tempfile::tempdir().expect("folder");
    let supervisor = Supervisor::at(folder.path());
    let config = PathBuf::from(stored(folder.path(), &folder.path().join("store")));
    let mut run = Command::new(env!("CARGO_BIN_EXE_kiosk"));
    run.arg("--config").arg(&config).arg("run").env("DISPLAY", &display).env("NOTIFY_SOCKET", &supervisor.path);
    run.env("WATCHDOG_USEC", "40000").env("RUST_LOG", "trace").env_remove("WAYLAND_DISPLAY");
    let (log, written) = rustix::pipe::pipe().expect("a pipe");
    rustix::pipe::fcntl_setpipe_size(&log, 4_096).expect("a small one");
    run.env_remove("CREDENTIALS_DIRECTORY").stdout(Stdio::null()).stderr(written);
    let _run = Ended(run.spawn().expect("kiosk starts"));
    assert_eq!(supervisor.next(), "READY=1");
    let waiting = || rustix::io::ioctl_fionread(&log).expect("a length");
    until("a full log", || {
        supervisor.unread();
        waiting() > 3_500
    });
    supervisor.unread();
    for _ in 0..20 {
        assert_eq!(supervisor.next(), "WATCHDOG=1");
    }
}

/// Lines wait in a queue for whoever writes them: a program that ends has written all of them.
#[test]
fn what_a_kiosk_says_last_is_in_its_log() {
    let folder = tempfile::tempdir().expect("folder");
    let config = folder.path().join("kiosk.toml");
    std::fs::write(&config, "[kiosk]\nprefix = K3\n").expect("written");
    for _ in 0..20 {
        let mut run = Command::new(env!("CARGO_BIN_EXE_kiosk"));
        run.arg("--config").arg(&config).arg("run").env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        let ended = run.output().expect("kiosk starts");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success() && said.contains("it cannot be shown"), "{said}");
    }
}
