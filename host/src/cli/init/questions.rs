//! What `userload init` has to know: from its arguments, from the store, and from somebody at a terminal, in this
//! order. Whoever is not there to be asked is told every flag that is missing, at once.

use anyhow::Result;

use super::super::trouble::Trouble;

/// What is put to somebody.
pub(super) struct Asked<'a> {
    /// The question, after what was wrong with the last answer.
    pub(super) text: &'a str,
    /// What an empty answer means.
    pub(super) default: Option<&'a str>,
    /// The answers that there are; none = any text.
    pub(super) choices: &'a [&'a str],
}

/// Puts a question to somebody and gives their answer.
pub(super) type Ask<'a> = &'a mut dyn FnMut(&Asked<'_>) -> Result<String>;

/// How often a wrong answer may be given.
const TRIES: usize = 3;

/// One question.
pub(super) struct Question<'a> {
    /// As it is asked.
    pub(super) text: &'a str,
    /// The argument that answers it as well.
    pub(super) flag: &'a str,
    /// What it is for, where nobody can be asked.
    pub(super) about: &'a str,
    /// What an empty answer means.
    pub(super) default: Option<&'a str>,
    /// Whether the default holds where nobody can be asked.
    pub(super) optional: bool,
    /// The answers to choose from; none = any text.
    pub(super) choices: &'a [&'a str],
}

/// Collects answers.
pub(super) struct Asker<'a> {
    ask: Option<Ask<'a>>,
    missing: Vec<String>,
}

impl<'a> Asker<'a> {
    /// One that asks; none = nobody can be asked.
    pub(super) fn new(ask: Option<Ask<'a>>) -> Self {
        Self { ask, missing: Vec::new() }
    }

    /// Whether somebody can be asked.
    pub(super) fn asks(&self) -> bool {
        self.ask.is_some()
    }

    /// An answer is missing, and cannot be asked for.
    pub(super) fn miss(&mut self, flag: &str, about: &str) {
        self.missing.push(format!("{flag}  {about}"));
    }

    /// The answer that was given, else the one that somebody gives. Empty where it is missing: see
    /// [`Asker::whole`].
    ///
    /// # Errors
    /// When an answer is not right, or nobody answers.
    pub(super) fn answer(
        &mut self,
        given: Option<&str>,
        question: &Question<'_>,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<String> {
        if let Some(given) = given {
            let given = given.trim();
            return match check(given) {
                Ok(()) => Ok(given.to_owned()),
                Err(what) => Err(Trouble::usage(format!("{}: {what}", question.flag))
                    .help("`userload init --help` has every answer with its flag")
                    .into()),
            };
        }
        let Some(ask) = &mut self.ask else {
            return Ok(match question.default.filter(|_| question.optional) {
                Some(default) => default.to_owned(),
                None => {
                    self.miss(question.flag, question.about);
                    String::new()
                }
            });
        };
        let mut text = question.text.to_owned();
        for _ in 0..TRIES {
            let asked = Asked { text: &text, default: question.default, choices: question.choices };
            let said = ask(&asked)?;
            let said = match (said.trim(), question.default) {
                ("", Some(default)) => default.to_owned(),
                (said, _) => said.to_owned(),
            };
            match check(&said) {
                Ok(()) => return Ok(said),
                Err(what) => text = format!("{what}\n{}", question.text),
            }
        }
        Err(Trouble::usage(format!("{}: no answer that can be used", question.flag)).into())
    }

    /// Whether everything is known.
    ///
    /// # Errors
    /// Every flag that is missing.
    pub(super) fn whole(self) -> Result<()> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let what = format!(
            "{} missing, and there is no terminal to ask at:\n  {}",
            if self.missing.len() == 1 { "an answer is" } else { "answers are" },
            self.missing.join("\n  ")
        );
        Err(Trouble::usage(what).help("`userload init --help` has an example with all of them").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: Question<'static> = Question {
        text: "Access role",
        flag: "--access-role ROLE",
        about: "what everybody may do",
        default: Some("Employee"),
        optional: false,
        choices: &["Employee", "Guest"],
    };

    fn known(role: &str) -> Result<(), String> {
        if ["Employee", "Guest"].contains(&role) { Ok(()) } else { Err(format!("`{role}` is no role")) }
    }

    #[test]
    fn a_flag_goes_before_a_question() {
        let mut asked = 0;
        let mut ask = |_: &Asked<'_>| {
            asked += 1;
            Ok(String::new())
        };
        let mut asker = Asker::new(Some(&mut ask));
        assert_eq!(asker.answer(Some(" Guest "), &ROLE, known).unwrap(), "Guest");
        let error = asker.answer(Some("Boss"), &ROLE, known).unwrap_err();
        assert_eq!(error.to_string(), "--access-role ROLE: `Boss` is no role");
        assert_eq!(asked, 0);
    }

    #[test]
    fn a_wrong_answer_is_asked_for_again_but_not_for_ever() {
        let mut answers = vec!["Boss", "Guest"].into_iter();
        let mut prompts = Vec::new();
        let mut ask = |asked: &Asked<'_>| {
            assert_eq!(asked.choices, ["Employee", "Guest"]);
            prompts.push(format!("{} [{}]", asked.text, asked.default.unwrap_or_default()));
            Ok(answers.next().unwrap_or("Boss").to_owned())
        };
        let mut asker = Asker::new(Some(&mut ask));
        assert_eq!(asker.answer(None, &ROLE, known).unwrap(), "Guest");
        assert!(
            asker.answer(None, &ROLE, known).unwrap_err().to_string().contains("no answer that can be used")
        );
        assert!(asker.whole().is_ok());
        assert_eq!(prompts.len(), 2 + TRIES);
        assert_eq!(prompts[..2], ["Access role [Employee]", "`Boss` is no role\nAccess role [Employee]"]);
    }

    #[test]
    fn an_empty_answer_is_the_default() {
        let mut ask = |_: &Asked<'_>| Ok("  ".to_owned());
        assert_eq!(Asker::new(Some(&mut ask)).answer(None, &ROLE, known).unwrap(), "Employee");
    }

    #[test]
    fn without_anybody_to_ask_every_missing_flag_is_named() {
        let mut asker = Asker::new(None);
        assert_eq!(asker.answer(None, &ROLE, known).unwrap(), "");
        let optional = Question { flag: "--filter FILTER", optional: true, ..ROLE };
        assert_eq!(asker.answer(None, &optional, known).unwrap(), "Employee");
        asker.miss("--tenant-id ID", "the directory");
        let error = asker.whole().unwrap_err().to_string();
        assert_eq!(
            error,
            "answers are missing, and there is no terminal to ask at:\n  --access-role ROLE  what everybody may \
             do\n  --tenant-id ID  the directory"
        );
    }
}
