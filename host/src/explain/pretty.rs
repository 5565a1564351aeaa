//! A record over several lines, with the source's own text of every value.

/// JSON, indented. Nothing but the blanks between its words changes: numbers keep their digits, texts their
/// escapes. What is no JSON comes back in lines as well as it can.
#[must_use]
pub fn pretty(json: &str) -> String {
    let mut text = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut letters = json.chars().peekable();
    let (mut quoted, mut escaped) = (false, false);
    let line = |text: &mut String, depth: usize| {
        text.push('\n');
        text.push_str(&"  ".repeat(depth));
    };
    while let Some(letter) = letters.next() {
        if quoted {
            text.push(letter);
            (quoted, escaped) = match letter {
                _ if escaped => (true, false),
                '\\' => (true, true),
                '"' => (false, false),
                _ => (true, false),
            };
            continue;
        }
        match letter {
            ' ' | '\t' | '\r' | '\n' => {}
            '"' => {
                quoted = true;
                text.push(letter);
            }
            '{' | '[' => {
                text.push(letter);
                while letters.peek().is_some_and(|it| it.is_ascii_whitespace()) {
                    letters.next();
                }
                if matches!(letters.peek(), Some('}' | ']')) {
                    text.extend(letters.next());
                } else {
                    // A deep record is no reason for long lines.
                    depth = (depth + 1).min(64);
                    line(&mut text, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut text, depth);
                text.push(letter);
            }
            ',' => {
                text.push(letter);
                line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::pretty;
    use proptest::prelude::*;

    #[test]
    fn every_value_keeps_its_text() {
        let raw = r#"{"id":"a","n":12345678901234567890,"e":1e5, "t":"a \"b\": {c}, \u00e9\\","o":{"l":[1,[],{}]}}"#;
        insta::assert_snapshot!(pretty(raw), @r#"
        {
          "id": "a",
          "n": 12345678901234567890,
          "e": 1e5,
          "t": "a \"b\": {c}, \u00e9\\",
          "o": {
            "l": [
              1,
              [],
              {}
            ]
          }
        }
        "#);
    }

    /// The words of a JSON text, without the blanks between them.
    fn words(json: &str) -> String {
        let (mut quoted, mut escaped) = (false, false);
        json.chars()
            .filter(|letter| {
                let inside = quoted;
                if quoted {
                    (quoted, escaped) = (*letter != '"' || escaped, *letter == '\\' && !escaped);
                } else {
                    quoted = *letter == '"';
                }
                inside || !letter.is_ascii_whitespace()
            })
            .collect()
    }

    proptest! {
        #[test]
        fn nothing_but_blanks_changes(text in "[\\[\\]{}:,\"\\\\ a1é\n]{0,60}") {
            prop_assert_eq!(words(&pretty(&text)), words(&text));
        }
    }
}
