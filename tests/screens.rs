//! Every screen, in every complete language, portrait and landscape: large enough, apart, inside, named, readable.

use hospital_kiosk::app::screens::{COMPLETE_LANGUAGES, KioskWindow, ui};
use hospital_kiosk::config::Display;
use hospital_kiosk::domain::language::Language;
use hospital_kiosk::domain::screen::staff::StaffTap;
use hospital_kiosk::domain::screen::{Modes, Screen, Service, Tap, View};
use hospital_kiosk::rehearsal::gallery::{self, REFERENCE_INCH, Sample};
use hospital_kiosk::rehearsal::headless::{self, Box2, Found};
use slint::{Color, ComponentHandle};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

const REFERENCE: [((u32, u32), f32); 2] = [((1080, 1920), REFERENCE_INCH), ((1920, 1080), REFERENCE_INCH)];
/// Pixels and inches of other screens a hospital may buy.
const OTHERS: [((u32, u32), f32); 6] = [
    ((1080, 1920), 21.5),
    ((1080, 1920), 27.0),
    ((1080, 1920), 43.0),
    ((2160, 3840), 32.0),
    ((1920, 1080), 15.6),
    ((1920, 1080), 21.5),
];
/// Law: 12 mm and 2.5 mm.
const CONTROL_MIN_MM: f32 = 12.0;
const GAP_MIN_MM: f32 = 2.5;
/// Rounding of the layout, in pixels.
const SLACK: f32 = 2.0;

/// Runs on the window thread and fails here if it fails there.
fn on_window(test: impl FnOnce() + Send + 'static) {
    if let Err(why) = headless::on_window_thread(test) {
        panic!("{why}");
    }
}

fn px_per_mm(size: (u32, u32), inch: f32) -> f32 {
    (size.0 as f32).hypot(size.1 as f32) / (inch * 25.4)
}

/// Every sample in every size and language of `modes`, with what `check` finds wrong.
fn every_screen(
    screens: &[((u32, u32), f32)],
    modes: Modes,
    check: impl Fn(&ui::App, &Sample, ((u32, u32), f32)) -> Vec<String>,
) {
    let mut wrong = Vec::new();
    for &(size, inch) in screens {
        let window = gallery::window(size, inch).expect("a headless window");
        for &language in COMPLETE_LANGUAGES {
            for sample in gallery::samples(language, modes) {
                window.show(&sample.view, gallery::now());
                let found = check(window.component(), &sample, (size, inch));
                let place = format!("{}x{} {inch} inch {} {}", size.0, size.1, language.code(), sample.name);
                wrong.extend(found.into_iter().map(|what| format!("{place}: {what}")));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn distance(a: Box2, b: Box2) -> f32 {
    let x = (a.x - b.x - b.width).max(b.x - a.x - a.width);
    let y = (a.y - b.y - b.height).max(b.y - a.y - a.height);
    x.max(y)
}

fn inside(inner: Box2, outer: Box2) -> bool {
    inner.x >= outer.x - SLACK
        && inner.y >= outer.y - SLACK
        && inner.x + inner.width <= outer.x + outer.width + SLACK
        && inner.y + inner.height <= outer.y + outer.height + SLACK
}

fn controls_are_wrong(all: &[Found], (size, inch): ((u32, u32), f32)) -> Vec<String> {
    let mm = px_per_mm(size, inch);
    let screen = Box2 { x: 0.0, y: 0.0, width: size.0 as f32, height: size.1 as f32 };
    let mut wrong = Vec::new();
    for (at, one) in all.iter().enumerate() {
        if one.id.is_empty() || one.label.is_empty() {
            wrong.push(format!("without id or label: {one:?}"));
        }
        if one.area.width < CONTROL_MIN_MM * mm || one.area.height < CONTROL_MIN_MM * mm {
            wrong.push(format!("{} is too small: {:?}", one.id, one.area));
        }
        if !inside(one.area, screen) {
            wrong.push(format!("{} leaves the screen: {:?}", one.id, one.area));
        }
        for other in &all[at + 1..] {
            if other.id == one.id {
                wrong.push(format!("id {} twice", one.id));
            }
            if distance(one.area, other.area) < GAP_MIN_MM * mm - 0.5 {
                wrong.push(format!("{} and {} are {} px apart", one.id, other.id, distance(one.area, other.area)));
            }
        }
    }
    wrong
}

#[test]
fn controls_are_large_apart_inside_and_named() {
    let check = |app: &ui::App, _: &Sample, screen| controls_are_wrong(&headless::controls(app), screen);
    on_window(move || every_screen(&REFERENCE, Modes::default(), check));
}

#[test]
fn controls_keep_their_size_in_low_reach_and_large() {
    on_window(|| {
        for modes in [Modes { low_reach: true, ..Modes::default() }, Modes { large: true, ..Modes::default() }] {
            let window = gallery::window(REFERENCE[0].0, REFERENCE_INCH).expect("a headless window");
            let mut wrong = Vec::new();
            for sample in COMPLETE_LANGUAGES.iter().flat_map(|language| gallery::samples(*language, modes)) {
                window.show(&sample.view, gallery::now());
                let all = headless::controls(window.component());
                wrong.extend(
                    controls_are_wrong(&all, REFERENCE[0]).into_iter().map(|w| format!("{}: {w}", sample.name)),
                );
                if modes.low_reach && sample.view.screen != Screen::Idle {
                    let high = all.iter().filter(|one| one.area.y < 0.35 * 1920.0 - 1.0);
                    wrong.extend(high.map(|one| format!("{}: {} is too high", sample.name, one.id)));
                }
            }
            assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
        }
    });
}

/// A text stays in its control, outside of the others, and on the screen: nothing is cut, nothing overlaps.
fn texts_are_wrong(app: &ui::App, (size, _): ((u32, u32), f32)) -> Vec<String> {
    let screen = Box2 { x: 0.0, y: 0.0, width: size.0 as f32, height: size.1 as f32 };
    let all = headless::controls(app);
    let mut wrong = Vec::new();
    for text in headless::text_boxes(app) {
        if !inside(text, screen) {
            wrong.push(format!("a text leaves the screen: {text:?}"));
        }
        let (x, y) = (text.x + text.width / 2.0, text.y + text.height / 2.0);
        let middle = Box2 { x, y, width: 0.0, height: 0.0 };
        match all.iter().find(|one| inside(middle, one.area)) {
            Some(one) if !inside(text, one.area) => wrong.push(format!("a text leaves {}: {text:?}", one.id)),
            Some(_) => {}
            None => {
                let over = all.iter().filter(|one| distance(one.area, text) < -SLACK);
                wrong.extend(over.map(|one| format!("a text lies over {}: {text:?}", one.id)));
            }
        }
    }
    let reads = headless::reads(app);
    for (at, one) in reads.iter().enumerate() {
        let over = reads[at + 1..].iter().filter(|other| distance(one.area, other.area) < -2.0 * SLACK);
        wrong.extend(over.map(|other| format!("{:?} lies over {:?}", one.text, other.text)));
    }
    wrong
}

#[test]
fn texts_fit() {
    on_window(|| every_screen(&REFERENCE, Modes::default(), |app, _, screen| texts_are_wrong(app, screen)));
}

#[test]
fn texts_fit_when_large() {
    let large = Modes { large: true, ..Modes::default() };
    on_window(move || every_screen(&REFERENCE[..1], large, |app, _, screen| texts_are_wrong(app, screen)));
}

#[test]
fn texts_fit_in_low_reach() {
    let low = Modes { low_reach: true, ..Modes::default() };
    on_window(move || every_screen(&REFERENCE[..1], low, |app, _, screen| texts_are_wrong(app, screen)));
}

#[test]
fn other_screens_serve_as_well() {
    on_window(|| {
        every_screen(&OTHERS, Modes::default(), |app, _, screen| {
            let mut wrong = controls_are_wrong(&headless::controls(app), screen);
            wrong.extend(texts_are_wrong(app, screen));
            wrong
        });
    });
}

#[test]
fn every_screen_says_something_in_its_language() {
    on_window(|| {
        every_screen(&REFERENCE, Modes::default(), |app, sample, _| {
            let texts = headless::texts(app).join(" ");
            let hangul = texts.chars().any(|c| ('가'..='힣').contains(&c));
            if sample.view.language == Language::Ko && !hangul { vec!["no Korean".to_owned()] } else { Vec::new() }
        });
    });
}

fn luminance(colour: Color) -> f64 {
    let part = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(colour.red()) + 0.7152 * part(colour.green()) + 0.0722 * part(colour.blue())
}

fn contrast(a: Color, b: Color) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Pairs of look.md, chapter 1, with the least contrast of the normal theme; the high-contrast theme needs 7.
#[test]
fn colours_keep_their_contrast() {
    on_window(|| {
        let window = gallery::window(REFERENCE[0].0, REFERENCE_INCH).expect("a headless window");
        let theme = window.component().global::<ui::Theme>();
        for high in [false, true] {
            theme.set_contrast(high);
            let grounds = [theme.get_ground(), theme.get_surface(), theme.get_tint()];
            let mut pairs = vec![
                ("on-accent / accent", theme.get_on_accent(), theme.get_accent(), 4.5),
                ("on-accent / accent-pressed", theme.get_on_accent(), theme.get_accent_pressed(), 4.5),
                ("on-signal / signal", theme.get_on_signal(), theme.get_signal(), 4.5),
                ("on-band / band", theme.get_on_band(), theme.get_band(), 4.5),
                ("off / band", theme.get_off(), theme.get_band(), 4.5),
                ("ok / ok-tint", theme.get_ok(), theme.get_ok_tint(), 4.5),
                ("ok / ground", theme.get_ok(), theme.get_ground(), 4.5),
                ("warn / warn-tint", theme.get_warn(), theme.get_warn_tint(), 4.5),
                ("warn / ground", theme.get_warn(), theme.get_ground(), 4.5),
                ("bad / bad-tint", theme.get_bad(), theme.get_bad_tint(), 4.5),
                ("bad / surface", theme.get_bad(), theme.get_surface(), 4.5),
                ("ink / warn-tint", theme.get_ink(), theme.get_warn_tint(), 4.5),
                ("ink / bad-tint", theme.get_ink(), theme.get_bad_tint(), 4.5),
                ("ink / ok-tint", theme.get_ink(), theme.get_ok_tint(), 4.5),
                ("edge / ground", theme.get_edge(), theme.get_ground(), 3.0),
                ("edge / surface", theme.get_edge(), theme.get_surface(), 3.0),
            ];
            for ground in grounds {
                pairs.push(("ink / ground, surface, tint", theme.get_ink(), ground, 4.5));
                pairs.push(("ink2 / ground, surface, tint", theme.get_ink2(), ground, 4.5));
                pairs.push(("accent / ground, surface, tint", theme.get_accent(), ground, 4.5));
            }
            for (name, front, back, least) in pairs {
                let least = if high { 7.0 } else { least };
                assert!(contrast(front, back) >= least, "{name}: {} (high {high})", contrast(front, back));
            }
        }
    });
}

type Taps = Rc<RefCell<Vec<Tap>>>;

fn listening() -> (KioskWindow, Taps) {
    headless::start().expect("a headless platform");
    let display = Display { width_px: 1080, height_px: 1920, diagonal_inch: REFERENCE_INCH, fullscreen: false };
    let taps = Taps::default();
    let heard = taps.clone();
    let window = KioskWindow::new(&display, Arc::new(gallery::facility()), move |tap| heard.borrow_mut().push(tap))
        .expect("a window");
    window.component().show().expect("a shown window");
    (window, taps)
}

fn sample(name: &str) -> View {
    let all = gallery::samples(Language::Ko, Modes::default());
    all.into_iter().find(|sample| sample.name == name).expect("a sample of that name").view
}

#[test]
fn fingers_reach_what_is_shown_and_nothing_else() {
    on_window(|| {
        let (window, taps) = listening();
        window.set_double_tap_guard(Duration::ZERO);
        let app = window.component();
        window.show(&sample("03-services"), gallery::now());
        headless::tap(app, "Documents").expect("a tile");
        headless::tap(app, "easy access").expect("found without regard to case");
        headless::tap(app, "진료 접수, 오늘 예약이 있어요").expect("found by its label");
        window.show(&sample("03-services-no-paper"), gallery::now());
        headless::tap(app, "Check in").expect("it is there, but does not react");
        window.show(&sample("04-number"), gallery::now());
        for id in ["7", "0", "Erase", "Next"] {
            headless::tap(app, id).expect("a key");
        }
        window.show(&sample("12-documents"), gallery::now());
        headless::tap(app, "Images on CD").expect("a row by its English name");
        let expected = [
            Tap::Service(Service::Documents),
            Tap::EasyAccess,
            Tap::Service(Service::CheckIn),
            Tap::Digit(7),
            Tap::Digit(0),
            Tap::Erase,
            Tap::Next,
            Tap::Row(1),
        ];
        assert_eq!(*taps.borrow(), expected);
        let missing = headless::tap(app, "Nowhere").expect_err("no such control");
        assert!(missing.contains("Images on CD"), "{missing}");
    });
}

#[test]
fn large_letters_page_within_the_list() {
    on_window(|| {
        let (window, taps) = listening();
        window.set_double_tap_guard(Duration::ZERO);
        let large = Modes { large: true, ..Modes::default() };
        window.show(&View { modes: large, ..sample("12-documents") }, gallery::now());
        let app = window.component();
        assert!(headless::find(app, "Hospital stay").is_err());
        headless::tap(app, "Down").expect("a pager");
        headless::tap(app, "Hospital stay").expect("on the second page");
        headless::tap(app, "Up").expect("a pager");
        headless::tap(app, "Medical record").expect("on the first page");
        assert_eq!(*taps.borrow(), [Tap::Row(3), Tap::Row(0)]);
    });
}

#[test]
fn the_second_touch_of_a_double_tap_does_not_act_on_the_next_screen() {
    on_window(|| {
        let (window, taps) = listening();
        window.set_double_tap_guard(Duration::from_hours(1));
        window.show(&sample("11-for-whom"), gallery::now());
        headless::tap(window.component(), "For me").expect("a tile");
        assert!(taps.borrow().is_empty());
        window.set_double_tap_guard(Duration::ZERO);
        headless::tap(window.component(), "For me").expect("a tile");
        assert_eq!(*taps.borrow(), [Tap::ForMe]);
    });
}

/// The hospital's name opens the staff's door to a finger that stays; anybody may touch it shortly.
#[test]
fn three_seconds_on_the_header_are_for_staff() {
    on_window(|| {
        let (window, taps) = listening();
        window.set_double_tap_guard(Duration::ZERO);
        let app = window.component();
        let press = |seconds| headless::hold(app, 300.0, 60.0, Duration::from_secs_f32(seconds));
        for name in ["03-services", "04-number", "17-in-doubt", "27-staff-home"] {
            window.show(&sample(name), gallery::now());
            press(2.8);
            headless::wait(Duration::from_secs(5));
            assert_eq!(*taps.borrow(), [], "{name}: too short");
            press(3.2);
            assert_eq!(taps.take(), [Tap::Staff(StaffTap::Enter)], "{name}");
            press(9.0);
            assert_eq!(taps.take().first(), Some(&Tap::Staff(StaffTap::Enter)), "{name}");
        }
        window.show(&sample("01-idle"), gallery::now());
        press(0.1);
        assert_eq!(taps.take(), [Tap::Start], "a touch anywhere begins");
        press(3.2);
        assert_eq!(taps.take().first(), Some(&Tap::Staff(StaffTap::Enter)));
        window.show(&sample("04-number"), gallery::now());
        headless::key(app, "staff").expect("a key");
        assert_eq!(taps.take(), [Tap::Staff(StaffTap::Enter)]);
    });
}

#[test]
fn staff_touch_what_they_see() {
    on_window(|| {
        let (window, taps) = listening();
        window.set_double_tap_guard(Duration::ZERO);
        let app = window.component();
        let heard = |name: &str, controls: &[&str]| {
            window.show(&sample(name), gallery::now());
            for control in controls {
                headless::tap(app, control).unwrap_or_else(|why| panic!("{name}: {why}"));
            }
            taps.take()
        };
        let staff = |taps: &[StaffTap]| taps.iter().copied().map(Tap::Staff).collect::<Vec<_>>();
        assert_eq!(
            heard("26-staff-pin", &["4", "Erase", "Next", "Back"]),
            [Tap::Digit(4), Tap::Erase, Tap::Next, Tap::Back]
        );
        let home = heard("27-staff-home", &["Unfinished payments", "Requests to the hospital"]);
        assert_eq!(home, staff(&[StaffTap::Payments, StaffTap::Queue]));
        assert_eq!(heard("27-staff-home", &["Leave"]), [Tap::Finish]);
        assert_eq!(heard("28-staff-payments", &["K3-0031", "Look again"]), [Tap::Row(2), Tap::TryAgain]);
        let all = [
            "Ask the terminal again",
            "Mark as paid",
            "Mark as not paid",
            "Give the money back",
            "Print a slip for the cashier",
        ];
        let acts = [StaffTap::Ask, StaffTap::MarkPaid, StaffTap::MarkNotPaid, StaffTap::GiveBack, StaffTap::PrintSlip];
        assert_eq!(heard("29-staff-payment-booked", &all), staff(&acts));
        assert_eq!(heard("29-staff-payment-running", &all), staff(&acts[4..]), "an order runs: only paper");
        let answered = heard("30-staff-evidence", &["The card company said so", "It is paid"]);
        assert_eq!(answered, [Tap::Row(0), Tap::Next]);
        assert_eq!(
            heard("31-staff-queue", &["Put aside 1", "Put aside 2", "Put aside 3"]),
            [Tap::Row(0)],
            "the second was sent again, the third closed"
        );
        let request = heard("30-staff-request-by-hand", &["Send again", "It was entered by hand", "Next", "Back"]);
        assert_eq!(request, [Tap::Row(0), Tap::Row(1), Tap::Next, Tap::Back]);
        assert_eq!(heard("30-staff-request-again", &["Send it now"]), [Tap::Next]);
        let entered = heard("30-staff-entered", &["I saw it there", "The desk said so", "Close the request"]);
        assert_eq!(entered, [Tap::Row(0), Tap::Row(1), Tap::Next]);
    });
}

#[test]
fn a_wait_can_be_called_off_by_touch_and_by_key() {
    on_window(|| {
        let (window, taps) = listening();
        window.set_double_tap_guard(Duration::ZERO);
        let app = window.component();
        for name in ["06-wait", "06-wait-quote"] {
            window.show(&sample(name), gallery::now());
            headless::tap(app, "Back").expect("a button");
            headless::key(app, "cancel").expect("a key");
            assert_eq!(taps.take(), [Tap::Back, Tap::Back], "{name}");
        }
    });
}

#[test]
fn staff_see_why_the_machine_is_closed_and_may_say_that_its_clock_is_right() {
    on_window(|| {
        let (window, taps) = listening();
        window.set_double_tap_guard(Duration::ZERO);
        let app = window.component();
        let heard = |name: &str, control: &str| {
            window.show(&sample(name), gallery::now());
            headless::tap(app, control).unwrap_or_else(|why| panic!("{name}: {why}"));
            taps.take()
        };
        assert_eq!(heard("27-staff-home-closed", "Why this machine is closed"), [Tap::Staff(StaffTap::Trouble)]);
        for name in ["32-staff-trouble-clock", "32-staff-trouble-entry"] {
            assert_eq!(heard(name, "This machine's clock is right"), [Tap::Staff(StaffTap::AcceptClock)]);
            assert_eq!(heard(name, "Back"), [Tap::Back]);
        }
        for (name, control) in [
            ("27-staff-home-calm", "Why this machine is closed"),
            ("32-staff-trouble-journal", "This machine's clock is right"),
            ("32-staff-trouble-unset", "This machine's clock is right"),
        ] {
            window.show(&sample(name), gallery::now());
            assert!(headless::find(app, control).is_err(), "{name}");
        }
    });
}

#[test]
fn the_idle_screens_clock_is_set_in_its_own_language() {
    on_window(|| {
        let window = gallery::window((1080, 1920), REFERENCE_INCH).expect("a headless window");
        for (language, texts) in [(Language::Ko, ["오후", "2:05"]), (Language::En, ["pm", "2:05"])] {
            let idle = gallery::samples(language, Modes::default()).into_iter().find(|sample| sample.name == "01-idle");
            window.show(&idle.expect("the idle screen").view, gallery::now());
            let at = chrono::DateTime::parse_from_rfc3339("2026-11-20T14:05:00+09:00").expect("a time");
            window.set_clock(at);
            let seen = headless::texts(window.component()).join("\n");
            assert!(texts.iter().all(|text| seen.contains(text)), "{language:?}: {seen}");
        }
    });
}

#[test]
fn a_keypad_works_the_kiosk() {
    on_window(|| {
        let (window, taps) = listening();
        window.set_double_tap_guard(Duration::ZERO);
        let app = window.component();
        window.show(&sample("03-services"), gallery::now());
        for key in ["down", "down", "enter", "up", "enter", "help"] {
            headless::key(app, key).expect("a key");
        }
        window.show(&sample("04-number"), gallery::now());
        for key in ["5", "erase", "enter", "cancel"] {
            headless::key(app, key).expect("a key");
        }
        let expected = [
            Tap::Service(Service::Documents),
            Tap::Service(Service::CheckIn),
            Tap::Help,
            Tap::Digit(5),
            Tap::Erase,
            Tap::Next,
            Tap::Back,
        ];
        assert_eq!(*taps.borrow(), expected);
    });
}
