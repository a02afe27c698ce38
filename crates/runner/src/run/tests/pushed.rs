//! Sources that report by themselves that there is work.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_object_is_looked_at_when_its_source_reports_and_not_twice_at_once() {
    let running = Loop::leading(&[&web().with("intervalSeconds", 300)]).await;
    pass(301).await;
    let before = running.asked("web");
    running.send(Event::Pushed(web().key())).await;
    pass(1).await;
    assert_eq!(running.asked("web"), before + 1);
    let asked = running.world.sampler.asked("web").pop().unwrap();
    assert_eq!(asked.not_before, asked.at, "what was read before knows nothing of it");

    // While its poll runs: again when that has ended.
    running.world.sampler.answer("web", Answer::Slow(Duration::from_secs(5), 3000.0));
    for _ in 0..3 {
        running.send(Event::Pushed(web().key())).await;
        pass(1).await;
    }
    assert_eq!(running.asked("web"), before + 2);
    pass(10).await;
    assert_eq!(running.asked("web"), before + 3);
    assert_eq!(running.world.busy.most(), 1);
    // Its regular polls go on as before.
    pass(300).await;
    assert_eq!(running.asked("web"), before + 4);
}

#[tokio::test(start_paused = true)]
async fn sources_are_listened_to_only_while_their_object_is_polled() {
    let running = Loop::start();
    let listened = |who: &str| running.world.sampler.listened(who);
    running.world.lease.set(Some(Duration::from_secs(8)));
    running.apply(&web()).await;
    running.lead(true).await;
    assert_eq!(listened("web"), 0, "an older object may own the target");
    running.send(Event::Synced).await;
    pass(1).await;
    assert_eq!(listened("web"), 1);
    // Another one on the same target, which is younger.
    let rival = Object::new("rival").target("web").created(9);
    running.apply(&rival).await;
    pass(1).await;
    assert_eq!((listened("web"), listened("rival")), (1, 0));
    running.delete(&web()).await;
    pass(1).await;
    assert_eq!((listened("web"), listened("rival")), (0, 1));
    running.lead(false).await;
    pass(1).await;
    assert_eq!(listened("rival"), 0);
    running.send(Event::Pushed(rival.key())).await;
    let asked = running.asked("rival");
    pass(1).await;
    assert_eq!(running.asked("rival"), asked);
}
