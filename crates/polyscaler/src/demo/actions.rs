//! The actions of a group, each reported in one line: how many members moved, what was the
//! bottleneck, and when the last of them was ready.

use serde::Deserialize;

use super::load::clock;
use super::servers::Busiest;

/// Actions that the live table shows.
const SHOWN: usize = 4;

/// `status.lastAction` of a ScalingGroup.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Action {
    time: String,
    members: Vec<Moved>,
    ready_after_seconds: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Moved {
    from: u32,
    to: u32,
}

/// Every action that was seen, oldest first.
#[derive(Default)]
pub(super) struct Actions {
    noted: Vec<Noted>,
    /// The bottleneck at the last look.
    before: Option<Busiest>,
}

struct Noted {
    hour: f64,
    action: Action,
    busiest: Busiest,
    is_shown: bool,
}

impl Actions {
    /// Notes the group's last action, as it is at `hour`, with the bottleneck of this moment.
    pub(super) fn note(&mut self, hour: f64, action: Option<&Action>, busiest: Busiest) {
        let before = self.before.replace(busiest).unwrap_or(busiest);
        let Some(action) = action else { return };
        match self.noted.last_mut() {
            Some(last) if last.action.time == action.time => last.action = action.clone(),
            _ => {
                // Load and pods may have changed since the last look: what moved the group is the one of
                // the two that agrees with the direction.
                let was_higher = before.load > busiest.load;
                let busiest = if was_higher == action.is_out() { before } else { busiest };
                self.noted.push(Noted { hour, action: action.clone(), busiest, is_shown: false });
            }
        }
    }

    /// Lines at `hour` on actions that have come to an end since the last call: all are ready, or
    /// another action has begun.
    pub(super) fn news(&mut self, hour: f64, members: usize) -> Vec<String> {
        let last = self.noted.len().saturating_sub(1);
        let ended = self.noted.iter_mut().enumerate().filter(|(place, noted)| {
            !noted.is_shown && (*place < last || noted.action.ready_after_seconds.is_some())
        });
        let lines = ended.map(|(place, noted)| {
            noted.is_shown = true;
            let (now, then) = (clock(hour), clock(noted.hour));
            format!("{now} one action at {then}: {}", noted.story(members, place < last))
        });
        lines.collect()
    }

    /// Lines on the last actions, the newest first.
    pub(super) fn recent(&self, members: usize) -> Vec<String> {
        let last = self.noted.len().saturating_sub(1);
        let newest = self.noted.iter().enumerate().rev().take(SHOWN);
        let line = |(place, noted): (usize, &Noted)| {
            format!("{} one action: {}", clock(noted.hour), noted.story(members, place < last))
        };
        newest.map(line).collect()
    }
}

impl Noted {
    fn story(&self, members: usize, is_over: bool) -> String {
        let Self { action, busiest, .. } = self;
        let ready = match (action.ready_after_seconds, is_over) {
            (Some(seconds), _) => format!("ready after {seconds:.1} s"),
            (None, true) => "not ready at the next".to_owned(),
            (None, false) => "not ready yet".to_owned(),
        };
        format!(
            "{} of {members} members moved, {} → {} pods, bottleneck {} at {:.0} %, {ready}",
            action.members.len(),
            action.pods(|moved| moved.from),
            action.pods(|moved| moved.to),
            busiest.name,
            busiest.load * 100.0,
        )
    }
}

impl Action {
    fn pods(&self, count: fn(&Moved) -> u32) -> u32 {
        self.members.iter().map(count).sum()
    }

    fn is_out(&self) -> bool {
        self.pods(|moved| moved.to) > self.pods(|moved| moved.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(time: &str, moves: &[(u32, u32)], ready: Option<f64>) -> Action {
        let members = moves.iter().map(|&(from, to)| Moved { from, to }).collect();
        Action { time: time.to_owned(), members, ready_after_seconds: ready }
    }

    fn at(name: &'static str, load: f64) -> Busiest {
        Busiest { name, load }
    }

    #[test]
    fn an_action_is_reported_once_when_all_are_ready() {
        let mut actions = Actions::default();
        actions.note(8.0, None, at("webui", 2.5));
        assert!(actions.news(8.6, 7).is_empty());
        actions.note(8.1, Some(&action("a", &[(1, 3), (2, 4)], None)), at("db", 2.0));
        assert!(actions.news(8.6, 7).is_empty());
        assert!(actions.recent(7)[0].ends_with("not ready yet"));
        actions.note(8.5, Some(&action("a", &[(1, 3), (2, 4)], Some(3.44))), at("db", 0.9));
        let story = "2 of 7 members moved, 3 → 7 pods, bottleneck webui at 250 %, ready after 3.4 s";
        assert_eq!(actions.news(8.6, 7), [format!("08:36 one action at 08:06: {story}")]);
        assert!(actions.news(8.6, 7).is_empty());
        assert_eq!(actions.recent(7), [format!("08:06 one action: {story}")]);
    }

    #[test]
    fn one_that_is_overtaken_is_reported_as_such() {
        let mut actions = Actions::default();
        actions.note(8.0, Some(&action("a", &[(1, 3)], None)), at("webui", 2.5));
        actions.note(9.0, Some(&action("b", &[(3, 1)], Some(0.5))), at("webui", 0.4));
        let news = actions.news(8.6, 7);
        assert!(news[0].ends_with("not ready at the next"), "{news:?}");
        assert!(news[1].contains("bottleneck webui at 40 %, ready after 0.5 s"), "{news:?}");
        assert!(actions.recent(7)[0].starts_with("09:00"), "the newest first");
    }
}
