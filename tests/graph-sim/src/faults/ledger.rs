//! Which rule is due, and how often each has fired.

use super::{Action, On, Rule, Schedule};

/// A request as the rules see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) on: Option<On>,
    /// The page of an enumeration; 0 for other requests.
    pub(crate) page: u32,
}

/// A rule that is due.
#[derive(Debug, Clone)]
pub(crate) struct Picked {
    at: usize,
    /// Of which schedule; a stale pick must not change the next one's numbers.
    generation: u64,
    pub(crate) action: Action,
}

/// The schedule with its counters.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    lines: Vec<Line>,
    generation: u64,
}

#[derive(Debug)]
struct Line {
    rule: Rule,
    seen: u64,
    fired: u64,
}

impl Line {
    fn concerns(&self, request: Request) -> bool {
        let on = self.rule.on == On::Any || request.on == Some(self.rule.on);
        on && self.rule.page.is_none_or(|page| page == request.page)
    }
}

impl Ledger {
    /// Begins a new schedule.
    pub(crate) fn set(&mut self, schedule: Schedule) {
        let line = |rule| Line { rule, seen: 0, fired: 0 };
        self.lines = schedule.rules.into_iter().map(line).collect();
        self.generation += 1;
    }

    /// Counts a request and picks the first rule that is due.
    pub(crate) fn pick(&mut self, request: Request) -> Option<Picked> {
        let mut picked = None;
        for (at, line) in self.lines.iter_mut().enumerate() {
            if !line.concerns(request) {
                continue;
            }
            line.seen += 1;
            let due = line.seen >= line.rule.nth.unwrap_or(1) && line.rule.times.allow(line.fired);
            if due && picked.is_none() {
                line.fired += 1;
                let action = line.rule.action.clone();
                picked = Some(Picked { at, generation: self.generation, action });
            }
        }
        picked
    }

    /// Takes back a rule that turned out to have nothing to spoil.
    pub(crate) fn take_back(&mut self, picked: &Picked) {
        if picked.generation != self.generation {
            return;
        }
        if let Some(line) = self.lines.get_mut(picked.at) {
            line.fired = line.fired.saturating_sub(1);
        }
    }

    /// The rules that fired less often than they should.
    pub(crate) fn unfired(&self) -> Vec<String> {
        let lines = self.lines.iter().enumerate();
        let short = lines.filter(|(_, line)| line.fired < line.rule.min_fires);
        let text = |(at, line): (usize, &Line)| {
            format!(
                "rule {} ({:?} on {:?}) fired {} times, wanted {}",
                at + 1,
                line.rule.action,
                line.rule.on,
                line.fired,
                line.rule.min_fires
            )
        };
        short.map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: Request = Request { on: Some(On::Users), page: 2 };

    #[test]
    fn nth_times_and_page() {
        let mut ledger = Ledger::default();
        let rule = Rule::new(On::Users, Action::Reset).page(2).nth(2).times(2);
        ledger.set(Schedule::one(rule));
        assert_eq!(ledger.unfired().len(), 1);
        let fires: Vec<bool> = (0..5).map(|_| ledger.pick(USERS).is_some()).collect();
        assert_eq!(fires, [false, true, true, false, false]);
        assert!(ledger.pick(Request { page: 1, ..USERS }).is_none());
        assert!(ledger.unfired().is_empty());
    }

    #[test]
    fn the_first_rule_that_is_due_fires_and_can_be_taken_back() {
        let mut ledger = Ledger::default();
        let schedule = Schedule::one(Rule::new(On::Any, Action::Stall))
            .and(Rule::new(On::Users, Action::Reset).always());
        ledger.set(schedule);
        let first = ledger.pick(USERS).unwrap();
        assert_eq!(first.action, Action::Stall);
        ledger.take_back(&first);
        assert_eq!(ledger.pick(USERS).unwrap().action, Action::Stall);
        assert_eq!(ledger.pick(USERS).unwrap().action, Action::Reset);
        assert_eq!(ledger.pick(USERS).unwrap().action, Action::Reset);
    }
}
