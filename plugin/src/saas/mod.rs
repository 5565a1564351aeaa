//! Users of the vendor's application: their licences and when they were last active. Best effort.
//!
//! One listing of users and one of the tenant's licences, instead of a `licenseDetails` for each user.
//! Activity needs Entra ID P1 and the permission AuditLog.Read.All; without them the listing goes on, and
//! says so: unknown is not never.

mod activity;
mod products;
mod roles;

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::bindings::exports::userload::directory::connector::{Next, SaasPage, SaasUser, Source};
use crate::bindings::userload::directory::log::Level;
use crate::bindings::userload::directory::types::Error;
use crate::cursor::{CURSOR_BYTES, Cursor, Kind, Saas};
use crate::error::malformed;
use crate::fetch;
use crate::graph::{fault, page, url};
use crate::host_imports::Outside;
use crate::json::{Entries, items, shorten};
use crate::oauth::Tokens;
use crate::session::Session;
use crate::settings::Settings;
use crate::transport::{Request, Response};

use activity::last_activity;
use products::{product, product_of_id};

pub use roles::fetch_saas_roles;

/// With sign-in activity Graph gives pages of 120 or fewer, and no advanced query: its header makes the
/// activity come back empty (microsoftgraph/msgraph-sdk-powershell#1898).
const WITH_ACTIVITY: &str = "$select=id,userPrincipalName,assignedLicenses,signInActivity&$top=100";
const WITHOUT_ACTIVITY: &str = "$select=id,userPrincipalName,assignedLicenses&$top=999";

/// The longest name of a user, in bytes; a user principal name has at most 1024 characters.
const NAME_BYTES: usize = 1024;

/// Licensed tenants get this one too, now and then: microsoftgraph/microsoft-graph-docs#14120. So it is
/// believed when it was said this often in a row.
const REFUSALS: u32 = 3;
const NOT_PREMIUM: &str = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";

/// One page of SaaS users. `after` none = the first. Filter, selection and page size are not used.
pub fn fetch_saas_users(
    outside: &mut dyn Outside,
    tokens: &mut Tokens,
    source: &Source,
    after: Option<&str>,
) -> Result<SaasPage, Error> {
    let settings = Settings::read(&source.settings).map_err(Error::Settings)?;
    let mut session = Session { outside, tokens, settings: &settings };
    let position = match after {
        Some(text) => Some(Cursor::decode(text, Kind::Saas, &settings.domain)?),
        None => None,
    };
    let (response, mut carried) = match &position {
        Some(cursor) => {
            let response = patient(&mut session, &cursor.link)?;
            (response, cursor.saas.clone().unwrap_or_default())
        }
        None => first_page(&mut session)?,
    };
    if response.status != 200 {
        return Err(fault::fault(&response));
    }
    let listing = page::listing(&response)?;
    let names = match carried.names.take() {
        Some(names) => names,
        None => match licence_names(&mut session)? {
            Ok(names) => names,
            Err(reason) => {
                carried.no_names = Some(reason);
                Vec::new()
            }
        },
    };
    let activity = carried.no_activity.is_none();
    let named = carried.no_names.is_none();
    let users = listing.items.iter();
    let users = users.filter_map(|user| saas_user(user, &names, named, activity));
    let users: Vec<_> = users.collect();
    let broken = listing.items.len() - users.len();
    if broken > 0 {
        session.log(Level::Warn, &format!("{broken} entries of a page are no user with an id"));
    }
    let total = match position {
        None => fetch::count(&mut session),
        Some(_) => None,
    };
    let broken = u32::try_from(broken).unwrap_or(u32::MAX);
    let activity_missing = carried.no_activity.clone();
    let roles_missing = carried.no_names.clone();
    carried.names = Some(names);
    let next = match listing.next_link {
        None => Next::Complete(None),
        Some(link) => {
            let link = url::follow(&settings.domain, "/v1.0/users", &link)
                .map_err(|text| malformed(Some("@odata.nextLink"), text))?;
            Next::More(carry_on(position.as_ref(), link, carried)?)
        }
    };
    Ok(SaasPage { users, broken, total, next, activity_missing, roles_missing })
}

/// With activity, or else without, and why.
fn first_page(session: &mut Session<'_>) -> Result<(Response, Saas), Error> {
    let users = format!("{}/v1.0/users", session.settings.domain);
    let response = patient(session, &format!("{users}?{WITH_ACTIVITY}"))?;
    if response.status != 403 {
        return Ok((response, Saas::default()));
    }
    let reason = match fault::code(&response).as_str() {
        NOT_PREMIUM => "the tenant has no Entra ID P1 or P2 licence, which sign-in activity needs".to_owned(),
        code => {
            format!("the app registration may not read sign-in activity: it needs AuditLog.Read.All ({code})")
        }
    };
    session.log(Level::Warn, &reason);
    let response = session.ask(Request::get(format!("{users}?{WITHOUT_ACTIVITY}")))?;
    let carried = Saas { no_activity: Some(reason), ..Saas::default() };
    Ok((response, carried))
}

/// Asks again where Graph may say 403 without meaning it.
fn patient(session: &mut Session<'_>, url: &str) -> Result<Response, Error> {
    let mut response = session.ask(Request::get(url))?;
    for _ in 1..REFUSALS {
        if response.status != 403 || fault::code(&response) != NOT_PREMIUM {
            break;
        }
        response = session.ask(Request::get(url))?;
    }
    Ok(response)
}

/// Licence id and name of what the tenant subscribes to; without the permission to see that, why there are no
/// names.
fn licence_names(session: &mut Session<'_>) -> Result<Result<Vec<(String, String)>, String>, Error> {
    let url = format!("{}/v1.0/subscribedSkus?$select=skuId,skuPartNumber", session.settings.domain);
    let response = session.ask(Request::get(url))?;
    match response.status {
        200 => {}
        403 => {
            let code = fault::code(&response);
            let text = format!(
                "the app registration may not read what licences are called: it needs Organization.Read.All \
                 ({code})"
            );
            session.log(Level::Warn, &text);
            return Ok(Err(text));
        }
        _ => return Err(fault::fault(&response)),
    }
    let listing = page::listing(&response)?;
    let mut names: Vec<(String, String)> = Vec::new();
    for item in listing.items {
        let Ok(sku) = Entries::parse(item.get()) else {
            continue;
        };
        if let (Some(id), Some(part)) = (sku.text("skuId"), sku.text("skuPartNumber")) {
            names.push((id.to_ascii_lowercase(), product(&part).to_owned()));
        }
    }
    Ok(Ok(names))
}

/// `named`: what `names` lacks has no name; otherwise its name is unknown.
fn saas_user(user: &RawValue, names: &[(String, String)], named: bool, activity: bool) -> Option<SaasUser> {
    let user = Entries::parse(user.get()).ok()?;
    let id = user.text("id").filter(|id| !id.is_empty())?;
    let licences = user.get("assignedLicenses").and_then(|list| items(list).ok());
    let mut roles: Vec<Cow<'_, str>> = Vec::new();
    let mut nameless = false;
    for licence in licences.unwrap_or_default() {
        let Some(sku) = Entries::parse(licence.get()).ok().and_then(|l| l.text("skuId")) else {
            continue;
        };
        let known = names.iter().find(|(id, _)| id.eq_ignore_ascii_case(&sku));
        let known = known.map(|(_, name)| name.as_str()).or_else(|| product_of_id(&sku));
        match known {
            Some(name) => roles.push(Cow::Borrowed(name)),
            None if named => roles.push(Cow::Owned(sku.to_ascii_lowercase())),
            None => nameless = true,
        }
    }
    let holds = nameless || !roles.is_empty();
    roles.sort_by_cached_key(|role| (role.to_lowercase(), role.to_string()));
    roles.dedup();
    let seen = user.get("signInActivity").filter(|_| activity);
    Some(SaasUser {
        id: id.into_owned(),
        name: user.text("userPrincipalName").map(|name| shorten(&name, NAME_BYTES).into_owned()),
        holds,
        // Part of a list would look as if the rest had been taken away.
        role: (!roles.is_empty() && !nameless).then(|| roles.join(", ")),
        last_activity: seen.and_then(|seen| last_activity(seen.get())),
    })
}

/// The cursor, without the names if they do not fit: then the next page asks for them again.
fn carry_on(position: Option<&Cursor>, link: String, carried: Saas) -> Result<String, Error> {
    let mut cursor = match position {
        Some(position) => position.after(link)?,
        None => Cursor::first(Kind::Saas, false, link),
    };
    let names = carried.names.iter().flatten();
    let bytes: usize = names.map(|(id, name)| id.len() + name.len() + 16).sum();
    let fits = bytes + cursor.link.len() < CURSOR_BYTES - 2048;
    cursor.saas = Some(Saas { names: carried.names.filter(|_| fits), ..carried });
    cursor.encode()
}

#[cfg(test)]
mod tests;
