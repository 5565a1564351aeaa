//! The query options of a request, and which of them Graph accepts.

use super::Refused;

/// The options, decoded.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) select: Option<Vec<String>>,
    pub(crate) top: Option<usize>,
    pub(crate) filter: Option<String>,
    pub(crate) expand: Option<String>,
    pub(crate) count: bool,
    pub(crate) skip_token: Option<String>,
    pub(crate) delta_token: Option<String>,
    /// The query as it was sent, without the page token: what the next link repeats.
    pub(crate) base: String,
}

/// Page sizes that Graph allows.
const SIZES: std::ops::RangeInclusive<i64> = 1..=999;

impl Query {
    /// Reads a query. Options without `$` are ignored, unknown ones with `$` are refused.
    pub(crate) fn parse(raw: &str, consistency: bool) -> Result<Self, Refused> {
        let mut query = Self::default();
        let mut base = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let Some((name, value)) = form_urlencoded::parse(pair.as_bytes()).next() else {
                continue;
            };
            if name != "$skiptoken" {
                base.push(pair);
            }
            if !name.starts_with('$') {
                continue;
            }
            if seen.iter().any(|known| *known == name) {
                return Err(Refused::odata(format!(
                    "Query option '{name}' was specified more than once, but it must be specified \
                     at most once."
                )));
            }
            seen.push(name.to_string());
            query.option(&name, value.into_owned(), consistency)?;
        }
        query.base = base.join("&");
        Ok(query)
    }

    fn option(&mut self, name: &str, value: String, consistency: bool) -> Result<(), Refused> {
        match name {
            "$select" => {
                let names = value.split(',').map(|name| name.trim().to_owned());
                self.select = Some(names.filter(|name| !name.is_empty()).collect());
            }
            "$top" => self.top = Some(page_size(&value)?),
            "$filter" if value.trim().is_empty() => {
                return Err(Refused::odata("Invalid filter clause: The filter is empty."));
            }
            "$filter" => self.filter = Some(value),
            "$expand" => self.expand = Some(value),
            "$count" => {
                self.count = match value.as_str() {
                    "true" => true,
                    "false" => false,
                    _ => {
                        return Err(Refused::odata(format!(
                            "Invalid value '{value}' for $count query option found. Valid values \
                             are 'true, false'."
                        )));
                    }
                }
            }
            "$deltatoken" => self.delta_token = Some(value),
            "$skiptoken" => self.skip_token = Some(value),
            "$skip" => return Err(Refused::bad("'$skip' is not supported by the service.")),
            "$orderby" => {
                return Err(Refused::unsupported("Sorting not supported for current query."));
            }
            "$search" if !consistency => {
                return Err(Refused::bad(
                    "Request with $search query parameter only works through MSGraph with a \
                     special request header: 'ConsistencyLevel: eventual'",
                ));
            }
            "$search" => {
                return Err(Refused::unsupported("$search is not supported by this simulator."));
            }
            _ => {
                return Err(Refused::odata(format!("The query parameter '{name}' is not supported.")));
            }
        }
        Ok(())
    }

    /// Whether a property was asked for by name.
    pub(crate) fn selects(&self, name: &str) -> bool {
        self.select.iter().flatten().any(|selected| selected == name)
    }
}

fn page_size(value: &str) -> Result<usize, Refused> {
    let size: i64 = value.parse().map_err(|_| {
        Refused::odata(format!(
            "Invalid value '{value}' for $top query option found. The $top query option requires \
             a non-negative integer value."
        ))
    })?;
    if !SIZES.contains(&size) {
        return Err(Refused::bad(format!(
            "Invalid page size specified: '{size}'. Must be between 1 and 999 inclusive."
        )));
    }
    Ok(size as usize)
}

/// The value of `ConsistencyLevel`: whether it asks for eventual consistency.
pub(crate) fn is_eventual(header: Option<&str>) -> Result<bool, Refused> {
    match header {
        None => Ok(false),
        Some(value) if value.eq_ignore_ascii_case("eventual") => Ok(true),
        Some(value) => {
            Err(Refused::bad(format!("The value '{value}' of the header ConsistencyLevel is not supported.")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_base() {
        let raw = "%24select=id,%20mail&$top=5&x=1&$skiptoken=abc&$count=true";
        let query = Query::parse(raw, false).unwrap();
        assert_eq!(query.select.unwrap(), ["id", "mail"]);
        assert_eq!((query.top, query.count), (Some(5), true));
        assert_eq!(query.skip_token.as_deref(), Some("abc"));
        assert_eq!(query.base, "%24select=id,%20mail&$top=5&x=1&$count=true");
    }

    #[test]
    fn page_sizes() {
        for (raw, part) in [
            ("$top=0", "'0'. Must be between 1 and 999 inclusive"),
            ("$top=1000", "'1000'. Must be between 1 and 999 inclusive"),
            ("$top=x", "non-negative integer"),
            ("$top=1&$top=2", "more than once"),
            ("$skip=1", "not supported"),
            ("$orderby=displayName", "Sorting"),
            ("$foo=1", "'$foo'"),
            ("$filter=", "empty"),
        ] {
            let refused = Query::parse(raw, false).unwrap_err();
            assert_eq!(refused.status, 400);
            assert!(refused.message.contains(part), "{refused:?}");
        }
    }
}
