//! Papers as pictures for people.

use crate::ports::Raster;

/// A one-bit PNG of a paper, black on white; empty if the dots do not fit the size.
#[must_use]
pub fn to_png(raster: &Raster) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, raster.width_dots, raster.height_dots);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    // In a PNG 1 is white.
    let inverted: Vec<u8> = raster.rows.iter().map(|dots| !dots).collect();
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&inverted));
    if written.is_err() {
        return Vec::new();
    }
    bytes
}
