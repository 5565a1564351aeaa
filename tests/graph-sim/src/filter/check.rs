//! Whether Graph would run a filter: types, supported operators, what needs advanced parameters,
//! and the limits of the default mode (Graph pages
//! "aad-advanced-queries" and "filter-directory-objects", issues 1238 and 7580 of the docs).

use super::{Expr, Func, Literal, Op, Refusal};
use crate::graph::catalog::{self, EQ, IN, Kind, NE, NOT, NULL, Ops, RANGE, STARTS};

/// Most clauses under `or`, or values of an `in`, in the default mode.
const MOST_CLAUSES: usize = 15;
/// Greatest height of the tree in the default mode.
const GREATEST_HEIGHT: usize = 3;
/// Longest text of a comparison in the default mode.
const LONGEST_TEXT: usize = 120;

/// Says what Graph says against a filter. `advanced` means that the request carries both
/// `ConsistencyLevel: eventual` and `$count=true`.
pub(crate) fn check(expr: &Expr, advanced: bool) -> Result<(), Refusal> {
    judge(expr, advanced, false)?;
    if !advanced {
        limits(expr)?;
    }
    Ok(())
}

fn judge(expr: &Expr, advanced: bool, negated: bool) -> Result<(), Refusal> {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => {
            parts.iter().try_for_each(|part| judge(part, advanced, negated))
        }
        Expr::Not(inner) => judge(inner, advanced, true),
        Expr::Compare(path, op, value) => {
            let property = Property::find(path)?;
            property.accepts(value, *op)?;
            let needed = match (op, value) {
                (Op::Eq, Literal::Null) => NULL,
                (Op::Ne, Literal::Null) => NULL | NE,
                (Op::Eq, _) => EQ,
                (Op::Ne, _) => NE,
                (Op::Ge | Op::Le, _) => RANGE,
                (Op::Gt, _) => return Err(operator("Greater", path)),
                (Op::Lt, _) => return Err(operator("Less", path)),
            };
            property.allows(needed, advanced, negated)
        }
        Expr::In(path, values) => {
            let property = Property::find(path)?;
            for value in values {
                property.accepts(value, Op::Eq)?;
            }
            if values.contains(&Literal::Null) {
                return Err(clause(path));
            }
            property.allows(IN, advanced, negated)
        }
        Expr::Call(func, path, _) => {
            let property = Property::find(path)?;
            property.accepts(&Literal::Text(String::new()), Op::Eq)?;
            let needed = match func {
                Func::StartsWith => STARTS,
                Func::EndsWith => catalog::ENDS,
                Func::Contains => return Err(Refusal::unsupported("Unsupported Query.")),
            };
            property.allows(needed, advanced, negated)
        }
    }
}

/// A property as a filter meets it.
struct Property<'a> {
    path: &'a str,
    kind: Kind,
    plain: Ops,
    advanced: Ops,
}

impl<'a> Property<'a> {
    fn find(path: &'a str) -> Result<Self, Refusal> {
        let (head, member) = path.split_once('/').map_or((path, None), |(h, m)| (h, Some(m)));
        let inside = head == "onPremisesExtensionAttributes";
        if let Some(known) = catalog::property(head) {
            if member.is_some() != inside {
                return Err(clause(path));
            }
            return Ok(Self {
                path,
                kind: if inside { Kind::Text } else { known.kind },
                plain: known.plain,
                advanced: known.advanced,
            });
        }
        if catalog::is_extension(head) {
            let (plain, advanced) = catalog::EXTENSION;
            return Ok(Self { path, kind: Kind::Text, plain, advanced });
        }
        if catalog::is_elsewhere(head) {
            return Err(clause(path));
        }
        Err(Refusal::invalid(format!(
            "Could not find a property named '{head}' on type 'microsoft.graph.user'."
        )))
    }

    /// Whether the literal has the property's type.
    fn accepts(&self, value: &Literal, op: Op) -> Result<(), Refusal> {
        let given = match (self.kind, value) {
            (_, Literal::Null)
            | (Kind::Text, Literal::Text(_))
            | (Kind::Flag, Literal::Flag(_))
            | (Kind::Time, Literal::Time(_)) => return Ok(()),
            (Kind::List | Kind::Object, _) => return Err(clause(self.path)),
            (_, Literal::Text(_)) => "Edm.String",
            (_, Literal::Flag(_)) => "Edm.Boolean",
            (_, Literal::Time(_)) => "Edm.DateTimeOffset",
            (_, Literal::Number(_)) => "Edm.Int32",
        };
        let wanted = match self.kind {
            Kind::Flag => "Edm.Boolean",
            Kind::Time => "Edm.DateTimeOffset",
            _ => "Edm.String",
        };
        Err(Refusal::invalid(format!(
            "A binary operator with incompatible types was detected. Found operand types \
             '{wanted}' and '{given}' for operator kind '{}'.",
            operator_kind(op)
        )))
    }

    fn allows(&self, needed: Ops, advanced: bool, negated: bool) -> Result<(), Refusal> {
        let needed = if negated { needed | NOT } else { needed };
        if self.advanced & needed != needed {
            return Err(clause(self.path));
        }
        if advanced || self.plain & needed == needed {
            return Ok(());
        }
        if needed & (NE | NOT) != 0 {
            let name = if negated { "Not" } else { "NotEqual" };
            return Err(operator(name, self.path));
        }
        Err(clause(self.path))
    }
}

fn operator_kind(op: Op) -> &'static str {
    match op {
        Op::Eq => "Equal",
        Op::Ne => "NotEqual",
        Op::Ge => "GreaterThanOrEqual",
        Op::Le => "LessThanOrEqual",
        Op::Gt => "GreaterThan",
        Op::Lt => "LessThan",
    }
}

/// What Graph says of a property that cannot be filtered this way, or not without advanced
/// parameters: the two look the same.
fn clause(path: &str) -> Refusal {
    Refusal::unsupported(format!(
        "Unsupported or invalid query filter clause specified for property '{path}' of resource \
         'User'."
    ))
}

fn operator(name: &str, _path: &str) -> Refusal {
    Refusal::unsupported(format!(
        "Operator '{name}' is not supported because the required parameters might be missing. Try \
         adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to \
         https://aka.ms/graph-docs/advanced-queries for more information"
    ))
}

fn limits(expr: &Expr) -> Result<(), Refusal> {
    let height = height(expr);
    if height > GREATEST_HEIGHT {
        return Err(Refusal::unsupported(format!(
            "The specified filter expression has excessive height: {height}. Max allowed: \
             {GREATEST_HEIGHT}."
        )));
    }
    let clauses = clauses(expr);
    if clauses > MOST_CLAUSES {
        return Err(Refusal::unsupported(format!(
            "Too many child clauses specified in search filter expression containing 'OR' \
             operators: {clauses}. Max allowed: {MOST_CLAUSES}."
        )));
    }
    if longest(expr) > LONGEST_TEXT {
        return Err(Refusal::unsupported(format!(
            "The value of a filter clause is longer than {LONGEST_TEXT} characters."
        )));
    }
    Ok(())
}

fn parts(expr: &Expr) -> &[Expr] {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts,
        Expr::Not(inner) => std::slice::from_ref(inner),
        _ => &[],
    }
}

fn height(expr: &Expr) -> usize {
    1 + parts(expr).iter().map(height).max().unwrap_or(0)
}

/// The most clauses that hang under one `or` or `in`, brackets in between not counted.
fn clauses(expr: &Expr) -> usize {
    fn alternatives(expr: &Expr) -> usize {
        match expr {
            Expr::Or(parts) => parts.iter().map(alternatives).sum(),
            Expr::In(_, values) => values.len(),
            _ => 1,
        }
    }
    let below = parts(expr).iter().map(clauses).max().unwrap_or(0);
    alternatives(expr).max(below)
}

fn longest(expr: &Expr) -> usize {
    let length = |value: &Literal| match value {
        Literal::Text(text) => text.chars().count(),
        _ => 0,
    };
    match expr {
        Expr::Compare(_, _, value) => length(value),
        Expr::In(_, values) => values.iter().map(length).max().unwrap_or(0),
        Expr::Call(_, _, text) => text.chars().count(),
        _ => parts(expr).iter().map(longest).max().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::parse;

    fn judged(text: &str, advanced: bool) -> Result<(), Refusal> {
        check(&parse(text).unwrap(), advanced)
    }

    #[test]
    fn what_works_by_default() {
        for text in [
            "accountEnabled eq true",
            "department eq 'Sales' and accountEnabled eq true",
            "startsWith(displayName,'A') or startswith(surname,'A')",
            "id in ('a','b')",
            "createdDateTime ge 2026-01-01T00:00:00Z",
            "employeeId eq '007'",
            "userType in ('Member','Guest')",
            "extension_0123456789abcdef0123456789abcdef_badge eq 'x'",
        ] {
            assert_eq!(judged(text, false), Ok(()), "{text}");
            assert_eq!(judged(text, true), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_needs_advanced_parameters() {
        for text in [
            "employeeType in ('Admin', 'Staff')",
            "employeeType eq 'Admin'",
            "companyName eq 'Contoso Ltd.'",
            "department ne 'Sales'",
            "not (department eq 'Sales')",
            "not startsWith(displayName,'A')",
            "mail eq null",
            "endsWith(mail,'@contoso.example')",
            "employeeHireDate ge 2026-01-01T00:00:00Z",
            "employeeId in ('1','2')",
            "startsWith(jobTitle,'A')",
            "displayName ge 'A'",
            "onPremisesExtensionAttributes/extensionAttribute1 eq 'x'",
        ] {
            let refusal = judged(text, false).unwrap_err();
            assert_eq!(refusal.code, "Request_UnsupportedQuery", "{text}");
            assert_eq!(judged(text, true), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_never_works() {
        for text in [
            "contains(displayName,'x')",
            "lastPasswordChangeDateTime ge 2026-01-01T00:00:00Z",
            "legalAgeGroupClassification eq 'Adult'",
            "createdDateTime gt 2026-01-01T00:00:00Z",
            "endsWith(displayName,'x')",
            "passwordPolicies eq 'None'",
            "skills eq 'x'",
            "manager/id eq 'x'",
            "accountEnabled eq 'true'",
            "accountEnabled eq 1",
            "department eq true",
            "employeeId eq 7",
            "foo eq 'x'",
            "startsWith(accountEnabled,'t')",
            "department in (null)",
        ] {
            assert!(judged(text, true).is_err(), "{text}");
            assert!(judged(text, false).is_err(), "{text}");
        }
        let quoted = judged("accountEnabled eq 'true'", false).unwrap_err();
        assert!(quoted.message.starts_with("Invalid filter clause"), "{quoted:?}");
    }

    #[test]
    fn limits_hold_by_default_only() {
        let many = |n: usize| vec!["city eq 'x'"; n].join(" or ");
        let list = |n: usize| format!("id in ({})", vec!["'x'"; n].join(","));
        assert_eq!(judged(&many(15), false), Ok(()));
        assert_eq!(judged(&list(15), false), Ok(()));
        for text in [many(16), list(16), format!("{} or {}", many(10), list(6))] {
            let refusal = judged(&text, false).unwrap_err();
            assert!(refusal.message.contains("16. Max allowed: 15"), "{refusal:?}");
            assert_eq!(judged(&text, true), Ok(()));
        }
        let c = "city eq 'x'";
        assert_eq!(judged(&format!("{c} and ({c} or {c})"), false), Ok(()));
        let high = format!("{c} or ({c} and ({c} or {c}))");
        assert!(judged(&high, false).unwrap_err().message.contains("height: 4"));
        assert_eq!(judged(&high, true), Ok(()));
        let long = format!("city eq '{}'", "x".repeat(121));
        assert!(judged(&long, false).is_err());
    }
}
