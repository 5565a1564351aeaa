//! The story that the demonstration tells: the commands that a user would type, against a simulator that is
//! as unkind as Graph, over real sockets and through the real component.

use anyhow::{Result, anyhow};
use graph_sim::{
    Action, DEFAULT_CLIENT_ID, DEFAULT_SECRET, DEFAULT_TENANT, On, Rule, Schedule, Sim, SimConfig, World,
};

use super::output::{Column, Table, shown};
use super::run::show;
use super::session::Session;
use super::{check, proof, services};
use crate::config;
use crate::credential::{self, CLIENT_SECRET, SecretText};
use crate::model::{Clock, Millis, Outcome};
use crate::store::{CredentialRow, Found};
use crate::sync::{RunReport, Silent, Wanted};

/// The simulated world is always the same one.
const SEED: u64 = 7;
const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;
/// The story takes four days and ends now.
const DAYS: i64 = 4;
const NAME: &str = "contoso";

/// Values that other loaders retype on the way, as the simulated directory has them.
const TRAPS: usize = 7;

/// Tells the whole story.
pub(super) fn tell(session: &mut Session, people: usize) -> Result<()> {
    let end = session.now();
    let at = |day: i64, hour: i64| Clock::Fixed(end - (DAYS - day) * DAY + hour * HOUR);
    let sim = Sim::start(SimConfig::default(), World::contoso(SEED, people))?;

    session.clock = at(0, 0);
    prepare(session, &sim, people)?;
    title(session, "A directory of made-up people, and a look before anything is read")?;
    command(session, "check contoso")?;
    let items = proof::check(session, NAME, &Silent)?;
    check::show(session, &format!("Check of {NAME}"), &items)?;
    command(session, "plan contoso")?;
    show(session, &services::run_plan(session, NAME, Wanted::Usual, &Silent)?, false, false)?;

    title(session, "The first load")?;
    command(session, "launch contoso")?;
    session.store()?.launch_integration(NAME, session.now())?;
    command(session, "sync contoso")?;
    sync(session)?;
    say(session, "Values arrive as they were sent, whatever they look like:")?;
    traps(session, &sim)?;

    session.clock = at(1, 0);
    title(session, "The next night nothing has changed")?;
    command(session, "sync contoso")?;
    sync(session)?;

    session.clock = at(2, 0);
    title(session, "The world moves")?;
    say(
        session,
        "Twelve people join and six leave, one of them is disabled rather than deleted. Somebody marries and is \
         renamed. And a script at the source wipes the column `department`.",
    )?;
    let leavers = move_world(&sim, session.now())?;
    command(session, "plan contoso")?;
    let plan = services::run_plan(session, NAME, Wanted::Usual, &Silent)?;
    show(session, &plan, true, false)?;
    command(session, &format!("apply {}", plan.run))?;
    let applied = services::run_apply(session, plan.run, false, &Silent)?;
    show(session, &applied, true, false)?;
    expect(&applied, Outcome::Deactivated, leavers)?;

    session.clock = at(3, 0);
    title(session, "Disaster, the first: the listing is cut short, the people are still there")?;
    sim.set_faults(Schedule::one(Rule::new(On::Users, Action::CutListing).page(1)));
    command(session, "sync contoso")?;
    let cut = sync(session)?;
    sim.clear_faults();
    expect(&cut, Outcome::Deactivated, 0)?;
    if cut.completeness.complete {
        return Err(anyhow!("the story went wrong: a listing that was cut short counts as complete"));
    }
    say(session, "The source counts more people than it listed, so nobody is judged by who is missing.")?;

    session.clock = at(4, 0);
    title(session, "Disaster, the second: a third of the people is really deleted")?;
    let gone = delete_a_third(&sim, session.now())?;
    command(session, "sync contoso")?;
    let held = sync(session)?;
    expect(&held, Outcome::Deactivated, 0)?;
    say(
        session,
        &format!(
            "The source was asked about each of the {gone} by id, and says that they are deleted. That is proof, but \
             too much of it: the guard holds them, by name, until somebody decides. Everything else goes on.",
        ),
    )?;

    title(session, "What is left behind")?;
    let home = session.home.display().to_string();
    say(
        session,
        &format!(
            "The folder `{home}` has the store of this story. The simulator is gone, so nothing can be read anew, \
             but everything can be looked at:\n\n  \
             userload --home {home} status\n  \
             userload --home {home} held list\n  \
             userload --home {home} people list --search o\\'\n  \
             userload --home {home} people export --json\n  \
             userload --home {home} runs list",
        ),
    )
}

fn sync(session: &Session) -> Result<RunReport> {
    let report = services::run_sync(session, NAME, Wanted::Usual, &Silent)?;
    show(session, &report, true, false)?;
    Ok(report)
}

/// The story is no story when it comes out otherwise.
fn expect(report: &RunReport, outcome: Outcome, many: u64) -> Result<()> {
    let found = report.count(outcome);
    if found == many {
        Ok(())
    } else {
        Err(anyhow!("the demonstration went wrong: {found} {outcome}, not {many}"))
    }
}

/// The credential and the integration of the story.
fn prepare(session: &Session, sim: &Sim, people: usize) -> Result<()> {
    let mut store = session.store_or_new()?;
    let origin = sim.origin();
    let settings = [
        ("domain", origin.as_str()),
        ("login", origin.as_str()),
        ("tenant", DEFAULT_TENANT),
        ("client-id", DEFAULT_CLIENT_ID),
    ];
    let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let secrets = [(CLIENT_SECRET.to_owned(), SecretText::new(DEFAULT_SECRET.to_owned()))].into();
    let key = session.key(&store)?;
    store.add_credential(&CredentialRow {
        name: NAME.to_owned(),
        settings,
        sealed: credential::seal(&key, &session.tenant, NAME, &secrets)?,
        expires_on: None,
        about: crate::credential::About::default(),
        saved_at: session.now(),
    })?;
    let site = session.site()?;
    let document = document(&origin, page_size(people), &site.manifest.suggestions);
    let integration = config::parse(NAME, &document, &site.fields, store.targets())?;
    store.save_integration(&integration, &document, &site.fields, session.now())?;
    Ok(())
}

/// An integration that maps everything the plugin suggests.
fn document(origin: &str, page_size: usize, suggestions: &[crate::engine::contract::Suggestion]) -> String {
    let mut text = format!(
        "name = \"{NAME}\"\ncredential = \"{NAME}\"\naccess-role = \"Employee\"\ndeactivate = true\n\
         page-size = {page_size}\n\
         # The simulator is on this machine, which a plugin reaches only when it is said.\n\
         grants = [{{ origin = \"{origin}\", private = true }}]\n\n[mapping]\n"
    );
    for suggestion in suggestions {
        text.push_str(&format!("{} = \"{}\"\n", suggestion.target, suggestion.source));
    }
    text
}

/// Users a page, so that there are two pages at least: a listing of one cannot be cut short between pages.
fn page_size(people: usize) -> usize {
    (people / 2).clamp(1, 999)
}

/// Joiners, leavers, a marriage, a wiped column. Gives back how many leave.
fn move_world(sim: &Sim, now: Millis) -> Result<u64> {
    sim.change(|world| {
        world.now = now / 1000;
        let ids = world.ids();
        let staff: Vec<&String> = ids.iter().filter(|id| is_staff(world, id)).collect();
        let (deleted, rest) = staff.split_at(5);
        for id in deleted {
            world.delete(id)?;
        }
        let [disabled, bride, ..] = rest else { return Err(anyhow!("the world is too small")) };
        world.disable(disabled)?;
        let domain = world.domain().to_owned();
        world.rename(bride, &format!("mary.o'neill@{domain}"))?;
        world.update_text(bride, "surname", "O'Neill")?;
        world.update_text(bride, "displayName", "Mary O'Neill 💍")?;
        world.update_text(bride, "givenName", "Mary")?;
        for number in 1..=12 {
            world.hire(&format!("joiner{number:02}@{domain}"), &format!("Joiner {number:02}"));
        }
        world.wipe("department");
        Ok(6)
    })
}

/// Somebody ordinary: a member who may sign in, and no bearer of a value that the story shows.
fn is_staff(world: &World, id: &str) -> bool {
    world.user(id).is_some_and(|user| {
        user.get("accountEnabled") == Some("true")
            && user.text("userType").as_deref() == Some("Member")
            && user
                .text("employeeId")
                .is_some_and(|it| it.len() == 6 && it.bytes().all(|it| it.is_ascii_digit()))
    })
}

fn delete_a_third(sim: &Sim, now: Millis) -> Result<u64> {
    sim.change(|world| {
        world.now = now / 1000;
        let ids = world.ids();
        let third: Vec<&String> = ids.iter().skip(TRAPS).step_by(3).collect();
        for id in &third {
            world.delete(id)?;
        }
        Ok(third.len() as u64)
    })
}

/// What the values that others retype have become.
fn traps(session: &Session, sim: &Sim) -> Result<()> {
    if session.printer.json() {
        return Ok(());
    }
    let store = session.store()?;
    let mut table =
        Table::new(&[Column::Text("Name"), Column::Text("Employee ID"), Column::Text("Username")]);
    for source_id in sim.look(|world| world.ids()).iter().take(TRAPS) {
        if let Found::One(person) = store.find_person(source_id, &[])? {
            let of = |name: &str| person.text(name).unwrap_or_default();
            let (name, id, username) = (of("display_name"), of("employee_id"), of("username"));
            table.row([shown(&name), shown(&id), shown(&username)]);
        }
    }
    Ok(session.printer.answer(&table.render(2, session.printer.paint()))?)
}

fn title(session: &Session, text: &str) -> Result<()> {
    print(session, &format!("\n{}\n", session.printer.paint().bold(&format!("━━ {text}"))))
}

fn say(session: &Session, text: &str) -> Result<()> {
    print(session, &format!("{text}\n"))
}

fn command(session: &Session, text: &str) -> Result<()> {
    print(session, &session.printer.paint().dim(&format!("$ userload {}", shown(text))))
}

/// The words between the answers; in JSON there are only the answers.
fn print(session: &Session, text: &str) -> Result<()> {
    if session.printer.json() { Ok(()) } else { Ok(session.printer.answer(text)?) }
}
