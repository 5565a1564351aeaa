//! Who is whose manager: a listing of its own. `$expand` fails beside advanced queries, so this one has no
//! filter and no `ConsistencyLevel`.

use serde_json::value::RawValue;

use crate::bindings::exports::userload::directory::connector::{ManagedUser, ManagerPage, Next, Source};
use crate::bindings::userload::directory::log::Level;
use crate::bindings::userload::directory::types::Error;
use crate::cursor::{Cursor, Kind};
use crate::error::malformed;
use crate::graph::{page, url};
use crate::host_imports::Outside;
use crate::json::Entries;
use crate::oauth::Tokens;
use crate::session::Session;
use crate::settings::Settings;
use crate::transport::Request;

/// The most users that Graph lists in one go.
const TOP: u32 = 999;

/// One page of managers. `after` none = the first. Of `source` settings and page size count.
pub fn fetch_managers(
    outside: &mut dyn Outside,
    tokens: &mut Tokens,
    source: &Source,
    after: Option<&str>,
) -> Result<ManagerPage, Error> {
    let settings = Settings::read(&source.settings).map_err(Error::Settings)?;
    let position = after.map(|text| Cursor::decode(text, Kind::Managers, &settings.domain)).transpose()?;
    let link = match &position {
        Some(position) => position.link.clone(),
        None => {
            let top = source.page_size.clamp(1, TOP);
            format!("{}/v1.0/users?$select=id&$expand=manager($select=id)&$top={top}", settings.domain)
        }
    };
    let mut session = Session { outside, tokens, settings: &settings };
    let response = session.ask_ok(Request::get(link))?;
    let listing = page::listing(&response)?;
    let users: Vec<_> = listing.items.iter().filter_map(|item| managed(item)).collect();
    let odd = listing.items.len() - users.len();
    if odd > 0 {
        session.log(Level::Warn, &format!("{odd} entries of a page do not tell a manager"));
    }
    let next = match &listing.next_link {
        None => Next::Complete(None),
        Some(link) => {
            let link = url::follow(&settings.domain, "/v1.0/users", link)
                .map_err(|text| malformed(Some("@odata.nextLink"), text))?;
            let cursor = match &position {
                Some(position) => position.after(link)?,
                None => Cursor::first(Kind::Managers, false, link),
            };
            Next::More(cursor.encode()?)
        }
    };
    Ok(ManagerPage { users, next })
}

/// Graph leaves `manager` out of somebody who has none. One that cannot be read is unknown.
fn managed(item: &RawValue) -> Option<ManagedUser> {
    let user = Entries::parse(item.get()).ok()?;
    let id = user.text("id").filter(|id| !id.is_empty())?.into_owned();
    let manager = match user.get("manager").map(RawValue::get) {
        None | Some("null") => None,
        Some(manager) => {
            let manager = Entries::parse(manager).ok()?;
            Some(manager.text("id").filter(|id| !id.is_empty())?.into_owned())
        }
    };
    Some(ManagedUser { id, manager })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Script, answer, source};

    fn ask(script: &mut Script, after: Option<&str>) -> Result<ManagerPage, Error> {
        let page = fetch_managers(script, &mut Tokens::new(), &source(), after);
        assert!(script.done());
        page
    }

    #[test]
    fn somebodys_nobodys_and_unknown_managers() {
        let mut script = Script::new();
        let body = r##"{"value":[{"id":"a","manager":{"@odata.type":"#microsoft.graph.user","id":"b"}},
            {"id":"b"},{"id":"c","manager":null},{"id":"d","manager":{"id":7}},{"id":"e","manager":[]},{"x":1}],
            "@odata.nextLink":"https://graph.microsoft.com/v1.0/users?$skiptoken=1"}"##;
        script.expect("/v1.0/users?$select=id&$expand=manager($select=id)&$top=999", answer(200, body));
        let first = ask(&mut script, None).unwrap();
        let told: Vec<_> = first.users.iter().map(|it| (it.id.as_str(), it.manager.as_deref())).collect();
        assert_eq!(told, [("a", Some("b")), ("b", None), ("c", None)]);
        assert!(script.seen[0].headers.iter().all(|(name, _)| *name != "consistencylevel"));
        let Next::More(cursor) = first.next else { panic!() };
        script.expect("skiptoken=1", answer(200, r#"{"value":[]}"#));
        assert_eq!(ask(&mut script, Some(&cursor)).unwrap().next, Next::Complete(None));
        assert_eq!(ask(&mut script, Some("{}")), Err(Error::CursorExpired));
    }

    #[test]
    fn links_elsewhere_are_not_followed() {
        let mut script = Script::new();
        let body = r#"{"value":[],"@odata.nextLink":"https://evil.example.com/v1.0/users?$skiptoken=1"}"#;
        script.expect("$expand=manager", answer(200, body));
        assert!(matches!(ask(&mut script, None), Err(Error::Malformed(_))));
    }
}
