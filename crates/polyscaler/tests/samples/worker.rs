//! `worker`: a crew of local workers, one for each ready replica, drains a list in Redis.

use std::time::Duration;

use serde_json::Value;
use testbed::{ChildHandle, RedisOptions, RedisServer};

use crate::harness::{LIMIT, Scene, Target};
use crate::samples::sample::{Sample, lines, terminate};

/// How many jobs there are.
const JOBS: usize = 120;

/// The workers that run, and those that did.
struct Crew<'a> {
    sample: &'a Sample,
    redis: String,
    running: Vec<ChildHandle>,
    all: Vec<ChildHandle>,
}

impl Crew<'_> {
    /// Has so many workers run, as the kubelets would.
    async fn follow(&mut self, target: &Target) {
        let wanted = usize::try_from(target.ready().await).unwrap();
        while self.running.len() < wanted {
            let name = format!("worker-{}", self.all.len());
            let env = [("REDIS_URL", self.redis.as_str()), ("WORK_MILLISECONDS", "200")];
            let worker = self.sample.start(&name, "worker", &env);
            self.running.push(worker.clone());
            self.all.push(worker);
        }
        for worker in self.running.drain(wanted..) {
            terminate(&worker).await;
        }
    }

    fn done(&self) -> usize {
        self.all.iter().map(|worker| lines(worker, "done job-")).sum()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_follow_the_jobs_that_wait() {
    let scene = Scene::new("worker").await;
    let sample = Sample::new("worker");
    let redis = RedisServer::start(RedisOptions::default()).await.unwrap();
    let target = sample.deployment(&scene).await;
    target.wait_until_ready(1).await;
    let _operator = scene.operator(&[]).await;
    let address = redis.url();
    let scaler = sample
        .scaler(&scene, |spec| spec["metrics"][0]["config"]["address"] = Value::from(address.as_str()))
        .await;
    scaler.wait_for("Ready", "True", "Ready").await;

    let (count, rate) = (JOBS.to_string(), "1000");
    let env = [("REDIS_URL", address.as_str()), ("COUNT", &count), ("RATE", rate)];
    let producer = sample.run("worker-producer", &env).await;
    assert_eq!(lines(&producer, "pushed job-"), JOBS);
    target.wait_for(10).await;

    let mut crew = Crew { sample: &sample, redis: address.clone(), running: Vec::new(), all: Vec::new() };
    let deadline = tokio::time::Instant::now() + 2 * LIMIT;
    while crew.done() < JOBS || target.ready().await > 1 {
        assert!(tokio::time::Instant::now() < deadline, "{} jobs done", crew.done());
        crew.follow(&target).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(crew.all.len() > 1, "more than one worker");
    target.wait_for(1).await;
    // Each job was done once, also by the workers that had to go.
    crew.follow(&target).await;
    assert_eq!((crew.done(), crew.running.len()), (JOBS, 1));
    assert_eq!(format!("{:?}", redis.run(&["LLEN", "jobs"]).await.unwrap()), "int(0)");
    terminate(&crew.running[0]).await;
}
