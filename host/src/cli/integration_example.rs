//! The example of a document, as `userload integration save --help` prints it.

/// No line is wider than the help is wrapped at: a wrapped line is broken TOML.
pub(super) const EXAMPLE: &str = r#"A document that says everything that has to be said:

  name = "contoso"
  credential = "entra"
  access-role = "Employee"

  [mapping]
  username = "User Principal Name"
  email = "Mail"
  display_name = "Display Name"
  department = "Department"

What has a default, and could be said as well:

  # which of the catalogue's two it is; without a filter it is "Microsoft Entra ID User Load"
  integration = "Microsoft Entra ID User Load with Filtering"
  installation = "cloud"            # local: runs only on the machine that saved it
  mode = "create-and-update"        # create-only, update-only
  filter = "Default"                # or "employeeType in ('Admin', 'Staff')"
  deactivate = false                # deactivate and reactivate people at all
  reactivate = "own"                # always, never
  disabled-new = "create-inactive"  # skip
  on.disabled = "deactivate"        # or keep; of who is there, but disabled
  on.deleted = "deactivate"
  on.not-found = "deactivate"
  on.left-filter = "keep"
  grace = { runs = 3, days = 3 }    # before "not found" counts
  match-keys = ["username", "email"]
  access-roles = ["Employee", "Contractor", "External", "Guest", "Administrator"]
  page-size = 999
  load = "users"                    # users-and-saas: SaaS users as well, then also:
  #   saas-application = "auto"     # the vendor's own; or one of `userload saas list`
  #   saas.role = "licences"        # directory-roles, or { app-roles = "APPLICATION-ID" }
  #   saas.deactivate = false, saas.idle-after-days = 60
  manager = false                   # true: read the manager's username into `manager`
  delta = false                     # true: read only what has changed, where Graph tells it (no
  #   filter, no sign-in activity), and list everybody at least every listing-days = 7 days, or
  #   listing-runs = 1000 runs
  # priority = 10, when two integrations fill one field: the highest wins
  # administrator-roles-from-source = ["Administrator"], when access_role is a source field
  # plugin = { file = "other.wasm", sha256 = "…" }, pinned: `userload plugin inspect other.wasm`
  #   shows the digest
  # grants = [{ origin = "http://127.0.0.1:8080", private = true }], where the plugin may send
  #   requests beside the credential's cloud. A line about an origin takes the place of what the
  #   cloud brings, so that it can be narrowed:
  #   { origin = "https://graph.microsoft.com", methods = ["GET", "POST"], paths = ["/v1.0"] }.
  #   "https://*.example.com" is every name with one more label
  # limits = { requests = 20_000, sent-mib = 256, received-mib = 16_384, cpu-seconds = 1_800,
  #   wall-minutes = 1_440, memory-mib = 64, log-kib = 256 }, what one run of the plugin may use
  # network = { proxy = "http://proxy.example:3128", ca-file = "/etc/ssl/company.pem" }
  # only-if = "employee_type in ['Staff', 'Admin'] and email is not blank": people are created and
  #   updated only where it is true of the mapped fields. Who is dropped stays as they are, and is
  #   never taken for absent; disabled at the source still deactivates.
  #   `userload check` prints such lines, and how many each leaves
  # guard.deactivate = { count = 5, percent = 2 }; deactivate-most, rename, clear, collapse
  # [[mapping-test]], a record and what becomes of it: `userload mapping test --help`

How a field can be filled, by one of:

  department = "Department"                       # a label or property of the source
  business_phone = "businessPhones[0]"            # a path: nested, items of lists, extensions
  cost_center = "onPremisesExtensionAttributes.extensionAttribute1"
  city = { source = "city", null = "keep" }       # a null: keep, clear (default), default
  office = { source = "officeLocation", default = "Home" }
  user_type = { constant = "Member" }
  email = { first = ["mail", "otherMails[0]"] }   # the first that is not empty
  display_name = { join = ["givenName", "surname"], separator = " " }
  office = { location = ["city", "state", "country"] }            # joined by ", "
  mail_nickname = "{{ mail.split('@')[0]|lower }}"    # an expression (Jinja), to a value
  job_title = { expression = "'VIP' if level >= 5 else jobTitle" }

What each of them may have beside:

  convert = "lower"                # or a list, in order: ["trim", "title", { prefix = "E" }]
    trim, squeeze, upper, lower, title, first-name, last-name, mail-local, mail-domain, digits,
    date, time, text, number, flag, blank-is-null,
    { lookup = { Sales = "S", IT = "I" }, else = "keep", ignore-case = true }   # else: null, fail
    { replace = "-", with = "" }, { prefix = "E" }, { suffix = "!" }, { truncate = 20 },
    { split = "-", part = 1 }, { date = "DD.MM.YYYY" }, { parse-date = "DD/MM/YYYY" }
  when = "userType != 'Guest'"     # the field is kept where it is not true of the source
  write = "on-create"              # to new people; "if-empty": where nothing is; "always"
  required = true                  # a row without a value fails

  In `expression` and `when` names are properties of the source, in `only-if` they are fields;
  what has no value is null there. ==, !=, <, in, and, or, not, ~, `A if B else C`;
  `number(level) > 3` compares a number.

  Filters and functions of expressions: default, text, number, lower, upper, title, capitalize,
  trim, replace, split, join, first, last, length, sort, min, max, starting, containing, ending;
  tests: defined, none, blank, string, number, starting, ending, containing. Numbers and texts
  that are passed on stay as they were sent. What does not fit fails its row, which then counts
  as present.

Fields of your own (`userload fields add "Cost unit"`) are mapped like the others, by name
or label.

Example: userload integration save -f contoso.toml"#;

#[cfg(test)]
mod tests {
    use super::EXAMPLE;
    use crate::config::{parse, seed_fields};
    use crate::model::Targets;

    #[test]
    fn the_example_is_a_document() {
        let (least, rest) = EXAMPLE.split_once("What has a default, and could be said as well:").unwrap();
        let (defaults, fillings) = rest.split_once("How a field can be filled, by one of:").unwrap();
        let (_, least) = least.split_once('\n').unwrap();
        let (top, mapping) = least.split_once("[mapping]").unwrap();
        let text = format!("{top}{defaults}[mapping]{mapping}");
        let read = parse("example.toml", &text, &seed_fields(), &Targets::built_in()).unwrap();
        assert_eq!(read.integration, "Microsoft Entra ID User Load with Filtering");
        // They fill one field in several ways, so each is read by itself.
        let (fillings, _) = fillings.split_once("What each of them may have beside:").unwrap();
        for line in fillings.lines() {
            assert!(toml::de::DeTable::parse(line).is_ok(), "{line}");
        }
    }
}
