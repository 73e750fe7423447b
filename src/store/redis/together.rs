//! Waiting for many calls at once.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use crate::error::Result;

/// What all of `futures` give, in order, once the last of them is done. They run side by side.
pub(super) async fn all<T, F>(futures: impl IntoIterator<Item = F>) -> Result<Vec<T>>
where
    F: Future<Output = Result<T>>,
{
    let mut running: Vec<(Pin<Box<F>>, Option<Result<T>>)> =
        futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    poll_fn(|context| {
        let mut is_done = true;
        for (future, result) in &mut running {
            if result.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(value) => *result = Some(value),
                    Poll::Pending => is_done = false,
                }
            }
        }
        if is_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, result)| result).collect()
}
