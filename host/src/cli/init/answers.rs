//! Everything that `userload init` has to know before it makes or sends anything.

use std::fs;
use std::io::{BufRead as _, ErrorKind, Read as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::super::credential_keep::sound;
use super::super::interrupt;
use super::super::output::{self, Printer};
use super::super::session::{Session, unknown};
use super::super::trouble::Trouble;
use super::questions::{Ask, Asked, Asker, Question};
use super::{Answers, Arguments, Chosen};
use crate::config::{DEFAULT_ACCESS_ROLES, is_sound_name, nearest};
use crate::model::fold_key;

/// What adds a credential, among those that are there. Not the name of one: names have no blanks.
const NEW: &str = "a new one";

/// Longer answers are none.
const LONGEST_ANSWER: u64 = 4096;

/// One question at the terminal: a choice by arrow keys where the answers are known, else a line.
pub(super) fn ask(printer: Printer, asked: &Asked<'_>) -> Result<String> {
    let nobody =
        || Trouble::usage("nobody answers").help("every question has a flag: `userload init --help`");
    if !asked.choices.is_empty() && output::can_choose() {
        let first = asked.choices.iter().position(|it| Some(*it) == asked.default).unwrap_or(0);
        interrupt::listen_at_prompt(printer);
        let chosen = output::choose(asked.text, asked.choices, first, printer.story_paint());
        output::show_cursor();
        if chosen.as_ref().is_err_and(|it| it.kind() == ErrorKind::Interrupted) {
            // Ctrl-C: whoever listens to it ends the program.
            std::thread::sleep(Duration::from_secs(2));
        }
        return Ok(asked.choices[chosen.map_err(|_| nobody())?].to_owned());
    }
    let choices = match asked.choices {
        [] => String::new(),
        choices => format!(" ({})", choices.join(", ")),
    };
    let default = asked.default.map(|it| format!(" [{it}]")).unwrap_or_default();
    printer.prompt(&format!("{}{choices}{default}: ", asked.text));
    let mut line = String::new();
    if std::io::stdin().lock().take(LONGEST_ANSWER).read_line(&mut line)? == 0 {
        return Err(nobody().into());
    }
    Ok(line)
}

/// Everything that has to be known. Nothing is made or sent.
pub(super) fn answers(
    session: &Session,
    arguments: &mut Arguments,
    asks: Option<Ask<'_>>,
) -> Result<Answers> {
    let store = session.store_if_begun()?;
    let (credentials, integrations) = match &store {
        Some(store) => (
            store.credentials()?.into_iter().map(|it| it.name).collect(),
            store.integrations()?.into_iter().map(|it| it.name).collect(),
        ),
        None => (Vec::new(), Vec::<String>::new()),
    };
    let mut asker = Asker::new(asks);
    let credential = choose(&mut asker, arguments, &credentials)?;
    if matches!(credential, Chosen::New(_)) {
        let ids = "it stands on the overview page of the app registration in Entra";
        for (id, text, flag) in [
            (&mut arguments.settings.tenant_id, "Directory (tenant) ID", "--tenant-id ID"),
            (&mut arguments.settings.client_id, "Application (client) ID", "--client-id ID"),
        ] {
            let question = Question { text, flag, about: ids, default: None, optional: false, choices: &[] };
            let given = asker.answer(id.as_deref(), &question, filled)?;
            *id = Some(given);
        }
        if !asker.asks() && !arguments.secret.given() {
            asker.miss(
                "--secret-file FILE, --secret-env VARIABLE, --secret-stdin or --certificate FILE",
                "what the application proves itself with",
            );
        }
    }
    let proposed = proposed_name(arguments.settings.tenant_id.as_deref());
    let name = asker.answer(
        arguments.name.as_deref(),
        &Question {
            text: "Name of the integration",
            flag: "INTEGRATION",
            about: "what the integration is to be called, as `userload init NAME`",
            default: Some(&proposed),
            optional: false,
            choices: &[],
        },
        |name| match name {
            name if sound(name).is_err() => sound(name),
            name if integrations.iter().any(|it| it == name) => Err(format!(
                "there is an integration `{name}` already; `userload mapping smart {name}` proposes for it"
            )),
            _ => Ok(()),
        },
    )?;
    let access_role = asker.answer(
        arguments.access_role.as_deref(),
        &Question {
            text: "Access role of everybody whom it loads",
            flag: "--access-role ROLE",
            about: "what everybody whom it loads may do in the directory, such as Employee",
            default: Some("Employee"),
            optional: false,
            choices: &DEFAULT_ACCESS_ROLES,
        },
        |role| match DEFAULT_ACCESS_ROLES.iter().any(|it| fold_key(it) == fold_key(role)) {
            true => Ok(()),
            false => Err(format!(
                "`{}` is no access role, expected one of {}",
                role.escape_debug(),
                DEFAULT_ACCESS_ROLES.join(", ")
            )),
        },
    )?;
    let filter = asker.answer(
        arguments.filter.as_deref(),
        &Question {
            text: "Whom to load, in Graph's $filter; `Default` is everybody",
            flag: "--filter FILTER",
            about: "",
            default: Some("Default"),
            optional: true,
            choices: &[],
        },
        filled,
    )?;
    asker.whole()?;
    let file = arguments.file.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.toml")));
    if !arguments.dry_run && !arguments.force && fs::symlink_metadata(&file).is_ok() {
        return Err(Trouble::usage(format!("`{}` is there already", file.display()))
            .help("`--file FILE` writes the document elsewhere, `--force` overwrites it")
            .into());
    }
    let filter = Some(filter).filter(|it| !it.eq_ignore_ascii_case("default"));
    Ok(Answers { name, credential, access_role, filter, file })
}

fn filled(text: &str) -> Result<(), String> {
    match text {
        "" => Err("it is empty".to_owned()),
        text if text.chars().any(char::is_control) => Err("it has control characters".to_owned()),
        _ => Ok(()),
    }
}

/// A name for the integration: the first word of the tenant's domain name, when it was given as one.
fn proposed_name(tenant: Option<&str>) -> String {
    let word = tenant.and_then(|it| it.split_once('.')).map(|(word, _)| word);
    word.filter(|it| is_sound_name(it)).unwrap_or("people").to_owned()
}

/// Which credential: the one that was named, the only one there is, or a new one.
fn choose(asker: &mut Asker<'_>, arguments: &Arguments, names: &[String]) -> Result<Chosen> {
    let settings = &arguments.settings;
    let new = !settings.given()?.is_empty()
        || settings.expires_on()?.is_some()
        || arguments.secret.given()
        || arguments.key.keyring;
    let chosen = |name: String| match names.contains(&name) {
        true => Chosen::Known(name),
        false => Chosen::New(name),
    };
    let default = match names {
        [] => Some("entra"),
        [one] if !new => Some(one.as_str()),
        names if new && !names.iter().any(|it| it == "entra") => Some("entra"),
        _ => None,
    };
    let there = match names {
        [] => "a name of yours".to_owned(),
        names => format!("{}, or a name for a new one", names.join(", ")),
    };
    // Among those that are there an arrow key chooses; a new one has to be named.
    let mut choices: Vec<&str> = names.iter().map(String::as_str).collect();
    choices.push(NEW);
    let picked = match &arguments.credential {
        None if asker.asks() && !new && !names.is_empty() => {
            let text = "Credential";
            let question = Question {
                text,
                flag: "--credential NAME",
                about: "",
                default,
                optional: true,
                choices: &choices,
            };
            // A line, where nothing can be chosen, may hold the new name itself.
            Some(asker.answer(None, &question, |it| if it == NEW { Ok(()) } else { sound(it) })?)
        }
        _ => None,
    };
    let picked = picked.filter(|it| it != NEW);
    let default =
        if asker.asks() && arguments.credential.is_none() && picked.is_none() && !new && !names.is_empty() {
            Some("entra").filter(|it| !names.iter().any(|name| name == it))
        } else {
            default
        };
    let name = asker.answer(
        arguments.credential.as_deref().or(picked.as_deref()),
        &Question {
            text: &format!("Credential ({there})"),
            flag: "--credential NAME",
            about: &format!("what opens the source: {there}"),
            default,
            optional: true,
            choices: &[],
        },
        sound,
    )?;
    match chosen(name) {
        Chosen::Known(name) if new => Err(Trouble::usage(format!("there is a credential `{name}` already"))
            .help(format!(
                "leave its settings out to use it as it is, change it by `userload credential edit {name}`, or give \
                 `--credential` another name"
            ))
            .into()),
        // Nothing but a name, and nobody to ask for the rest: it was meant to be there.
        Chosen::New(name)
            if !new
                && !asker.asks()
                && arguments.credential.is_some()
                && nearest(&name, names.iter().map(String::as_str)).is_some() =>
        {
            Err(unknown("credential", &name, names, "userload credential add NAME").into())
        }
        chosen => Ok(chosen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Arguments {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            arguments: Arguments,
        }
        let words = std::iter::once("init").chain(words.iter().copied());
        <Line as clap::Parser>::try_parse_from(words).unwrap_or_else(|it| panic!("{it}")).arguments
    }

    fn chosen(words: &[&str], names: &[&str], answer: Option<&str>) -> Result<String, String> {
        let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
        let mut said = |_: &Asked<'_>| Ok(answer.unwrap_or_default().to_owned());
        let mut asker = Asker::new(answer.map(|_| -> Ask<'_> { &mut said }));
        let chosen = choose(&mut asker, &arguments(words), &names).map_err(|it| it.to_string())?;
        asker.whole().map_err(|it| it.to_string())?;
        Ok(match chosen {
            Chosen::Known(name) => format!("known {name}"),
            Chosen::New(name) => format!("new {name}"),
        })
    }

    #[test]
    fn the_credential_is_the_named_the_only_or_a_new_one() {
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(chosen(&[], &[], None), ok("new entra"));
        assert_eq!(chosen(&[], &["mine"], None), ok("known mine"));
        assert_eq!(chosen(&["--tenant-id", "t"], &["mine"], None), ok("new entra"));
        assert_eq!(chosen(&["--credential", "b"], &["a", "b"], None), ok("known b"));
        assert_eq!(chosen(&["--credential", "c", "--secret-stdin"], &["a"], None), ok("new c"));
        let several = chosen(&[], &["a", "b"], None).unwrap_err();
        assert!(several.contains("--credential NAME") && several.contains("a, b"), "{several}");
        let both = chosen(&["--credential", "a", "--client-id", "x"], &["a"], None).unwrap_err();
        assert!(both.contains("there is a credential `a` already"), "{both}");
        let near = chosen(&["--credential", "entar"], &["entra"], None).unwrap_err();
        assert!(near.contains("there is no credential `entar`"), "{near}");
        assert_eq!(chosen(&[], &["a", "b"], Some("b")), ok("known b"));
        assert_eq!(chosen(&[], &["a", "b"], Some("third")), ok("new third"));
    }

    #[test]
    fn a_name_is_proposed_from_the_tenants_domain() {
        assert_eq!(proposed_name(Some("contoso.example")), "contoso");
        for other in [None, Some("6731de76-14a6-49ae-97bc-6eba6914391e"), Some("a b.example")] {
            assert_eq!(proposed_name(other), "people");
        }
    }
}
