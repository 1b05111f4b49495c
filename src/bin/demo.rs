//! Try the kiosk without any device. For now: pictures of every screen.

use clap::{Parser, Subcommand};
use hospital_kiosk::domain::language::Language;
use hospital_kiosk::rehearsal::gallery;
use std::path::PathBuf;

#[derive(Parser)]
#[command(about = "Try the kiosk without any device")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Pictures of every screen and its important states.
    Screens {
        #[arg(long)]
        out: PathBuf,
        /// `ko`, `en`, …, or `all` that are complete
        #[arg(long, default_value = "all")]
        language: String,
        /// `normal`, `large`, `contrast`, `low-reach` or `all`
        #[arg(long, default_value = "normal")]
        mode: String,
        /// Pixels, width x height
        #[arg(long, default_value = "1080x1920")]
        size: String,
        /// Diagonal of the screen in inches
        #[arg(long, default_value_t = gallery::REFERENCE_INCH)]
        inch: f32,
    },
}

fn main() -> anyhow::Result<()> {
    let Command::Screens { out, language, mode, size, inch } = Arguments::parse().command;
    let languages = if language == "all" {
        vec![Language::Ko, Language::En]
    } else {
        vec![Language::from_code(&language).ok_or_else(|| anyhow::anyhow!("no language {language:?}"))?]
    };
    let size = size.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    let size = size.ok_or_else(|| anyhow::anyhow!("--size is WIDTHxHEIGHT"))?;
    let files = gallery::render(&out, &languages, &gallery::modes(&mode), size, inch).map_err(anyhow::Error::msg)?;
    println!("{} pictures in {}", files.len(), out.display());
    Ok(())
}
