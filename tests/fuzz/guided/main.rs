//! `FUZZ_TARGET=name guided CORPUS [libFuzzer's options]`. `run.sh` builds and feeds it.

#![no_main]

#[allow(dead_code, reason = "the names are the tests' business")]
#[path = "../targets/mod.rs"]
mod targets;

use std::sync::LazyLock;

static TARGET: LazyLock<&targets::Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    targets::find(&name).unwrap_or_else(|| panic!("FUZZ_TARGET is one of the names in targets/mod.rs, not {name:?}"))
});

/// Seeds and words lie in the folder before libFuzzer reads it.
fn prepare() {
    let Some(folder) = std::env::var_os("FUZZ_FOLDER").map(std::path::PathBuf::from) else { return };
    let write = |name: String, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("the folder can be written");
    std::fs::create_dir_all(folder.join("corpus")).expect("the folder can be made");
    let found = TARGET.found.iter().map(|input| input.to_vec());
    for (at, seed) in (TARGET.seeds)().into_iter().chain(found).enumerate() {
        write(format!("corpus/seed-{at:03}"), &seed);
    }
    let escaped = |word: &str| word.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let words = targets::WORDS.iter().map(|word| format!("\"{}\"\n", escaped(word))).collect::<String>();
    write("words.dict".to_owned(), words.as_bytes());
}

libfuzzer_sys::fuzz_target!(init: prepare(), |bytes: &[u8]| (TARGET.run)(bytes));
