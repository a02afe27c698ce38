//! When objects are polled.

use super::*;

#[tokio::test(start_paused = true)]
async fn nothing_is_polled_before_all_is_known_and_before_leading() {
    let running = Loop::start();
    running.world.lease.set(Some(Duration::from_secs(8)));
    running.apply(&web()).await;
    pass(60).await;
    running.send(Event::Synced).await;
    pass(60).await;
    assert_eq!(running.asked("web"), 0, "it has not heard that it leads");
    running.lead(true).await;
    pass(1).await;
    assert_eq!(running.asked("web"), 1);

    let running = Loop::start();
    running.apply(&web()).await;
    running.lead(true).await;
    pass(60).await;
    assert_eq!(running.asked("web"), 0, "an older object may own the target");
    running.send(Event::Synced).await;
    pass(1).await;
    assert_eq!(running.asked("web"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_object_is_polled_once_an_interval() {
    let running = Loop::leading(&[&web()]).await;
    pass(15).await;
    let begun = running.asked("web");
    pass(100).await;
    let asked = running.world.sampler.asked("web").split_off(begun - 1);
    assert_eq!(asked.len(), 11);
    for (earlier, later) in asked.iter().zip(&asked[1..]) {
        assert_eq!(later.at.since(earlier.at), Duration::from_secs(10));
        assert_eq!(later.not_before, later.at, "a regular poll wants a reading of its own instant");
    }
}

#[tokio::test(start_paused = true)]
async fn at_first_a_reading_of_the_last_interval_will_do() {
    let running = Loop::leading(&[&web()]).await;
    running.apply(&Object::new("later")).await;
    pass(1).await;
    for who in ["web", "later"] {
        let first = running.world.sampler.asked(who)[0].clone();
        assert_eq!(first.not_before, first.at.minus(Duration::from_secs(10)));
    }
}

#[tokio::test(start_paused = true)]
async fn equal_queries_are_due_at_the_same_instant() {
    let other = Object::new("api").source("web");
    let running = Loop::leading(&[&web(), &other]).await;
    pass(15).await;
    let begun = running.asked("web");
    pass(30).await;
    let asked = running.world.sampler.asked("web").split_off(begun);
    assert_eq!(asked.len(), 6);
    assert!(asked.chunks(2).all(|pair| pair[0] == pair[1]), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_slow_objects_start_spread_and_never_overlap_themselves() {
    let running = Loop::start();
    let names: Vec<String> = (0..1000).map(|index| format!("v{index}")).collect();
    for name in &names {
        running.world.cluster.set(name, 2);
        running.world.sampler.answer(name, Answer::Slow(Duration::from_secs(30), 3000.0));
        running.events.send(Object::new(name).known_as(name, name).applied()).await.unwrap();
    }
    settle().await;
    running.send(Event::Synced).await;
    running.lead(true).await;
    let begun = running.world.now();
    pass(10).await;
    let mut seconds = [0; 10];
    for name in &names {
        let first = &running.world.sampler.asked(name)[0];
        // The last may come at the very end of the interval.
        seconds[(first.at.since(begun).as_secs() as usize).min(9)] += 1;
    }
    assert!(seconds.iter().all(|&count| count <= 200), "{seconds:?}");
    pass(192).await;
    assert_eq!(running.world.busy.most(), 1);
    // A poll takes 30 s and the interval is 10 s: the next one waits for the next full interval.
    for name in &names {
        let asked = running.asked(name);
        assert!((5..=7).contains(&asked), "{name} was asked {asked} times");
        assert_eq!(running.world.cluster.replicas(name), 6);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hanging_object_delays_no_other() {
    let objects: Vec<Object> = (0..50).map(|index| Object::new(&format!("v{index}"))).collect();
    let running = Loop::leading(&objects.iter().collect::<Vec<_>>()).await;
    running.world.sampler.answer("v0", Answer::Never);
    running.world.sampler.answer("v1", Answer::Slow(Duration::from_secs(60), 1.0));
    pass(601).await;
    assert_eq!(running.asked("v0"), 1);
    for object in &objects[2..] {
        assert!(running.asked(&object.key().name) >= 60);
    }
    let metrics = running.world.services.metrics.render();
    assert!(metrics.contains("polyscaler_poll_lateness_seconds_sum 0.0\n"), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn one_new_object_among_many_waits_for_no_spread() {
    let objects: Vec<Object> = (0..300).map(|index| Object::new(&format!("v{index}"))).collect();
    let running = Loop::leading(&objects.iter().collect::<Vec<_>>()).await;
    pass(5).await;
    let created = running.world.now();
    running.apply(&web()).await;
    pass(1).await;
    assert!(running.world.sampler.asked("web")[0].at.since(created) <= Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn contract_4_1_polls_in_between_do_not_make_the_interval_shorter() {
    let hurried = |interval: u32| web().hurried().with("intervalSeconds", interval);
    let running = Loop::leading(&[&hurried(100)]).await;
    pass(1).await;
    assert_eq!((running.asked("web"), running.world.cluster.replicas("web")), (1, 6));
    running.world.sampler.answer("web", Answer::Value(5000.0));
    pass(95).await;
    assert!((9..=11).contains(&running.asked("web")), "{}", running.asked("web"));
    assert_eq!(running.world.cluster.replicas("web"), 6, "read, and not yet due");
    pass(6).await;
    assert_eq!(running.world.cluster.replicas("web"), 10, "the interval has passed");

    // Whoever writes a new spec, and a source that reports, wait for nothing.
    running.world.sampler.answer("web", Answer::Value(1000.0));
    pass(20).await;
    assert_eq!(running.world.cluster.replicas("web"), 10);
    running.apply(&hurried(90)).await;
    pass(1).await;
    assert_eq!(running.world.cluster.replicas("web"), 2);
    running.world.sampler.answer("web", Answer::Value(5000.0));
    pass(20).await;
    assert_eq!(running.world.cluster.replicas("web"), 2);
    running.send(Event::Pushed(hurried(90).key())).await;
    pass(1).await;
    assert_eq!(running.world.cluster.replicas("web"), 10);
}

#[tokio::test(start_paused = true)]
async fn contract_4_1_where_the_interval_counts_from_the_first_poll_that_reads_anew() {
    let hurried = |interval: u32| web().hurried().with("intervalSeconds", interval);
    let running = Loop::leading(&[&hurried(100)]).await;
    pass(50).await;
    running.delete(&hurried(100)).await;
    running.apply(&hurried(90)).await;
    pass(1).await;
    let asked = running.world.sampler.asked("web").pop().unwrap();
    assert!(asked.at.since(asked.not_before) <= Duration::from_secs(1), "{asked:?}");
    // Whoever looks again at an HPA has read it already.
    running.apply(&hurried(10)).await;
    pass(1).await;
    let asked = running.world.sampler.asked("web").pop().unwrap();
    assert!(asked.at.since(asked.not_before) <= Duration::from_secs(10), "{asked:?}");
}

/// A crowd that its server is asked for each ten minutes.
fn crowd() -> Vec<Object> {
    let object = |index: usize| Object::new(&format!("v{index}")).publishing().with("intervalSeconds", 600);
    (0..500).map(object).collect()
}

/// The most requests in any second from `since` on, and in how long every object was asked.
fn busiest(running: &Loop, objects: &[Object], since: engine::Time) -> (usize, Duration) {
    let asked = |object: &Object| running.world.sampler.asked(&object.key().name);
    let of = |object: &Object| asked(object).into_iter().map(|asked| asked.at).filter(move |at| *at >= since);
    let firsts = objects.iter().map(|object| of(object).min().unwrap());
    let last = firsts.max().unwrap().since(since);
    let mut all: Vec<_> = objects.iter().flat_map(of).collect();
    all.sort_unstable();
    let within = |at: &engine::Time| all.partition_point(|other| *other < at.plus(Duration::from_secs(1)));
    let seconds = all.iter().enumerate().map(|(index, at)| within(at) - index);
    (seconds.max().unwrap_or(0), last)
}

#[tokio::test(start_paused = true)]
async fn what_is_due_at_once_is_asked_as_fast_as_a_server_bears() {
    let objects = crowd();
    let running = Loop::leading(&objects.iter().collect::<Vec<_>>()).await;
    pass(20).await;
    let since = running.world.now();
    for object in &objects {
        running.events.send(Event::Pushed(object.key())).await.unwrap();
    }
    pass(20).await;
    let (busiest, last) = busiest(&running, &objects, since);
    assert!(busiest <= 200, "{busiest}");
    assert!((3..=5).contains(&last.as_secs()), "{last:?}");
    let metrics = running.world.services.metrics.render();
    assert!(!metrics.contains("polyscaler_poll_lateness_seconds_sum 0.0\n"), "who waits is late");
}

#[tokio::test(start_paused = true)]
async fn when_all_hpas_ask_a_new_leader_no_server_feels_it() {
    let objects = crowd();
    let running = Loop::start();
    for object in &objects {
        running.apply(object).await;
    }
    running.send(Event::Synced).await;
    let since = running.world.now();
    running.lead(true).await;
    for object in &objects {
        let (services, key) = (running.world.services.clone(), object.key());
        tokio::spawn(async move { services.answers.awaited(&key, "s0-http", &*services.clock).await });
    }
    pass(20).await;
    let (busiest, last) = busiest(&running, &objects, since);
    assert!((150..=200).contains(&busiest), "{busiest}");
    assert!(last <= Duration::from_secs(6), "{last:?}");
}
