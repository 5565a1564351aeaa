//! What a manifest comes to once its holes are filled with an integration's settings. Pure.

use super::contract::{Manifest, Place as WitPlace, SecretKind as WitKind, Setting};
use crate::capabilities::holes::{self, HoleError};
use crate::capabilities::{Binding, Origin, Place, SecretAsk, SecretKind, TokenAsk};
use http::{HeaderName, Method};

/// What a plugin asks for, for one integration.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Where to: the first half of `Grants`.
    pub origins: Vec<Origin>,
    /// With which secrets: the first half of `SecretSet`.
    pub secrets: Vec<SecretAsk>,
    /// Where the tokens of a reply may be sent.
    pub tokens: Vec<TokenAsk>,
}

/// Why a manifest and settings do not make a list: all problems at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.join("; "))]
pub struct NeedsError {
    /// One clause each.
    pub problems: Vec<String>,
}

impl Needs {
    /// `settings` are the completed ones.
    pub fn of(manifest: &Manifest, settings: &[Setting]) -> Result<Self, NeedsError> {
        let lookup = |name: &str| settings.iter().find(|one| one.name == name).map(|one| one.value.as_str());
        let origin = |template: &str| holes::origin(template, lookup);
        let mut problems = Vec::new();
        let mut needs = Self::default();
        for template in &manifest.origins {
            note(&mut problems, "an origin", origin(template).map(|origin| needs.origins.push(origin)));
        }
        let asked = |when: &Option<Setting>| {
            when.as_ref().is_none_or(|it| lookup(&it.name) == Some(it.value.as_str()))
        };
        for ask in manifest.secrets.iter().filter(|ask| asked(&ask.when)) {
            let about = format!("the secret `{}`", ask.name);
            let kind = || match (ask.kind, &ask.subject) {
                (WitKind::Text, _) => Ok(SecretKind::Text),
                (WitKind::SigningKey, Some(subject)) => {
                    Ok(SecretKind::SigningKey { subject: holes::word(subject, lookup).map_err(words)? })
                }
                (WitKind::SigningKey, None) => {
                    Err("it does not say whom its assertions speak for".to_owned())
                }
            };
            let binding = || {
                Ok::<_, String>(Binding {
                    origin: origin(&ask.origin).map_err(words)?,
                    method: Some(
                        Method::from_bytes(ask.method.as_bytes()).map_err(|error| error.to_string())?,
                    ),
                    path: Some(holes::path(&ask.path, lookup).map_err(words)?),
                    place: place(&ask.place)?,
                })
            };
            let done = binding().and_then(|binding| {
                if binding.is_wide() && matches!(binding.place, Place::FormField(_)) {
                    return Err("a form field is bound to one path, such as that of the sign-in".to_owned());
                }
                let (name, optional, kind) = (ask.name.clone(), ask.optional, kind()?);
                needs.secrets.push(SecretAsk { name, kind, optional, binding });
                Ok(())
            });
            note(&mut problems, &about, done);
        }
        for ask in &manifest.tokens {
            let about = format!("the token `{}`", ask.field);
            let done = origin(&ask.origin).map_err(words).and_then(|origin| {
                needs.tokens.push(TokenAsk { field: ask.field.clone(), origin, place: place(&ask.place)? });
                Ok(())
            });
            note(&mut problems, &about, done);
        }
        if problems.is_empty() { Ok(needs) } else { Err(NeedsError { problems }) }
    }
}

fn words(error: HoleError) -> String {
    error.to_string()
}

fn note<E: ToString>(problems: &mut Vec<String>, about: &str, done: Result<(), E>) {
    if let Err(error) = done {
        problems
            .push(format!("the plugin's manifest asks for {about} that cannot be: {}", error.to_string()));
    }
}

fn place(place: &WitPlace) -> Result<Place, String> {
    match place {
        WitPlace::Header((name, prefix)) => {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
            Ok(Place::Header { name, prefix: prefix.clone() })
        }
        WitPlace::FormField(name) => Ok(Place::FormField(name.clone())),
    }
}
