//! Cloud or local: where an integration runs, and where its credential is kept.
//!
//! A cloud one is run by whoever has the store, from credentials that are sealed in it. A local one runs only on
//! the machine that saved it, from a credential that stays there. A federated token belongs to neither: the
//! platform of each machine provides it.

use anyhow::Result;

use super::session::Session;
use crate::config::Installation;
use crate::credential::{Kept, this_machine};
use crate::store::{IntegrationRow, Store};
use crate::sync::preflight::Problem;

/// Whether an integration may run on this machine with the credential that it names.
pub(super) fn runs_here(
    session: &Session,
    store: &Store,
    row: &IntegrationRow,
) -> Result<Result<(), Problem>> {
    if let Some(machine) = row.machine.as_deref().filter(|it| *it != this_machine()) {
        return Ok(Err(Problem {
            place: "installation",
            what: format!("`{}` is local: it runs on {machine}, and this is {}", row.name, this_machine()),
            help: Some(format!(
                "run it there; to move it here, save it here: `userload integration show {0} > {0}.toml`, \
                 `userload integration save -f {0}.toml`",
                row.name
            )),
        }));
    }
    let says_local = session.parse(store, row).is_ok_and(|it| it.installation == Installation::Local);
    if says_local && row.machine.is_none() {
        // Killed between the document and the machine: nobody knows whose it is.
        return Ok(Err(Problem {
            place: "installation",
            what: format!("`{}` is local, but no machine is noted with it", row.name),
            help: Some(
                "save it again on the machine that it runs on: `userload integration save -f FILE`".into(),
            ),
        }));
    }
    let credential = session.credential_row(store, &row.credential)?;
    let local = row.machine.is_some();
    let name = &credential.name;
    let problem = |what: String, help: String| Problem { place: "installation", what, help: Some(help) };
    Ok(match (&credential.about.kept, local) {
        _ if credential.about.federated_token_file.is_some() => Ok(()),
        (Kept::Store, false) => Ok(()),
        (Kept::Store, true) => Err(problem(
            format!("`{}` is local, but its credential `{name}` is sealed in the store", row.name),
            format!(
                "userload credential edit {name} --from-file FILE (or --keyring, or --from-env VARIABLE), or `installation = \"cloud\"`"
            ),
        )),
        (_, true) => Ok(()),
        (kept, false) => Err(problem(
            format!("`{}` is a cloud one, but its credential `{name}` is kept {kept}", row.name),
            format!(
                "`installation = \"local\"` in the document, or `userload credential edit {name}` to seal the secret in the store"
            ),
        )),
    })
}

/// The machine to note with an integration that is saved here.
pub(super) fn machine(installation: Installation) -> Option<String> {
    match installation {
        Installation::Cloud => None,
        Installation::Local => Some(this_machine()),
    }
}
