use super::*;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

const SECRET: &str = "Q~8 \"s/e+c\\ret?&ü~longEnough";

fn found(text: &str) -> bool {
    Needles::of(&[Secret::new(SECRET)]).found_in(text.as_bytes())
}

/// Every character as `\uXXXX`.
fn units(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// Every byte as `%XX`.
fn percents(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn every_disguise_is_found() {
    assert!(found(&format!("before {SECRET} after")));
    assert!(found(&utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string()));
    assert!(found(
        &utf8_percent_encode(SECRET, NON_ALPHANUMERIC)
            .to_string()
            .to_lowercase()
            .replace("q", "Q")
            .replace("longenough", "longEnough")
    ));
    assert!(found(&form_urlencoded::byte_serialize(SECRET.as_bytes()).collect::<String>()));
    assert!(found(&percents(SECRET)));
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(found(&hex) && found(&hex.to_uppercase()));
    for before in ["", "a", "ab", "abc", "client_secret="] {
        for after in ["", "x", "xy"] {
            let text = format!("{before}{SECRET}{after}");
            assert!(found(&base64::engine::general_purpose::STANDARD.encode(&text)), "{text}");
            assert!(found(&base64::engine::general_purpose::URL_SAFE.encode(&text)), "{text}");
        }
    }
}

#[test]
fn escapes_hide_nothing_whatever_the_type_of_the_text_is() {
    let json = serde_json::json!({"a": {"b": [SECRET]}}).to_string();
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    for text in [
        format!("[\"{}\"]", units(SECRET)),
        format!("{{\"a\":1}}\n{{\"b\":\"{}\"}}", units(SECRET)),
        format!("<p>{}", units(SECRET)),
        format!("{{\"broken\":\"{}", units(SECRET)),
        SECRET.replace('\\', "\\\\").replace('"', "\\\"").replace('/', "\\/"),
        // Two layers, in either order, and twice the same.
        units(&percents(SECRET)),
        percents(&units(SECRET)),
        percents(&percents(SECRET)),
        serde_json::json!(json).to_string(),
        units(&hex),
        form_urlencoded::byte_serialize(json.as_bytes()).collect(),
        json,
    ] {
        assert!(found(&text), "{text}");
    }
}

#[test]
fn other_texts_are_not_found() {
    assert!(!found("{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215\"}"));
    assert!(!found(&SECRET[1..]));
    assert!(!found(&units(&SECRET[1..])) && !found(&percents(&SECRET[1..])));
    assert!(!Needles::of(&[]).found_in(b"anything"));
}

#[test]
fn memory_does_not_grow_with_the_text() {
    let needles = Needles::of(&[Secret::new(SECRET)]);
    let mut search = needles.search();
    let piece = r"\u0041%41+\n ".repeat(100);
    for _ in 0..500 {
        assert!(!search.push(piece.as_bytes()));
    }
    let held = size(&search.view);
    let bound = needles.longest * (WIDEST.pow(2) + 3 * WIDEST + 9);
    assert!(held <= bound, "{held} bytes: at most one tail for each reading, which are {bound}");
}

fn size(view: &View) -> usize {
    let behind = view.behind.iter().filter_map(|it| it.awake.as_ref());
    view.tail.ring.len() + behind.map(|(_, view)| size(view)).sum::<usize>()
}

/// One character in one of the ways in which a reply may write it.
fn disguised(it: char, way: u8) -> String {
    match way % 4 {
        0 if it != '+' => it.to_string(),
        1 => percents(&it.to_string()),
        _ => units(&it.to_string()),
    }
}

proptest! {
    /// Whatever stands around it, however it is cut into pieces, and however each character is written.
    #[test]
    fn a_secret_is_found_wherever_it_stands(
        // Without `%` and `\`: written in two ways within one text, they could be read in two ways.
        secret in r#"[ -$&-\[\]-~ü€\x{1F600}]{8,40}"#,
        ways in proptest::collection::vec(any::<u8>(), 40),
        before in r#"[ -~]{0,400}"#,
        after: String,
        cut in 1_usize..50,
    ) {
        let written: String = secret.chars().zip(&ways).map(|(it, way)| disguised(it, *way)).collect();
        // An escape that what stands before left open belongs to what stands before.
        let text = format!("{before} ####### {written} {after}");
        let needles = Needles::of(&[Secret::new(&secret)]);
        let mut search = needles.search();
        let found = text.as_bytes().chunks(cut).any(|piece| search.push(piece));
        prop_assert!(found || search.finish(), "{text}");
    }

    /// What is found does stand there once escapes are resolved: nothing is refused by chance.
    #[test]
    fn nothing_else_is_found(text in r#"[a-f0-9%\\u+"/]{0,300}"#) {
        let needles = Needles::of(&[Secret::new("Not-There-At-All")]);
        prop_assert!(!needles.found_in(text.as_bytes()));
    }
}
