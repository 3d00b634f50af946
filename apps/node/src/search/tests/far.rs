//! A transport in memory that is as slow as a long way, and whose ends can fall silent.

use std::{
    collections::VecDeque,
    io, mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{AsyncRead, AsyncWrite};
use libp2p_core::{
    Multiaddr, Transport,
    transport::{DialOpts, ListenerId, MemoryTransport, TransportError, TransportEvent},
};
use tokio::time::{Instant, Sleep, sleep_until};

/// Whether the machine of one end has lost its power.
pub(super) type Silent = Arc<AtomicBool>;

/// A stream whose bytes are heard `delay` after they were said. When its end is silent it is not closed: the other end waits.
pub(super) struct Far<S> {
    inner: Option<S>,
    silent: Silent,
    delay: Duration,
    /// On the way, each piece with when it is here; an empty one is the end.
    way: VecDeque<(Instant, Vec<u8>)>,
    timer: Pin<Box<Sleep>>,
}

impl<S> Far<S> {
    pub(super) fn new(inner: S, delay: Duration, silent: Silent) -> Self {
        let timer = Box::pin(sleep_until(Instant::now()));
        Self { inner: Some(inner), silent, delay, way: VecDeque::new(), timer }
    }
}

impl<S: AsyncWrite + Unpin> Far<S> {
    fn said(&mut self) -> Pin<&mut S> {
        Pin::new(self.inner.as_mut().expect("it is there until the end"))
    }
}

impl<S> Drop for Far<S> {
    fn drop(&mut self) {
        if self.silent.load(Ordering::Relaxed) {
            mem::forget(self.inner.take());
        }
    }
}

impl<S: AsyncRead + Unpin> Far<S> {
    /// Takes all that was said onto the way.
    fn take_up(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let mut piece = [0; 16_384];
        let Some(inner) = &mut self.inner else { return Ok(()) };
        while self.way.back().is_none_or(|(_, bytes)| !bytes.is_empty()) {
            match Pin::new(&mut *inner).poll_read(cx, &mut piece) {
                Poll::Ready(len) => {
                    let len = len?;
                    self.way.push_back((Instant::now() + self.delay, piece[..len].to_vec()));
                }
                Poll::Pending => break,
            }
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Far<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        this.take_up(cx)?;
        loop {
            let Some((here, bytes)) = this.way.front_mut() else { return Poll::Pending };
            if *here > Instant::now() {
                let here = *here;
                this.timer.as_mut().reset(here);
                if this.timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                continue;
            }
            let len = bytes.len().min(out.len());
            out[..len].copy_from_slice(&bytes[..len]);
            bytes.drain(..len);
            // The end stays where it is: it is read again and again.
            if bytes.is_empty() && len > 0 {
                this.way.pop_front();
            }
            return Poll::Ready(Ok(len));
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Far<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.said().poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.said().poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.said().poll_close(cx)
    }
}

/// The transport in memory of one machine. When that is silent its listeners stay: whoever connects waits for an answer.
pub(super) struct Machine {
    inner: Option<MemoryTransport>,
    silent: Silent,
}

impl Machine {
    pub(super) fn new(silent: Silent) -> Self {
        Self { inner: Some(MemoryTransport::default()), silent }
    }

    fn memory(&mut self) -> &mut MemoryTransport {
        self.inner.as_mut().expect("it is there until the end")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if self.silent.load(Ordering::Relaxed) {
            mem::forget(self.inner.take());
        }
    }
}

impl Transport for Machine {
    type Dial = <MemoryTransport as Transport>::Dial;
    type Error = <MemoryTransport as Transport>::Error;
    type ListenerUpgrade = <MemoryTransport as Transport>::ListenerUpgrade;
    type Output = <MemoryTransport as Transport>::Output;

    fn listen_on(&mut self, id: ListenerId, at: Multiaddr) -> Result<(), TransportError<Self::Error>> {
        self.memory().listen_on(id, at)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.memory().remove_listener(id)
    }

    fn dial(&mut self, at: Multiaddr, how: DialOpts) -> Result<Self::Dial, TransportError<Self::Error>> {
        self.memory().dial(at, how)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, Self::Error>> {
        Pin::new(self.memory()).poll(cx)
    }
}
