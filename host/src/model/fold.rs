//! How keys are compared: case-folded and in Unicode's normal form C, so that `Ana@Example.com` and
//! `ana@example.com` are one key, however their accents were typed.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;

/// The form of a value that keys are compared by. `None` when nothing is left to compare: an empty value
/// never matches.
#[must_use]
pub fn fold_key(value: &str) -> Option<Cow<'_, str>> {
    let value = value.trim();
    if value.is_empty() {
        return None;
    }
    if value.is_ascii() {
        return Some(if value.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(value.to_ascii_lowercase())
        } else {
            Cow::Borrowed(value)
        });
    }
    // Unicode 15, section 3.13, D146: normalise, fold, normalise again.
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    let folded = CaseMapper::new().fold_string(&nfc.normalize(value)).into_owned();
    Some(Cow::Owned(nfc.normalize(&folded).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::fold_key;

    #[test]
    fn case_and_composition_do_not_matter() {
        assert_eq!(fold_key("ANA@Example.com"), fold_key("ana@example.COM"));
        assert_eq!(fold_key("Jos\u{e9}@example.com"), fold_key("JOSE\u{301}@example.com"));
        assert_eq!(fold_key("stra\u{df}e"), fold_key("STRASSE"));
        assert_ne!(fold_key("ana"), fold_key("anna"));
    }

    #[test]
    fn empty_values_are_no_key() {
        assert_eq!(fold_key(""), None);
        assert_eq!(fold_key(" \t"), None);
    }
}
