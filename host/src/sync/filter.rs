//! A filter before anything is sent: what the plugin says about it, with a caret under each place.

use super::preflight::Problem;
use crate::capabilities::{Log, LogLimits, SecretSet};
use crate::config::{self, Integration};
use crate::engine::contract::{FilterFinding, FilterReport, Setting, Source, Weight};
use crate::engine::{CallError, Plugin, Transformer};

/// Characters of a filter that are shown on each side of a place.
const AROUND: usize = 44;

/// A filter, and what the plugin says about it.
#[derive(Clone, Debug)]
pub struct FilterCheck {
    /// As it stands in the document.
    pub given: String,
    /// What the plugin says.
    pub report: FilterReport,
}

impl FilterCheck {
    /// Asks the plugin about an integration's filter; none when everybody is read. `settings` are those of
    /// its credential, as far as they are known: they decide how long a URL is.
    ///
    /// # Errors
    /// When the plugin fails.
    pub fn of(
        plugin: &Plugin,
        integration: &Integration,
        settings: &[Setting],
    ) -> Result<Option<Self>, CallError> {
        let Some(given) = integration.filter.clone() else { return Ok(None) };
        let mut transformer = Transformer::new(plugin, Log::new(LogLimits::default(), SecretSet::none()));
        // A mapping with faults is told of elsewhere.
        let needs = transformer.examine_mapping(&config::mapping_text(integration))?;
        let source = Source {
            settings: settings.to_vec(),
            filter: Some(given.clone()),
            select: needs.map(|it| it.properties).unwrap_or_default(),
            page_size: integration.page_size,
            delta: false,
        };
        Ok(Some(Self { given, report: transformer.check_filter(&source)? }))
    }

    /// The filter that is sent, when it is not the one that was written.
    #[must_use]
    pub fn sent_instead(&self) -> Option<&str> {
        let sent = self.report.corrected.as_deref().filter(|_| !self.refused());
        sent.filter(|it| *it != self.given.trim())
    }

    /// Whether the source would refuse it.
    #[must_use]
    pub fn refused(&self) -> bool {
        self.report.findings.iter().any(|it| it.weight == Weight::Refused)
    }

    /// What stands in the way, if something does.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        if !self.refused() {
            return None;
        }
        let what = format!("the source would refuse it\n{}", self.excerpts(Weight::Refused).join("\n"));
        let help = match &self.report.corrected {
            Some(corrected) => format!("write it so: {corrected}"),
            None => "`Default` reads everybody; `userload integration save --help` has examples".to_owned(),
        };
        Some(Problem { place: "filter", what, help: Some(help) })
    }

    /// What may not mean what was meant: each with its place.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.excerpts(Weight::Suspicious)
    }

    fn excerpts(&self, weight: Weight) -> Vec<String> {
        let of = self.report.findings.iter().filter(|it| it.weight == weight);
        of.map(|finding| excerpt(&self.given, finding)).collect()
    }
}

/// Two lines: the filter around a place, and a caret under it with what is to be said.
fn excerpt(filter: &str, finding: &FilterFinding) -> String {
    let place = |at: u32| {
        let mut at = usize::try_from(at).unwrap_or(usize::MAX).min(filter.len());
        while !filter.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (place(finding.start), place(finding.end.max(finding.start)));
    // What does something to a terminal takes a column, and does nothing.
    let plain = |it: char| if it.is_control() || ('\u{2028}'..='\u{202e}').contains(&it) { ' ' } else { it };
    let mut before: Vec<char> = filter[..start].chars().rev().take(AROUND).collect();
    before.reverse();
    let cut_before = filter[..start].chars().count() > before.len();
    let marked: Vec<char> = filter[start..end].chars().take(2 * AROUND).collect();
    let behind: Vec<char> = filter[start..].chars().skip(marked.len()).take(AROUND).collect();
    let cut_behind = filter[start..].chars().count() > marked.len() + behind.len();
    let line: String = before.iter().chain(&marked).chain(&behind).copied().map(plain).collect();
    let width = |of: &[char]| unicode_width::UnicodeWidthStr::width(of.iter().collect::<String>().as_str());
    let (open, close) = (if cut_before { "…" } else { "" }, if cut_behind { "…" } else { "" });
    let indent = width(&before) + usize::from(cut_before);
    let carets = "^".repeat(width(&marked).max(1));
    format!("  {open}{line}{close}\n  {}{carets} {}", " ".repeat(indent), finding.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(start: u32, end: u32) -> FilterFinding {
        FilterFinding { weight: Weight::Refused, start, end, text: "what is wrong".to_owned() }
    }

    #[test]
    fn the_caret_stands_under_its_place() {
        insta::assert_snapshot!(excerpt("city = 'Köln'", &finding(5, 6)), @r"
          city = 'Köln'
               ^ what is wrong
        ");
        insta::assert_snapshot!(excerpt("city eq '東京' x", &finding(8, 16)), @r"
          city eq '東京' x
                  ^^^^^^ what is wrong
        ");
        insta::assert_snapshot!(excerpt("city eq", &finding(7, 7)), @r"
          city eq
                 ^ what is wrong
        ");
        let long = format!("city eq 'x' and {} = 1", "a".repeat(60));
        insta::assert_snapshot!(excerpt(&long, &finding(77, 78)), @r"
          …aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa = 1
                                                       ^ what is wrong
        ");
        // A plugin that points beyond the text does no harm.
        excerpt("é", &finding(1, 99));
        excerpt("é", &finding(u32::MAX, 0));
    }
}
