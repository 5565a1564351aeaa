//! The host's side of `secrets` and `log`.

use super::bindings::userload::directory::{log, secrets};
use crate::capabilities::{Level, Log, SecretError, SecretSet};

impl log::Host for Log {
    fn log(&mut self, level: log::Level, message: String) {
        let level = match level {
            log::Level::Trace => Level::Trace,
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        self.write(level, &message);
    }
}

impl secrets::Host for SecretSet {
    fn placeholder(&mut self, name: String) -> Result<String, secrets::SecretError> {
        SecretSet::placeholder(self, &name).map_err(word)
    }

    fn sign_assertion(&mut self, name: String, audience: String) -> Result<String, secrets::SecretError> {
        SecretSet::sign_assertion(self, &name, &audience).map_err(word)
    }
}

fn word(error: SecretError) -> secrets::SecretError {
    match error {
        SecretError::NotGranted => secrets::SecretError::NotGranted,
        SecretError::Missing => secrets::SecretError::Missing,
        SecretError::NotSignable => secrets::SecretError::NotSignable,
        SecretError::WrongAudience => secrets::SecretError::WrongAudience,
    }
}
