//! What the plugin asks of its host besides HTTP: placeholders for secrets, and a log.

use crate::bindings::userload::directory::log::Level;
use crate::bindings::userload::directory::secrets::SecretError;
use crate::transport::Transport;

/// Everything outside of the plugin. The component has one implementation, tests have another.
pub trait Outside: Transport {
    /// What stands for a secret, see `host.wit`.
    fn placeholder(&mut self, name: &str) -> Result<String, SecretError>;

    /// What stands for an assertion that the host signs, see `host.wit`.
    fn sign_assertion(&mut self, name: &str, audience: &str) -> Result<String, SecretError>;

    /// One line for the run's log. Never personal data.
    fn log(&mut self, level: Level, message: &str);
}

/// The host behind the component's imports.
#[cfg(target_arch = "wasm32")]
pub(crate) mod wasi {
    use super::{Level, Outside, SecretError};
    use crate::bindings::userload::directory::{log, secrets};
    use crate::transport::wasi::WasiHttp;
    use crate::transport::{Request, Response, Transport, TransportError};

    /// Calls the imports.
    pub struct Host;

    impl Transport for Host {
        fn send(&mut self, request: Request) -> Result<Response, TransportError> {
            WasiHttp.send(request)
        }
    }

    impl Outside for Host {
        fn placeholder(&mut self, name: &str) -> Result<String, SecretError> {
            secrets::placeholder(name)
        }

        fn sign_assertion(&mut self, name: &str, audience: &str) -> Result<String, SecretError> {
            secrets::sign_assertion(name, audience)
        }

        fn log(&mut self, level: Level, message: &str) {
            log::log(level, message);
        }
    }

    /// A panic becomes a trap, which tells nothing: say it in the log first. Once for an instance.
    pub fn log_panics() {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            std::panic::set_hook(Box::new(|panic| {
                log::log(log::Level::Error, &format!("fault of the plugin: {panic}"));
            }));
        });
    }
}
