use super::*;
use crate::fixture::Shop;
use crate::policy::Bottleneck;
use crate::{Limits, MemberDecision, Memory, Mode, cycle};

const NOW: Time = Time::from_seconds(1000);

fn group() -> Plan {
    let shop = Shop::default().member("web", None).member("api", None).member("db", None);
    shop.plan(Bottleneck::default(), Limits::default())
}

fn note(memory: &mut Memory, plan: &Plan, decision: &Decision, writes: &[Option<WriteResult>]) {
    cycle::record_writes(plan, memory, decision, writes);
}

fn settle(memory: &mut Memory, plan: &Plan, scales: &[Option<Scale>], now: Time) {
    memory.last_action.as_mut().unwrap().settle(plan, scales, now);
}

/// A decision that takes each member from 2 to the count that stands here for it.
fn decision(at: Time, to: [u32; 3]) -> Decision {
    let decided = |(member, to): (usize, u32)| MemberDecision {
        member,
        from: 2,
        recommended: Some(to),
        to,
        cost: None,
        steps: Vec::new(),
    };
    let members = to.into_iter().enumerate().map(decided).collect();
    Decision {
        at,
        mode: Mode::Act,
        values: Vec::new(),
        absences: Vec::new(),
        outlooks: Vec::new(),
        activity: None,
        published: Vec::new(),
        members,
    }
}

fn done(after: u64) -> Option<WriteResult> {
    Some(WriteResult { at: NOW.plus(Duration::from_secs(after)), sent: true, failure: None })
}

fn failed() -> Option<WriteResult> {
    Some(WriteResult { at: NOW, sent: true, failure: Some("refused".to_owned()) })
}

/// Name, attempts, whether it was written, and why not.
fn noted(memory: &Memory) -> Vec<(&str, u32, bool, Option<&str>)> {
    let members = &memory.last_action.as_ref().unwrap().members;
    members
        .iter()
        .map(|member| {
            (member.name.as_str(), member.attempts, member.written.is_some(), member.failure.as_deref())
        })
        .collect()
}

#[test]
fn an_action_has_those_members_that_were_to_be_written() {
    let mut memory = Memory::default();
    note(&mut memory, &group(), &decision(NOW, [6, 2, 3]), &[done(1), None, failed()]);
    assert_eq!(noted(&memory), [("web", 1, true, None), ("db", 1, false, Some("refused"))]);
    let action = memory.last_action.as_ref().unwrap();
    assert_eq!((action.at, action.members[0].from, action.members[0].to), (NOW, 2, 6));
    assert_eq!(action.written_after(), None, "one is missing");
    let before = memory.clone();
    note(&mut memory, &group(), &decision(NOW, [6, 2, 3]), &[None, None, None]);
    assert_eq!(memory, before, "where nothing is written there is no action");
}

#[test]
fn the_same_write_tried_again_is_part_of_the_action_and_another_is_not() {
    let later = NOW.plus(Duration::from_secs(15));
    let mut memory = Memory::default();
    note(&mut memory, &group(), &decision(NOW, [6, 2, 3]), &[done(1), None, failed()]);
    note(&mut memory, &group(), &decision(later, [6, 2, 3]), &[None, None, failed()]);
    assert_eq!(noted(&memory)[1], ("db", 2, false, Some("refused")));
    let found = WriteResult { at: later, sent: false, failure: None };
    note(&mut memory, &group(), &decision(later, [6, 2, 3]), &[None, None, Some(found)]);
    assert_eq!(noted(&memory)[1], ("db", 2, true, None), "nothing was sent");
    let action = memory.last_action.clone().unwrap();
    assert_eq!((action.at, action.written_after()), (NOW, Some(Duration::from_secs(15))));

    for (to, tried) in [
        ([6, 2, 3], [None, None, done(20)]),
        ([6, 2, 4], [None, None, done(20)]),
        ([7, 2, 3], [done(20), None, failed()]),
        ([6, 5, 2], [None, failed(), None]),
    ] {
        let mut memory = Memory { last_action: Some(action.clone()), ..Memory::default() };
        note(&mut memory, &group(), &decision(later, to), &tried);
        assert_eq!(memory.last_action.unwrap().at, later, "{to:?}: all were written, so it is another one");
    }
}

#[test]
fn a_write_that_failed_and_was_carried_out_all_the_same_is_written() {
    let plan = group();
    let seen = |replicas: [u32; 3]| {
        replicas.map(|replicas| Some(Scale { replicas, status_replicas: 2, ready: Some(2) })).to_vec()
    };
    let mut memory = Memory::default();
    note(&mut memory, &plan, &decision(NOW, [6, 5, 3]), &[done(1), failed(), failed()]);
    let later = NOW.plus(Duration::from_secs(15));
    let mut missing = seen([6, 2, 3]);
    missing[2] = None;
    let before = memory.clone();
    settle(&mut memory, &plan, &missing, later);
    assert_eq!(memory, before);
    settle(&mut memory, &plan, &seen([6, 4, 3]), later);
    assert_eq!(
        noted(&memory),
        [("web", 1, true, None), ("api", 1, false, Some("refused")), ("db", 1, true, None)]
    );
    settle(&mut memory, &plan, &seen([6, 5, 3]), later.plus(Duration::from_secs(15)));
    let action = memory.last_action.unwrap();
    assert_eq!(action.members[2].written, Some(later));
    assert_eq!(action.written_after(), Some(Duration::from_secs(30)));
}

#[test]
fn a_poll_does_not_forget_who_became_ready_while_it_ran() {
    let mut memory = Memory::default();
    note(&mut memory, &group(), &decision(NOW, [6, 2, 3]), &[done(1), None, done(2)]);
    let mut known = memory.last_action.clone().unwrap();
    let brought = known.clone();
    known.members[0].ready = Some(NOW.plus(Duration::from_secs(5)));
    let merged = |mut brought: Action| {
        brought.merge_readiness(&known);
        brought.members[0].ready
    };
    assert_eq!(merged(brought.clone()), known.members[0].ready);
    assert_eq!(merged(Action { at: NOW.plus(Duration::from_secs(9)), ..brought.clone() }), None);
    let mut other_count = brought.clone();
    other_count.members[0].to = 7;
    assert_eq!(merged(other_count), None);
    assert_eq!(known.ready_after(), None);
    known.members[1].ready = Some(NOW.plus(Duration::from_secs(7)));
    assert_eq!(known.ready_after(), Some(Duration::from_secs(7)));
}

#[test]
fn written_members_of_the_plan_are_waited_for_a_while() {
    let mut plan = group();
    let mut memory = Memory::default();
    note(&mut memory, &plan, &decision(NOW, [6, 5, 3]), &[done(1), done(1), failed()]);
    let mut action = memory.last_action.unwrap();
    let names = |action: &Action, plan: &Plan, after: u64| -> Vec<String> {
        let awaited = action.awaited(plan, NOW.plus(Duration::from_secs(after)));
        awaited.into_iter().map(|member| member.name).collect()
    };
    assert_eq!(names(&action, &plan, 899), ["web", "api"]);
    assert_eq!(names(&action, &plan, 900), [""; 0]);
    action.members[0].ready = Some(NOW);
    assert_eq!(names(&action, &plan, 5), ["api"]);
    plan.members[1].role.refusal = Some("not yours".to_owned());
    assert_eq!(names(&action, &plan, 5), [""; 0]);
}

#[test]
fn ready_means_all_of_them_and_no_others() {
    let awaited = Awaited { name: "web".to_owned(), target: group().members[0].target.clone(), replicas: 3 };
    let is_ready =
        |replicas, status_replicas, ready| awaited.is_ready(&Scale { replicas, status_replicas, ready });
    assert_eq!(is_ready(3, 3, Some(3)), Some(true));
    assert_eq!(is_ready(3, 3, Some(2)), Some(false));
    assert_eq!(is_ready(3, 4, Some(3)), Some(false), "one has still to go");
    assert_eq!(is_ready(4, 3, Some(3)), Some(false), "somebody asks for others");
    assert_eq!(is_ready(3, 3, None), None);
}
