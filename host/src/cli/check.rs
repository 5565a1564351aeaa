//! A ticked list: what a check found, all of it, each problem with what to do.

use anyhow::Result;

use super::exit::ExitStatus;
use super::output::{Paint, count, json_v1::Answer, shown};
use super::proof::{CheckItem, Verdict};
use super::session::Session;

/// Shows what a check found.
pub(super) fn show(session: &Session, title: &str, items: &[CheckItem]) -> Result<ExitStatus> {
    let problems = items.iter().filter(|item| in_the_way(item)).count();
    if session.printer.json() {
        let answer = Answer::new("ok", problems == 0).and("checks", items);
        session.printer.answer(&answer.text()?)?;
    } else {
        session.printer.answer(&render(title, items, session.printer.paint()))?;
    }
    Ok(if items.iter().any(|item| item.verdict == Verdict::Problem) {
        ExitStatus::Usage
    } else if problems > 0 {
        ExitStatus::Failed
    } else {
        ExitStatus::Done
    })
}

fn in_the_way(item: &CheckItem) -> bool {
    matches!(item.verdict, Verdict::Problem | Verdict::Failure)
}

/// The list itself.
pub(super) fn lines(items: &[CheckItem], paint: Paint) -> String {
    let mut text = String::new();
    for item in items {
        let sign = match item.verdict {
            Verdict::Ok => paint.good("✓"),
            Verdict::Note => paint.warn("i"),
            Verdict::Problem | Verdict::Failure => paint.bad("✗"),
        };
        let mut lines = item.detail.lines();
        let detail = lines.next().map(|line| format!(": {}", shown(line))).unwrap_or_default();
        text.push_str(&format!("  {sign} {}{detail}\n", shown(&item.what)));
        for line in lines {
            text.push_str(&format!("    {}\n", shown(line)));
        }
        if let Some(help) = &item.help {
            for line in help.lines() {
                text.push_str(&format!("      {} {}\n", paint.good("help:"), shown(line)));
            }
        }
    }
    text
}

fn render(title: &str, items: &[CheckItem], paint: Paint) -> String {
    let mut text = format!("{}\n{}", paint.bold(title), lines(items, paint));
    let problems = items.iter().filter(|item| in_the_way(item)).count() as u64;
    text.push_str(&match problems {
        0 => format!("{}\n", paint.good("everything is as it should be")),
        many => {
            format!("{}\n", paint.bad(&format!("{} in the way", count(many, "problem is", "problems are"))))
        }
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_says_what_to_do() {
        let item = |what: &str, verdict, detail: &str, help: Option<&str>| CheckItem {
            what: what.into(),
            verdict,
            detail: detail.into(),
            help: help.map(str::to_owned),
        };
        let items = [
            item("credential", Verdict::Ok, "entra opens contoso.example (global)", None),
            item("guests", Verdict::Note, "312 of 10,000", Some("only-if = \"user_type != 'Guest'\"")),
            item(
                "permission",
                Verdict::Problem,
                "403 Authorization_RequestDenied",
                Some("grant User.Read.All\nand consent"),
            ),
        ];
        insta::assert_snapshot!(render("Check of contoso", &items, Paint(false)), @r#"
        Check of contoso
          ✓ credential: entra opens contoso.example (global)
          i guests: 312 of 10,000
              help: only-if = "user_type != 'Guest'"
          ✗ permission: 403 Authorization_RequestDenied
              help: grant User.Read.All
              help: and consent
        1 problem is in the way
        "#);
        insta::assert_snapshot!(render("Check of contoso", &items[..1], Paint(false)), @r"
        Check of contoso
          ✓ credential: entra opens contoso.example (global)
        everything is as it should be
        ");
    }
}
