//! `[display]`: sizes on screen are millimetres, so the real size must be told.

use super::read::{Or, Section};
use toml::de::{DeFloat, DeInteger};

const WIDTH_PX: u32 = 1080;
const HEIGHT_PX: u32 = 1920;
const DIAGONAL_INCH: f32 = 24.0;

#[derive(Debug, Clone, PartialEq)]
pub struct Display {
    pub width_px: u32,
    pub height_px: u32,
    pub diagonal_inch: f32,
    pub fullscreen: bool,
}

impl Default for Display {
    /// For a configuration that cannot be read.
    fn default() -> Self {
        Self { width_px: WIDTH_PX, height_px: HEIGHT_PX, diagonal_inch: DIAGONAL_INCH, fullscreen: true }
    }
}

impl Display {
    pub(super) fn read(section: Section<'_>) -> Self {
        let display = Self {
            width_px: section.whole("width_px", 480..=7680, Or::Default(WIDTH_PX)),
            height_px: section.whole("height_px", 480..=7680, Or::Default(HEIGHT_PX)),
            diagonal_inch: diagonal(&section),
            fullscreen: section.flag("fullscreen", Or::Default(true)),
        };
        section.finish();
        display
    }
}

/// There is no default: a guessed diagonal makes every size on screen wrong.
fn diagonal(section: &Section<'_>) -> f32 {
    section.value("diagonal_inch", Or::Needed("24.0"), DIAGONAL_INCH, |value| {
        let text = value.as_float().map(DeFloat::as_str).or(value.as_integer().map(DeInteger::as_str));
        let inches = text.and_then(|text| text.parse::<f32>().ok()).filter(|inches| (7.0..=100.0).contains(inches));
        inches.ok_or_else(|| "inches from 7.0 to 100.0".to_owned())
    })
}
