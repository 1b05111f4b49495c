//! What a language folder must have before the build takes it.

#[path = "../ui/catalogue.rs"]
mod of_build;

use of_build::{CONTEXT_END, Message, literal, parse, plural_forms};

const RUSSIAN: &str = "Language: ru\nPlural-Forms: nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : 1);\n";

#[test]
fn a_plural_with_fewer_forms_than_the_language_has_is_not_complete() {
    let po = "msgid \"{n} copy\"\nmsgid_plural \"{n} copies\"\nmsgstr[0] \"{n} копия\"\nmsgstr[1] \"{n} копии\"\n";
    let two = parse(po).expect("read").remove("{n} copy").expect("there");
    let three = parse(&format!("{po}msgstr[2] \"{{n}} копий\"\n")).expect("read").remove("{n} copy").expect("there");
    let forms = plural_forms(RUSSIAN).expect("a header");
    assert_eq!(forms, 3);
    assert!(!two.is_complete("{n} copies", forms), "two of three");
    assert!(three.is_complete("{n} copies", forms));
    assert!(!three.is_complete("{n} copies", 2), "one too many");
    assert!(!three.is_complete("", forms), "the source has no plural");
    let empty = Message { translations: vec![String::new(); 3], ..three };
    assert!(!empty.is_complete("{n} copies", forms));
}

#[test]
fn a_header_without_plural_forms_is_refused() {
    for header in ["", "Language: ru\n", "Plural-Forms: plural=0;\n", "Plural-Forms: nplurals=0; plural=0;\n"] {
        assert!(plural_forms(header).is_err(), "{header:?}");
    }
    assert_eq!(plural_forms("Plural-Forms: nplurals=1; plural=0;\n"), Ok(1));
}

#[test]
fn entries_are_read_with_context_and_continued_lines() {
    let all = parse("\u{FEFF}msgctxt \"paper\"\r\nmsgid \"Paid\"\r\nmsgstr \"\"\r\n\"결제\"\r\n").expect("read");
    assert_eq!(all[&format!("paper{CONTEXT_END}Paid")].translations, ["결제"]);
    assert_eq!(literal("\"a\\\"b\\n\" rest"), Some(("a\"b\n".to_owned(), " rest")));
    assert!(parse("msgid Paid\n").is_err());
}
