//! How the process comes to its end: that it was told to, and what it waits for then.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::watch;

use super::answer::Refused;

/// Whether the process was told to stop, and the work that must not be broken off.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    begun: watch::Sender<bool>,
    /// Whoever is at such work listens.
    work: watch::Sender<()>,
}

impl Shutdown {
    /// From now on it stops.
    pub fn begin(&self) {
        self.begun.send_replace(true);
    }

    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.begun.borrow()
    }

    /// To wait for it.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<bool> {
        self.begun.subscribe()
    }

    /// Waits until it has begun.
    pub async fn begun(&self) {
        // An error would say that nobody is there who could begin it: we are.
        let _ = self.subscribe().wait_for(|begun| *begun).await;
    }

    /// Does work that moves money to its end, though whoever asked for it hung up, or
    /// was told that it takes too long.
    ///
    /// # Errors
    /// When the work broke down.
    pub(super) async fn unbroken<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Refused> {
        let at_work = self.work.subscribe();
        let done = tokio::spawn(async move {
            let done = work.await;
            drop(at_work);
            done
        });
        done.await.map_err(Refused::internal)
    }

    /// Waits until none of that work is left.
    pub(super) async fn work_done(&self) {
        self.work.closed().await;
    }

    /// How much of it is left.
    pub(super) fn work_left(&self) -> usize {
        self.work.receiver_count()
    }
}

/// Begins nothing any more once the process was told to stop.
pub(super) async fn turn_away(
    State(shutdown): State<Shutdown>,
    request: Request,
    next: Next,
) -> Response {
    if shutdown.has_begun() {
        return Refused::Unavailable("the service is stopping".to_owned()).into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn run(story: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        runtime.unwrap().block_on(story);
    }

    #[test]
    fn work_is_waited_for_though_nobody_asks_for_it_any_more() {
        run(async {
            let shutdown = Shutdown::default();
            shutdown.work_done().await;
            let goes_on = watch::Sender::new(false);
            let mut go_on = goes_on.subscribe();
            let work = shutdown.unbroken(async move {
                go_on.wait_for(|go_on| *go_on).await.unwrap();
            });
            tokio::time::timeout(Duration::ZERO, work)
                .await
                .unwrap_err();
            assert_eq!(shutdown.work_left(), 1);
            goes_on.send_replace(true);
            shutdown.work_done().await;
            assert_eq!(shutdown.work_left(), 0);
            // Nor by what breaks down.
            let broken = shutdown.unbroken(async { panic!("broken down on purpose") });
            assert!(matches!(broken.await, Err(Refused::Internal(_))));
            shutdown.work_done().await;
        });
    }
}
