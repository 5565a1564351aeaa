//! How every call asks Graph: with a token, renewed once when it is refused.

use crate::bindings::userload::directory::log::Level;
use crate::bindings::userload::directory::types::Error;
use crate::graph::fault;
use crate::host_imports::Outside;
use crate::oauth::Tokens;
use crate::settings::Settings;
use crate::transport::{Request, Response};

/// One call's way out.
pub(crate) struct Session<'a> {
    pub(crate) outside: &'a mut dyn Outside,
    pub(crate) tokens: &'a mut Tokens,
    pub(crate) settings: &'a Settings,
}

impl Session<'_> {
    /// Sends a request with the access token. After a 401 the token is renewed and the request sent once
    /// more; a second 401 is `auth-rejected`. Any other status is an answer.
    pub(crate) fn ask(&mut self, request: Request) -> Result<Response, Error> {
        let token = self.tokens.get(self.outside, self.settings)?;
        let response = self.outside.send(authorized(request.clone(), &token))?;
        if response.status != 401 {
            return Ok(response);
        }
        self.log(Level::Debug, "the access token was refused: renewing it once");
        let token = self.tokens.renew(self.outside, self.settings)?;
        let response = self.outside.send(authorized(request, &token))?;
        if response.status == 401 {
            return Err(fault::fault(&response));
        }
        Ok(response)
    }

    /// As `ask`, with anything but 200 an error.
    pub(crate) fn ask_ok(&mut self, request: Request) -> Result<Response, Error> {
        let response = self.ask(request)?;
        if response.status == 200 { Ok(response) } else { Err(fault::fault(&response)) }
    }

    /// One line for the run's log.
    pub(crate) fn log(&mut self, level: Level, message: &str) {
        self.outside.log(level, message);
    }
}

fn authorized(request: Request, token: &str) -> Request {
    request.with_header("authorization", format!("Bearer {token}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Script, answer, settings};

    fn ask(script: &mut Script) -> Result<Response, Error> {
        let settings = settings();
        let mut tokens = Tokens::new();
        let mut session = Session { outside: script, tokens: &mut tokens, settings: &settings };
        session.ask_ok(Request::get("https://graph.microsoft.com/v1.0/users"))
    }

    #[test]
    fn one_renewal_after_a_401() {
        let mut script = Script::new();
        script.expect("/users", answer(401, ""));
        script.expect("/users", answer(200, "{}"));
        assert_eq!(ask(&mut script).unwrap().status, 200);
        let sent: Vec<_> = script.seen.iter().map(|r| header(r, "authorization")).collect();
        assert_eq!(sent, ["Bearer TOKEN1", "Bearer TOKEN2"]);
    }

    #[test]
    fn a_second_401_is_final() {
        let mut script = Script::new();
        let refusal = r#"{"error":{"code":"InvalidAuthenticationToken","message":"no"}}"#;
        script.expect("/users", answer(401, refusal));
        script.expect("/users", answer(401, refusal));
        let error = ask(&mut script).err();
        assert!(matches!(error, Some(Error::AuthRejected(u)) if u.code == "InvalidAuthenticationToken"));
        assert_eq!(script.token_requests.len(), 2);
    }

    fn header<'a>(request: &'a Request, name: &str) -> &'a str {
        let found = request.headers.iter().find(|(n, _)| *n == name);
        found.map_or("", |(_, v)| v)
    }
}
