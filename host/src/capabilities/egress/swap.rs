//! Placeholders in a request become values, each in its own place and nowhere else. Pure but for the
//! run's table of placeholders.

use super::request::Target;
use crate::capabilities::denial::{Denial, Misplaced};
use crate::capabilities::secret::Secret;
use crate::capabilities::vault::{Issued, Place, SecretSet};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;
use std::sync::Arc;

/// What a request carries once its placeholders are swapped.
pub(super) struct Swapped {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The operator's secrets in it. Tokens are not counted here.
    pub(super) secrets: Vec<Arc<Secret>>,
    /// All of them go with requests for data: the reply is no sign-in's.
    pub(super) wide: bool,
}

/// Swaps every placeholder that stands where it is bound to; refuses the request for any other.
pub(super) fn swap(
    set: &SecretSet,
    target: &Target,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Swapped, Denial> {
    let url_parts = [Some(target.path.as_str()), target.query.as_deref()];
    for part in url_parts.into_iter().flatten() {
        let decoded = percent_decode_str(part).collect::<Vec<_>>();
        if set.stands_in(part.as_bytes()) || set.stands_in(&decoded) {
            return Err(refuse(target, Misplaced::Url));
        }
    }
    let mut swapped =
        Swapped { headers: HeaderMap::with_capacity(headers.len()), body, secrets: Vec::new(), wide: true };
    swap_headers(set, target, &headers, &mut swapped)?;
    swap_body(set, target, &headers, &mut swapped)?;
    Ok(swapped)
}

fn refuse(target: &Target, place: Misplaced) -> Denial {
    Denial::Placeholder { origin: target.origin.clone(), place }
}

fn swap_headers(
    set: &SecretSet,
    target: &Target,
    guest: &HeaderMap,
    out: &mut Swapped,
) -> Result<(), Denial> {
    for (name, value) in guest {
        let here = || refuse(target, Misplaced::Header(name.to_string()));
        if !set.stands_in(value.as_bytes()) {
            out.headers.append(name.clone(), value.clone());
            continue;
        }
        // Of two headers with one name, servers read one or the other.
        if guest.get_all(name).iter().nth(1).is_some() {
            return Err(here());
        }
        let text = value.to_str().map_err(|_| here())?;
        // The placeholder is what comes last; what stands before it must be the prefix it is bound to.
        let at = text.len().checked_sub(crate::capabilities::vault::PLACEHOLDER_LENGTH).ok_or_else(here)?;
        let (before, placeholder) = text.split_at_checked(at).ok_or_else(here)?;
        let issued = set.lookup(placeholder).ok_or_else(here)?;
        let place = Place::Header { name: name.clone(), prefix: before.to_owned() };
        check(target, &issued, &place, here)?;
        let mut value =
            HeaderValue::from_str(&format!("{before}{}", issued.value.expose())).map_err(|_| {
                Denial::Request { why: format!("the secret for the header `{name}` holds a line break") }
            })?;
        value.set_sensitive(true);
        out.headers.append(name.clone(), value);
        keep(issued, out);
    }
    Ok(())
}

fn keep(issued: Issued, out: &mut Swapped) {
    if !issued.is_token {
        out.wide &= issued.binding.is_some_and(|it| it.is_wide());
        out.secrets.push(issued.value);
    }
}

fn swap_body(set: &SecretSet, target: &Target, guest: &HeaderMap, out: &mut Swapped) -> Result<(), Denial> {
    if !is_form(guest) {
        if set.stands_in(&out.body) {
            return Err(refuse(target, Misplaced::Body));
        }
        return Ok(());
    }
    let pairs: Vec<(String, String)> = form_urlencoded::parse(&out.body).into_owned().collect();
    let mut form = form_urlencoded::Serializer::new(String::new());
    let mut changed = false;
    for (name, value) in &pairs {
        let here = || refuse(target, Misplaced::FormField(name.clone()));
        if set.stands_in(name.as_bytes()) {
            return Err(refuse(target, Misplaced::Body));
        }
        if !set.stands_in(value.as_bytes()) {
            form.append_pair(name, value);
            continue;
        }
        // Of two fields with one name, servers read one or the other.
        if pairs.iter().filter(|(other, _)| other == name).count() > 1 {
            return Err(here());
        }
        let issued = set.lookup(value).ok_or_else(here)?;
        check(target, &issued, &Place::FormField(name.clone()), here)?;
        form.append_pair(name, issued.value.expose());
        changed = true;
        keep(issued, out);
    }
    if changed {
        out.body = Bytes::from(form.finish());
    } else if set.stands_in(&out.body) {
        // Taken apart the form holds none, as a whole it does: not a form that we understand.
        return Err(refuse(target, Misplaced::Body));
    }
    Ok(())
}

fn is_form(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(one), None) = (types.next(), types.next()) else { return false };
    let essence = one.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Whether the placeholder may stand in `place` of a request to `target`; `here` names the place.
fn check(target: &Target, issued: &Issued, place: &Place, here: impl Fn() -> Denial) -> Result<(), Denial> {
    let binding = issued.binding.as_ref().ok_or_else(|| refuse(target, Misplaced::Unbound))?;
    if binding.place != *place {
        return Err(here());
    }
    if binding.origin != target.origin {
        return Err(refuse(target, Misplaced::Origin));
    }
    if binding.method.as_ref().is_some_and(|method| *method != target.method) {
        return Err(refuse(target, Misplaced::Method));
    }
    if !binding.fits_path(&target.path, target.query.is_some()) {
        return Err(refuse(target, Misplaced::Path));
    }
    Ok(())
}

#[cfg(test)]
#[path = "swap_tests.rs"]
mod tests;
