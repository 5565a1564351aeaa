//! How a made-up company comes about.

use std::borrow::Cow;
use std::sync::Arc;

use super::names::{
    COMPANIES, DEPARTMENTS, EMPLOYEE_TYPES, GIVEN, ROOMS, SITES, SKUS, SPECIAL, SURNAMES, Site, TRAP_IDS,
    TRAP_SURNAMES,
};
use super::store::{Entry, Store};
use super::user::{User, push_json, standard};
use super::{Access, App, DEFAULT_TENANT, Sku, World};
use crate::clock;
use crate::prng::Prng;

/// 2026-11-23T06:00:00Z, when all made-up worlds begin.
const BEGINNING: i64 = 1_795_413_600;
const DAY: u64 = 86_400;

/// A tenant without people.
pub(crate) fn empty(seed: u64) -> World {
    let sku = |(id, name, enabled): &(&str, &str, u32)| Sku {
        id: (*id).to_owned(),
        part_number: (*name).to_owned(),
        enabled: *enabled,
    };
    World {
        tenant_id: DEFAULT_TENANT.to_owned(),
        domains: vec!["contoso.example".to_owned(), "example.com".to_owned()],
        tenant_name: "Contoso".to_owned(),
        apps: vec![App::contoso()],
        login_ahead: 0,
        delta_page: 100,
        forgotten: 0,
        skus: SKUS.iter().map(sku).collect(),
        premium: true,
        access: Access::default(),
        now: BEGINNING,
        users: Store::default(),
        deleted: Store::default(),
        prng: Prng::new(seed),
    }
}

/// A tenant with people.
pub(crate) fn build(seed: u64, people: usize) -> World {
    let mut world = empty(seed);
    let names = standard();
    let mut managers: Vec<String> = Vec::new();
    for number in 0..people {
        let draft = Draft::draw(number, &mut world.prng);
        let mut user = draft.write(&names, &mut world.prng);
        if !managers.is_empty() && world.prng.chance(950) {
            let at = world.prng.below(managers.len() as u64) as usize;
            user.set_manager(managers.get(at).map(String::as_str));
        }
        if number % 12 == 0 {
            managers.push(user.id().into_owned());
        }
        world.users.push(Entry::Person(user));
    }
    world.users.begin();
    world
}

/// Which sort of account it is.
#[derive(Clone, Copy, PartialEq)]
enum Sort {
    Member,
    Guest,
    Room,
}

/// Someone half made up: what several properties depend on.
struct Draft {
    number: usize,
    sort: Sort,
    given: &'static str,
    surname: &'static str,
    /// The part before the `@`.
    alias: String,
    site: &'static Site,
    department: usize,
    created: i64,
}

impl Draft {
    fn draw(number: usize, prng: &mut Prng) -> Self {
        let trap = number < TRAP_IDS.len() + TRAP_SURNAMES.len();
        let sort = match prng.below(1000) {
            _ if trap => Sort::Member,
            0..30 => Sort::Guest,
            30..40 => Sort::Room,
            _ => Sort::Member,
        };
        let (mut given, mut surname, mut alias) = (prng.pick(&GIVEN), prng.pick(&SURNAMES), String::new());
        if sort == Sort::Room {
            (given, surname) = (prng.pick(&ROOMS), "");
        } else if !trap && prng.chance(60) {
            let at = prng.below(SPECIAL.len() as u64) as usize;
            let (special_given, special_surname, ascii) = SPECIAL[at];
            (given, surname) = (special_given, special_surname);
            alias = ascii.to_owned();
        } else if let Some(name) = number.checked_sub(TRAP_IDS.len()) {
            surname = TRAP_SURNAMES.get(name).copied().unwrap_or(surname);
        }
        if alias.is_empty() {
            alias = format!("{given}.{surname}").to_lowercase().replace(' ', "");
        }
        let alias = format!("{}{number}", alias.trim_end_matches('.'));
        let site = &SITES[prng.below(SITES.len() as u64) as usize];
        Self {
            number,
            sort,
            given,
            surname,
            alias,
            site,
            department: prng.below(DEPARTMENTS.len() as u64) as usize,
            created: BEGINNING - (prng.below(3000) * DAY + prng.below(DAY)) as i64,
        }
    }

    fn write(&self, names: &Arc<[Cow<'static, str>]>, prng: &mut Prng) -> User {
        User::build(names, |name, out| self.value(name, prng, out))
    }

    fn value(&self, name: &str, prng: &mut Prng, out: &mut String) {
        match name {
            "id" => push_json(out, &prng.guid()),
            "displayName" => push_json(out, &self.display()),
            "accountEnabled" => out.push_str(match prng.below(1000) {
                _ if self.sort == Sort::Room => "false",
                0..20 => "false",
                20..23 => "null",
                _ => "true",
            }),
            "isResourceAccount" => out.push_str(match self.sort {
                Sort::Room => "true",
                _ => "null",
            }),
            "businessPhones" => self.phones(prng, out),
            "assignedLicenses" => self.licences(prng, out),
            "signInActivity" => self.activity(prng, out),
            _ => match self.text(name, prng) {
                Some(text) => push_json(out, &text),
                None => out.push_str("null"),
            },
        }
    }

    fn display(&self) -> String {
        match self.sort {
            Sort::Room => format!("{} {}", self.given, self.number),
            _ => format!("{} {}", self.given, self.surname),
        }
    }

    /// The properties that are text; `None` is null.
    fn text(&self, name: &str, prng: &mut Prng) -> Option<String> {
        let (title_department, titles) = &DEPARTMENTS[self.department];
        let staff = self.sort == Sort::Member;
        let site = self.site;
        let fixed = |text: &str| (staff && !text.is_empty()).then(|| text.to_owned());
        match name {
            "userPrincipalName" => Some(self.upn()),
            "mail" => (!prng.chance(20)).then(|| self.mail()),
            "mailNickname" => Some(self.alias.clone()),
            "givenName" => (self.sort != Sort::Room).then(|| self.given.to_owned()),
            "surname" => (self.sort != Sort::Room).then(|| self.surname.to_owned()),
            "userType" => match self.sort {
                Sort::Guest => Some("Guest".to_owned()),
                _ => (!prng.chance(3)).then(|| "Member".to_owned()),
            },
            "employeeId" => match TRAP_IDS.get(self.number) {
                Some(trap) => Some((*trap).to_owned()),
                None => staff.then(|| format!("{:06}", 1000 + self.number)),
            },
            "employeeType" => fixed(prng.pick(&EMPLOYEE_TYPES)),
            "employeeHireDate" => staff.then(|| clock::iso(self.created / 86_400 * 86_400)),
            "jobTitle" => fixed(prng.pick(titles)),
            "department" => fixed(title_department),
            "companyName" => match self.sort {
                Sort::Guest => Some("Example Partners".to_owned()),
                _ => fixed(prng.pick(&COMPANIES)),
            },
            "officeLocation" => fixed(&format!("{} / Desk {}", site.office, 100 + prng.below(900))),
            "streetAddress" => {
                fixed(&format!("{}, Building {}, Floor {}", site.street, prng.below(9), prng.below(30)))
            }
            "city" => fixed(site.city),
            "state" => fixed(site.state),
            "postalCode" => fixed(site.postal),
            "usageLocation" => fixed(site.country),
            "preferredLanguage" => fixed(site.language),
            "mobilePhone" if prng.chance(700) => fixed(&self.phone(prng)),
            "faxNumber" if prng.chance(100) => fixed(&self.phone(prng)),
            "ageGroup" | "consentProvidedForMinor" | "legalAgeGroupClassification" => {
                self.age(name).map(str::to_owned)
            }
            "createdDateTime" => Some(clock::iso(self.created)),
            "creationType" => (self.sort == Sort::Guest).then(|| "Invitation".to_owned()),
            "lastPasswordChangeDateTime" => {
                let later = prng.below((BEGINNING - self.created) as u64) as i64;
                Some(clock::iso(self.created + later).replace('Z', ".1234567Z"))
            }
            "passwordPolicies" if prng.chance(900) => {
                Some("DisablePasswordExpiration, DisableStrongPassword".to_owned())
            }
            _ => None,
        }
    }

    fn upn(&self) -> String {
        match self.sort {
            Sort::Guest => format!("{}_example.com#EXT#@contoso.example", self.alias),
            _ => format!("{}@contoso.example", self.alias),
        }
    }

    fn mail(&self) -> String {
        match self.sort {
            Sort::Guest => format!("{}@example.com", self.alias),
            _ => format!("{}@contoso.example", self.alias),
        }
    }

    /// One in fifty is an apprentice under age; few tenants fill these at all.
    fn age(&self, name: &str) -> Option<&'static str> {
        if self.sort != Sort::Member || self.number % 10 != 1 {
            return None;
        }
        let minor = self.number % 50 == 1;
        match name {
            "ageGroup" => Some(if minor { "Minor" } else { "Adult" }),
            "consentProvidedForMinor" => minor.then_some("Granted"),
            _ => Some(if minor { "MinorWithParentalConsent" } else { "Adult" }),
        }
    }

    fn phone(&self, prng: &mut Prng) -> String {
        format!("{}{:02}", self.site.dial, prng.below(100))
    }

    fn phones(&self, prng: &mut Prng, out: &mut String) {
        out.push('[');
        if self.sort == Sort::Member && prng.chance(600) {
            push_json(out, &self.phone(prng));
        }
        out.push(']');
    }

    fn licences(&self, prng: &mut Prng, out: &mut String) {
        out.push('[');
        if self.sort == Sort::Member && prng.chance(900) {
            let (id, _, _) = SKUS[prng.below(SKUS.len() as u64) as usize];
            out.push_str(&format!("{{\"disabledPlans\":[],\"skuId\":\"{id}\"}}"));
        }
        out.push(']');
    }

    /// Nothing for those who never signed in; no successful sign-in for some, as before 2023-12.
    fn activity(&self, prng: &mut Prng, out: &mut String) {
        if self.sort == Sort::Room || prng.chance(80) {
            out.push_str("null");
            return;
        }
        let tried = BEGINNING - prng.below(200 * DAY) as i64;
        let silent = BEGINNING - prng.below(200 * DAY) as i64;
        let worked = (!prng.chance(150)).then(|| clock::iso(tried - prng.below(3600) as i64));
        let (tried, silent) = (clock::iso(tried), clock::iso(silent));
        let worked = worked.map_or("null".to_owned(), |at| format!("\"{at}\""));
        out.push_str(&format!(
            "{{\"lastSignInDateTime\":\"{tried}\",\"lastSignInRequestId\":\"{}\",\
             \"lastNonInteractiveSignInDateTime\":\"{silent}\",\
             \"lastNonInteractiveSignInRequestId\":\"{}\",\
             \"lastSuccessfulSignInDateTime\":{worked},\
             \"lastSuccessfulSignInRequestId\":\"{}\"}}",
            prng.guid(),
            prng.guid(),
            prng.guid()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prng::digest;
    use crate::world::PROPERTIES;

    fn bytes(world: &World) -> String {
        let mut out = String::new();
        for user in world.users() {
            for name in PROPERTIES {
                out.push_str(user.get(name).unwrap_or("-"));
            }
            out.push_str(user.manager().unwrap_or("-"));
        }
        out
    }

    #[test]
    fn one_seed_makes_one_world() {
        let (one, two) = (bytes(&build(7, 500)), bytes(&build(7, 500)));
        assert_eq!(one, two);
        assert_ne!(one, bytes(&build(8, 500)));
        assert_eq!(format!("{:016x}", digest(one.as_bytes())), "9840b55080cbf9a5");
    }

    #[test]
    fn a_larger_world_begins_with_the_smaller_one() {
        let (small, large) = (build(7, 50), build(7, 100));
        assert_eq!(small.ids(), large.ids()[..50]);
    }

    #[test]
    fn the_traps_come_first() {
        let world = build(3, 20);
        let of = |at: usize, name: &str| {
            let user = world.users().nth(at).unwrap();
            user.text(name).unwrap().into_owned()
        };
        for (at, trap) in TRAP_IDS.iter().enumerate() {
            assert_eq!(of(at, "employeeId"), *trap);
        }
        assert_eq!((of(7, "surname"), of(8, "surname")), ("True".into(), "Null".into()));
    }

    #[test]
    fn the_mixture_is_right_and_every_value_is_json() {
        let world = build(1, 5000);
        let share = |wanted: &dyn Fn(&User) -> bool| world.users().filter(|u| wanted(u)).count();
        let guests = share(&|user| user.text("userType").as_deref() == Some("Guest"));
        let ext = share(&|user| user.upn().contains("#EXT#"));
        let disabled = share(&|user| user.get("accountEnabled") == Some("false"));
        let unclear = share(&|user| user.get("accountEnabled") == Some("null"));
        assert!((100..200).contains(&guests) && guests == ext, "{guests} {ext}");
        assert!((90..240).contains(&disabled), "{disabled}");
        assert!((3..40).contains(&unclear), "{unclear}");
        let mut selected = 0;
        for user in world.users() {
            for name in PROPERTIES {
                let raw = user.get(name).unwrap();
                serde_json::from_str::<serde_json::Value>(raw).unwrap();
                if !["businessPhones", "assignedLicenses", "signInActivity"].contains(&name) {
                    selected += name.len() + raw.len() + 4;
                }
            }
        }
        let each = selected / world.len();
        assert!((950..1250).contains(&each), "{each} bytes each");
    }
}
