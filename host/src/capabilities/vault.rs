//! The secrets of one run: values that only the door sees, and the placeholders that stand for them.

use super::assertion::{self, SigningKey};
pub use super::binding::{Binding, Place, SecretAsk, SecretKind, TokenAsk};
use super::origin::Origin;
use super::secret::Secret;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long a placeholder is, in letters and digits: 285 bits that nobody can guess.
pub const PLACEHOLDER_LENGTH: usize = 48;

/// How many different tokens one run may receive. An hour's run renews a token once or twice.
const MAX_TOKENS: usize = 256;

/// How many assertions one run may sign: one for each token, and one more where the clock was wrong.
const MAX_ASSERTIONS: usize = 256;

/// No clock of a source is believed to differ from ours by more, in seconds: a day.
const MAX_SKEW: i64 = 24 * 60 * 60;

/// Shorter values cannot be told from ordinary text in a reply.
pub const MIN_SECRET: usize = 8;

/// Why there is no placeholder. The same cases as the contract's `secret-error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Not asked for in the manifest.
    #[error("the manifest does not ask for this secret")]
    NotGranted,
    /// Asked for, but no value was given.
    #[error("the secret has no value")]
    Missing,
    /// Not a key.
    #[error("the secret is not a key to sign with")]
    NotSignable,
    /// Not the granted token URL.
    #[error("the audience is not the granted token URL")]
    WrongAudience,
}

/// Why a run cannot start with these secrets: all problems at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.join("; "))]
pub struct SecretSetError {
    /// One clause each; names only.
    pub problems: Vec<String>,
}

/// The secrets of one run. Clones share it.
#[derive(Clone, Default)]
pub struct SecretSet(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    asks: BTreeMap<String, (SecretAsk, Option<Arc<Secret>>)>,
    tokens: Vec<TokenAsk>,
    /// By placeholder.
    issued: HashMap<String, Issued>,
    /// The placeholder of each secret that was asked for in this run.
    of_secret: HashMap<String, String>,
    /// Names of secrets that the source has answered with success.
    accepted: BTreeSet<String>,
    /// How many seconds the clock of a key's origin is ahead of ours, as it said last.
    ahead: HashMap<Origin, i64>,
    /// How many assertions were signed.
    signed: usize,
}

/// What a placeholder stands for.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(crate) value: Arc<Secret>,
    /// None: bound to nothing, refused everywhere.
    pub(crate) binding: Option<Binding>,
    /// A token that a reply brought, and not a secret of the operator's.
    pub(crate) is_token: bool,
}

impl SecretSet {
    /// No secret at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// `values` by the names that `asks` gives them. A required one without a value, a value that nobody
    /// asks for, and a value that is too short are refused together.
    pub fn new(
        asks: impl IntoIterator<Item = SecretAsk>,
        tokens: impl IntoIterator<Item = TokenAsk>,
        values: impl IntoIterator<Item = (String, Secret)>,
    ) -> Result<Self, SecretSetError> {
        let mut problems = Vec::new();
        let mut state = State { tokens: tokens.into_iter().collect(), ..State::default() };
        for ask in asks {
            let name = ask.name.clone();
            if state.asks.insert(name.clone(), (ask, None)).is_some() {
                problems.push(format!("the manifest asks for the secret `{name}` twice"));
            }
        }
        let mut short = Vec::new();
        for (name, value) in values {
            match state.asks.get_mut(&name) {
                None => problems.push(format!("the plugin does not ask for a secret `{name}`")),
                Some(_) if value.expose().len() < MIN_SECRET => {
                    problems.push(format!("the secret `{name}` is shorter than {MIN_SECRET} characters"));
                    short.push(name);
                }
                Some((ask, slot)) => {
                    if matches!(ask.kind, SecretKind::SigningKey { .. })
                        && let Err(error) = SigningKey::from_pem(value.expose())
                    {
                        problems.push(format!("the secret `{name}`: {error}"));
                    }
                    *slot = Some(Arc::new(value));
                }
            }
        }
        for (name, (ask, value)) in &state.asks {
            if value.is_none() && !ask.optional && !short.contains(name) {
                problems.push(format!("the secret `{name}` has no value"));
            }
        }
        if problems.is_empty() {
            Ok(Self(Arc::new(Mutex::new(state))))
        } else {
            Err(SecretSetError { problems })
        }
    }

    /// The placeholder for `name`: the same for the whole run.
    pub fn placeholder(&self, name: &str) -> Result<String, SecretError> {
        let mut state = self.lock();
        if let Some(placeholder) = state.of_secret.get(name) {
            return Ok(placeholder.clone());
        }
        let (ask, value) = state.asks.get(name).ok_or(SecretError::NotGranted)?;
        if matches!(ask.kind, SecretKind::SigningKey { .. }) {
            // A key itself is never sent.
            return Err(SecretError::NotGranted);
        }
        let value = value.clone().ok_or(SecretError::Missing)?;
        let binding = Some(ask.binding.clone());
        let placeholder = fresh(&state.issued);
        state.issued.insert(placeholder.clone(), Issued { value, binding, is_token: false });
        state.of_secret.insert(name.to_owned(), placeholder.clone());
        Ok(placeholder)
    }

    /// A placeholder for a new assertion, signed with the key `name` for `audience`, which must be the URL
    /// that the key is bound to.
    pub fn sign_assertion(&self, name: &str, audience: &str) -> Result<String, SecretError> {
        let mut state = self.lock();
        let (ask, value) = state.asks.get(name).ok_or(SecretError::NotGranted)?;
        let value = value.clone().ok_or(SecretError::Missing)?;
        let SecretKind::SigningKey { subject } = &ask.kind else { return Err(SecretError::NotSignable) };
        let binding = ask.binding.clone();
        let url = format!("{}{}", binding.origin, binding.path.as_deref().unwrap_or_default());
        if audience != url {
            return Err(SecretError::WrongAudience);
        }
        if state.signed >= MAX_ASSERTIONS {
            return Err(SecretError::NotGranted);
        }
        let key = SigningKey::from_pem(value.expose()).map_err(|_| SecretError::NotSignable)?;
        let now = assertion::now() + state.ahead.get(&binding.origin).copied().unwrap_or_default();
        let signed = assertion::sign(&key, subject, audience, now).map_err(|_| SecretError::NotSignable)?;
        state.signed += 1;
        let placeholder = fresh(&state.issued);
        let issued = Issued { value: Arc::new(signed), binding: Some(binding), is_token: false };
        state.issued.insert(placeholder.clone(), issued);
        Ok(placeholder)
    }

    /// Whether the source has answered the secret `name` with success.
    pub fn accepted(&self, name: &str) -> bool {
        self.lock().accepted.contains(name)
    }

    /// The source answered these secrets with success.
    pub(crate) fn accept(&self, sent: &[Arc<Secret>]) {
        let state = &mut *self.lock();
        for (name, (_, value)) in &state.asks {
            if value.as_ref().is_some_and(|own| sent.iter().any(|it| Arc::ptr_eq(own, it))) {
                state.accepted.insert(name.clone());
            }
        }
    }

    /// An answer of `origin` said that it was `date` there (RFC 9110, 6.6.1).
    pub(crate) fn hear_time(&self, origin: &Origin, date: &str) {
        let mut state = self.lock();
        let signs = |(ask, _): &(SecretAsk, _)| {
            matches!(ask.kind, SecretKind::SigningKey { .. }) && ask.binding.origin == *origin
        };
        if !state.asks.values().any(signs) {
            return;
        }
        let Ok(there) = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date) else { return };
        let ahead = there.as_second().saturating_sub(assertion::now());
        if ahead.abs() <= MAX_SKEW {
            state.ahead.insert(origin.clone(), ahead);
        }
    }

    /// The placeholder for a token that stood in `field` of a reply. None when the run has had too many.
    pub(crate) fn issue_token(&self, field: &str, token: &str) -> Option<String> {
        let mut state = self.lock();
        let known = state.issued.iter().find(|(_, issued)| issued.is_token && issued.value.expose() == token);
        if let Some((placeholder, _)) = known {
            return Some(placeholder.clone());
        }
        if state.issued.values().filter(|issued| issued.is_token).count() >= MAX_TOKENS {
            return None;
        }
        let ask = state.tokens.iter().find(|ask| ask.field == field);
        let binding = ask.map(|ask| Binding {
            origin: ask.origin.clone(),
            method: None,
            path: None,
            place: ask.place.clone(),
        });
        let placeholder = fresh(&state.issued);
        let value = Arc::new(Secret::new(token));
        state.issued.insert(placeholder.clone(), Issued { value, binding, is_token: true });
        Some(placeholder)
    }

    /// Whether a reply's `field` holds a token by the manifest's word.
    pub(crate) fn names_token(&self, field: &str) -> bool {
        self.lock().tokens.iter().any(|ask| ask.field == field)
    }

    /// The fields of replies that hold a token by the manifest's word.
    pub(crate) fn token_fields(&self) -> Vec<String> {
        self.lock().tokens.iter().map(|ask| ask.field.clone()).collect()
    }

    /// What `text` stands for, if it is a placeholder and nothing else.
    pub(crate) fn lookup(&self, text: &str) -> Option<Issued> {
        self.lock().issued.get(text).cloned()
    }

    /// Whether a placeholder of this run stands anywhere in `bytes`.
    pub(crate) fn stands_in(&self, bytes: &[u8]) -> bool {
        let state = self.lock();
        if state.issued.is_empty() {
            return false;
        }
        let words = bytes.split(|byte| !byte.is_ascii_alphanumeric());
        words.filter(|word| word.len() >= PLACEHOLDER_LENGTH).any(|word| {
            let mut windows = word.windows(PLACEHOLDER_LENGTH);
            windows
                .any(|window| std::str::from_utf8(window).is_ok_and(|text| state.issued.contains_key(text)))
        })
    }

    /// `text` with every value that this run knows replaced by `***`.
    pub fn redact(&self, text: &str) -> String {
        let state = self.lock();
        let given = state.asks.values().filter_map(|(_, value)| value.as_ref());
        let received = state.issued.values().map(|issued| &issued.value);
        let mut text = text.to_owned();
        for value in given.chain(received) {
            if text.contains(value.expose()) {
                text = text.replace(value.expose(), "***");
            }
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SecretSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("SecretSet")
            .field("names", &state.asks.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// A placeholder that nobody has yet.
fn fresh(issued: &HashMap<String, Issued>) -> String {
    loop {
        let placeholder = random_word();
        if !issued.contains_key(&placeholder) {
            return placeholder;
        }
    }
}

fn random_word() -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut word = String::with_capacity(PLACEHOLDER_LENGTH);
    let mut bytes = [0_u8; 64];
    while word.len() < PLACEHOLDER_LENGTH {
        getrandom::fill(&mut bytes).expect("the operating system has no random numbers");
        // 248 is the largest multiple of 62: taking more would prefer some letters.
        let fair = bytes.iter().filter(|byte| **byte < 248).map(|byte| ALPHABET[usize::from(byte % 62)]);
        word.extend(fair.take(PLACEHOLDER_LENGTH - word.len()).map(char::from));
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    fn ask(name: &str, kind: SecretKind, optional: bool) -> SecretAsk {
        let binding = Binding {
            origin: "https://login.example".parse().unwrap(),
            method: Some(Method::POST),
            path: Some("/token".to_owned()),
            place: Place::FormField("client_secret".to_owned()),
        };
        SecretAsk { name: name.to_owned(), kind, optional, binding }
    }

    fn value(name: &str, text: &str) -> (String, Secret) {
        (name.to_owned(), Secret::new(text))
    }

    #[test]
    fn a_placeholder_is_48_letters_and_digits_stable_in_a_run_and_new_in_the_next() {
        let set =
            || SecretSet::new([ask("s", SecretKind::Text, false)], [], [value("s", "long-enough")]).unwrap();
        let run = set();
        let placeholder = run.placeholder("s").unwrap();
        assert_eq!(placeholder.len(), PLACEHOLDER_LENGTH);
        assert!(placeholder.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(run.placeholder("s").unwrap(), placeholder);
        assert_ne!(set().placeholder("s").unwrap(), placeholder);
        assert!(run.stands_in(format!("x{placeholder}y").as_bytes()));
        assert!(!run.stands_in(&placeholder.as_bytes()[1..]));
        assert!(!set().stands_in(placeholder.as_bytes()), "placeholders are good for one run");
    }

    #[test]
    fn every_absence_is_told_apart() {
        let asks = [
            ask("text", SecretKind::Text, false),
            ask("maybe", SecretKind::Text, true),
            ask("key", SecretKind::SigningKey { subject: "app".to_owned() }, true),
        ];
        let set = SecretSet::new(asks, [], [value("text", "long-enough")]).unwrap();
        assert_eq!(set.placeholder("nobody"), Err(SecretError::NotGranted));
        assert_eq!(set.placeholder("maybe"), Err(SecretError::Missing));
        assert_eq!(set.placeholder("key"), Err(SecretError::NotGranted));
        assert_eq!(set.sign_assertion("text", "x"), Err(SecretError::NotSignable));
        assert_eq!(set.sign_assertion("key", "x"), Err(SecretError::Missing));
        assert_eq!(set.sign_assertion("nobody", "x"), Err(SecretError::NotGranted));
    }

    #[test]
    fn problems_are_reported_together_and_name_no_value() {
        let asks = [ask("a", SecretKind::Text, false), ask("b", SecretKind::Text, false)];
        let values = [value("b", "short"), value("c", "nobody-asked")];
        let error = SecretSet::new(asks, [], values).unwrap_err();
        assert_eq!(error.problems.len(), 3, "{error}");
        assert!(!error.to_string().contains("nobody-asked"));
    }

    #[test]
    fn nothing_shows_a_value() {
        let set =
            SecretSet::new([ask("s", SecretKind::Text, false)], [], [value("s", "correct horse")]).unwrap();
        assert!(!format!("{set:?}").contains("correct"));
        let token = set.issue_token("access_token", "eyJ0.eyJ1.sig").unwrap();
        assert_eq!(set.redact("a correct horse and eyJ0.eyJ1.sig"), "a *** and ***");
        assert_eq!(set.issue_token("access_token", "eyJ0.eyJ1.sig").unwrap(), token);
    }

    #[test]
    fn tokens_are_bounded_in_number() {
        let set = SecretSet::none();
        for n in 0..MAX_TOKENS {
            assert!(set.issue_token("access_token", &format!("token-{n}")).is_some());
        }
        assert!(set.issue_token("access_token", "one-more").is_none());
    }
}
