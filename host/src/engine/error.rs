//! Why a plugin was not loaded, and why a call gave no answer.

use super::compiler::CompileLimit;
use super::contract;
use crate::capabilities::{Denial, Fault};
use std::fmt;
use std::time::Duration;

/// Why a file is not a plugin that this host loads.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Larger than the host looks at.
    #[error("the plugin has {bytes} bytes, more than the {limit} that are looked at")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// `EngineOptions::plugin_bytes`.
        limit: usize,
    },
    /// Something else than a binary component.
    #[error(
        "this is {what}, not a WebAssembly component; expected a binary `.wasm` file made by `cargo xtask build` or `wasm-tools component new`"
    )]
    NotAComponent {
        /// What it is.
        what: &'static str,
    },
    /// A component that is not valid, or that needs a feature that is off.
    #[error("the component is not valid: {0}")]
    Invalid(String),
    /// The compiler was stopped.
    #[error("compiling it needs more than {0}, and was stopped")]
    CompileLimit(CompileLimit),
    /// The compiling process failed, whatever the component is.
    #[error("it could not be compiled: {0}")]
    Compiler(String),
    /// A component for another purpose.
    #[error("the component is not a plugin: it does not export `{missing}`")]
    NotAPlugin {
        /// The interface that a plugin would export.
        missing: String,
    },
    /// A plugin for another version of the contract.
    #[error("the component speaks version {component} of the contract, this host speaks {host}")]
    Contract {
        /// Of the component.
        component: String,
        /// Of this host.
        host: &'static str,
    },
    /// It asks for powers that no plugin gets.
    #[error("the plugin asks for more than a plugin may: {}", .imports.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))]
    AsksTooMuch {
        /// The imports that no plugin gets.
        imports: Vec<String>,
    },
    /// Right names, wrong types.
    #[error("the plugin does not fit version {version} of the contract: {why}")]
    Types {
        /// Of the contract.
        version: String,
        /// The first difference, in the linker's words.
        why: String,
    },
}

/// An `error` of the contract, with what the host itself saw during the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginFailure {
    /// The plugin's word.
    pub error: contract::Error,
    /// What the door refused during the call.
    pub denials: Vec<Denial>,
    /// The last thing that failed on the network during the call: truer than the plugin's text.
    pub fault: Option<Fault>,
}

impl fmt::Display for PluginFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use contract::Error;
        let answer = |up: &contract::Upstream| {
            let code = if up.code.is_empty() { String::new() } else { format!(" `{}`", up.code) };
            let id = up.request_id.as_deref().map(|id| format!(" (request {id})")).unwrap_or_default();
            format!("{}{code}: {}{id}", up.status, up.message)
        };
        match (&self.error, &self.denials[..], &self.fault) {
            (Error::DeniedByHost(_), [denial, ..], _) => {
                write!(f, "the host refused a request ({}): {denial}", denial.layer())
            }
            (Error::DeniedByHost(text), [], _) => write!(f, "the host refused a request: {text}"),
            (Error::Unreachable(_), _, Some(fault)) => write!(f, "{fault}"),
            (Error::Unreachable(text), ..) => write!(f, "the source did not answer completely: {text}"),
            (Error::Throttled(Some(ms)), ..) => write!(f, "the source asks for a pause of {ms} ms"),
            (Error::Throttled(None), ..) => f.write_str("the source asks for a pause"),
            (Error::CursorExpired, ..) => f.write_str("the cursor has expired"),
            (Error::AuthRejected(up), ..) => write!(f, "the source rejects the credential: {}", answer(up)),
            (Error::Upstream(up), ..) => write!(f, "the source answered {}", answer(up)),
            (Error::Malformed(bad), ..) => {
                write!(f, "the source's answer is not what it promises: {}", bad.reason)
            }
            (Error::Settings(problems), ..) => {
                let problems = problems.iter().map(|p| format!("`{}`: {}", p.setting, p.problem));
                write!(f, "the settings do not work: {}", problems.collect::<Vec<_>>().join("; "))
            }
            (Error::Internal(text), ..) => write!(f, "the plugin failed: {text}"),
        }
    }
}

impl std::error::Error for PluginFailure {}

/// Why a call gave no answer. After any of these but `Plugin` the instance is gone, and the next call makes
/// a fresh one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The contract's own `error`.
    #[error(transparent)]
    Plugin(Box<PluginFailure>),
    /// It took too long by the clock, waiting included.
    #[error("`{call}` took longer than {limit:?} and was stopped")]
    Deadline {
        /// The export.
        call: &'static str,
        /// `Limits::wall`.
        limit: Duration,
    },
    /// It computed for too long.
    #[error("`{call}` computed for longer than {limit:?} and was stopped")]
    CpuLimit {
        /// The export.
        call: &'static str,
        /// `Limits::cpu`.
        limit: Duration,
    },
    /// The run has used up what it may use in all.
    #[error("`{call}` was stopped: the run has used up its {limit:?} of {what}")]
    Budget {
        /// The export.
        call: &'static str,
        /// `processor time`, or `time`.
        what: &'static str,
        /// Of `RunBudget`.
        limit: Duration,
    },
    /// It asked for more memory than it gets, and gave up.
    #[error("`{call}` needed more than {limit} bytes of memory and was stopped")]
    MemoryLimit {
        /// The export.
        call: &'static str,
        /// `Limits::memory`.
        limit: usize,
    },
    /// It made the host allocate too much: a huge result, or too many handles.
    #[error("`{call}` asked the host for too much and was stopped: {why}")]
    HostAllocation {
        /// The export.
        call: &'static str,
        /// Which limit, in the engine's words.
        why: String,
    },
    /// It crashed.
    #[error("`{call}` crashed: {why}{}", .said.as_deref().map(|said| format!(" (its last words: {said})")).unwrap_or_default())]
    Trap {
        /// The export.
        call: &'static str,
        /// The kind of crash.
        why: String,
        /// The last line that it logged as an error during the call.
        said: Option<String>,
    },
    /// Every place of the pool is taken.
    #[error("`{call}` found no free place to run in: raise the number of instances")]
    Crowded {
        /// The export.
        call: &'static str,
    },
    /// Host code panicked. Other calls are not touched.
    #[error("the host failed during `{call}`: {why}")]
    Host {
        /// The export.
        call: &'static str,
        /// The panic's words.
        why: String,
    },
}

impl CallError {
    /// The contract's own error, if it is one.
    pub fn contract(&self) -> Option<&contract::Error> {
        match self {
            CallError::Plugin(failure) => Some(&failure.error),
            _ => None,
        }
    }

    /// Lines to paste, where a denial stands behind the failure.
    pub fn advice(&self) -> Vec<String> {
        match self {
            CallError::Plugin(failure) => failure.denials.iter().map(Denial::advice).collect(),
            _ => Vec::new(),
        }
    }
}
