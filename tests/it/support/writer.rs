//! Somebody who saves without end and keeps a ledger of what was acknowledged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use reqwest::Method;

use super::client::Session;

/// Numbers go on from writer to writer: what an earlier one has left is older than whatever a later one saves.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Somebody who saves all the time, in order, and remembers what was acknowledged.
pub struct Writer {
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<BTreeMap<String, (u32, u32)>>,
    acknowledged: tokio::sync::watch::Receiver<u32>,
}

impl Writer {
    /// Begins.
    pub fn start(session: &Session) -> Self {
        let (stop, session) = (Arc::new(AtomicBool::new(false)), session.clone());
        let (tell, acknowledged) = tokio::sync::watch::channel(0);
        let stopping = stop.clone();
        let task = tokio::spawn(async move {
            // Per file: the last number acknowledged, and the last tried.
            let mut files: BTreeMap<String, (u32, u32)> = BTreeMap::new();
            while !stopping.load(Ordering::Relaxed) {
                let n = NEXT.fetch_add(1, Ordering::Relaxed);
                let path = format!("saves/{}.txt", n % 5);
                let last = files.get(&path).map_or(0, |(acknowledged, _)| *acknowledged);
                files.insert(path.clone(), (last, n));
                let request = session.client.request(Method::PUT, &session.file(&path)).body(n.to_string());
                let answer = request.timeout(Duration::from_secs(60)).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    files.insert(path, (n, n));
                    tell.send_modify(|count| *count += 1);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            files
        });
        Self { stop, task, acknowledged }
    }

    /// Waits until another save is acknowledged.
    pub async fn saves_on(&mut self, patience: Duration) {
        let count = *self.acknowledged.borrow_and_update();
        let more = self.acknowledged.wait_for(|now| *now > count + 1);
        tokio::time::timeout(patience, more).await.expect("saves resume").expect("it writes");
    }

    /// What must be there: for each file at least what was acknowledged last.
    pub async fn stop(self) -> BTreeMap<String, (u32, u32)> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap()
    }

    /// Stops, and compares what there is with what was acknowledged.
    pub async fn check(self, session: &Session) {
        for (path, (acknowledged, tried)) in self.stop().await {
            if tried == 0 {
                continue;
            }
            let read = session.read(&path).await.unwrap_or_default();
            let read: u32 = if read.is_empty() { 0 } else { String::from_utf8(read).unwrap().parse().unwrap() };
            // The one that was under way may have been committed without its answer.
            assert!((acknowledged..=tried).contains(&read), "{path}: acknowledged {acknowledged}, is {read}");
        }
    }
}
